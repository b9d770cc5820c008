"""Findings: what a check saw, how bad it is, and what to do."""

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """From good to bad."""

    FINE = 0
    NOTE = 1
    """Nothing is wrong; worth knowing."""
    WARNING = 2
    """Works, and should be looked at; or could not be checked."""
    BROKEN = 3
    """Something does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    check: str
    severity: Severity
    found: str
    advice: str = ""

    def document(self) -> dict[str, str]:
        """As --json shows it."""
        return {"check": self.check, "severity": self.severity.name.lower(), "found": self.found, "advice": self.advice}


def fine(check: str, found: str) -> Finding:
    """As it should be."""
    return Finding(check, Severity.FINE, found)


def note(check: str, found: str, advice: str) -> Finding:
    """Worth knowing."""
    return Finding(check, Severity.NOTE, found, advice)


def warning(check: str, found: str, advice: str) -> Finding:
    """Worth a look."""
    return Finding(check, Severity.WARNING, found, advice)


def broken(check: str, found: str, advice: str) -> Finding:
    """To be mended."""
    return Finding(check, Severity.BROKEN, found, advice)
