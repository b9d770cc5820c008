"""Findings of `relay doctor`: the result of a check, its severity and what to do."""

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """How bad a finding is, in ascending order."""

    FINE = 0
    NOTE = 1
    """Nothing is wrong, but the operator should know it."""
    WARNING = 2
    """It works, but the operator should look at it; or the check could not run."""
    BROKEN = 3
    """Something does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. All findings except FINE have advice."""

    check: str
    severity: Severity
    message: str
    advice: str = ""

    def document(self) -> dict[str, str]:
        """Return what --json prints."""
        return {"check": self.check, "severity": self.severity.name.lower(), "found": self.message, "advice": self.advice}


def fine(check: str, message: str) -> Finding:
    """Return a finding that everything works."""
    return Finding(check, Severity.FINE, message)


def note(check: str, message: str, advice: str) -> Finding:
    """Return a finding that is only for information."""
    return Finding(check, Severity.NOTE, message, advice)


def warning(check: str, message: str, advice: str) -> Finding:
    """Return a finding that the operator should look at."""
    return Finding(check, Severity.WARNING, message, advice)


def broken(check: str, message: str, advice: str) -> Finding:
    """Return a finding that something does not work."""
    return Finding(check, Severity.BROKEN, message, advice)
