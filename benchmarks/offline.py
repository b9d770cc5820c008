"""The relay's services inside a benchmark's process, without a stack."""

from dataclasses import MISSING, fields
from typing import Any

from relay.bootstrap import Services
from relay.config import Settings


def services(**settings: Any) -> Services:
    """Services with these settings. Required settings that are missing get the value `none`."""
    needed = {name.lower(): value for name, value in environment().items()}
    return Services(Settings(**needed | settings))


def environment() -> dict[str, str]:
    """Every required variable, with the value `none`."""
    return {field.name.upper(): "none" for field in fields(Settings) if field.default is MISSING}
