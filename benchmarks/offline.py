"""The relay's services in a benchmark's own process, without a stack."""

from dataclasses import MISSING, fields
from typing import Any

from relay.bootstrap import Services
from relay.config import Settings


def services(**settings: Any) -> Services:
    """With these settings; what must be set and is not there names nothing."""
    needed = {name.lower(): value for name, value in environment().items()}
    return Services(Settings(**needed | settings))


def environment() -> dict[str, str]:
    """The variables that must be set, each to nothing that is there."""
    return {field.name.upper(): "none" for field in fields(Settings) if field.default is MISSING}
