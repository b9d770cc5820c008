"""The relay's services in a benchmark's own process, without a stack."""

from dataclasses import MISSING, fields
from typing import Any

from relay.bootstrap import Services
from relay.config import Settings


def services(**settings: Any) -> Services:
    """With these settings; what must be set and is not there names nothing."""
    needed = {field.name: "none" for field in fields(Settings) if field.default is MISSING}
    return Services(Settings(**needed | settings))
