"""A provider to develop against: CometAPI's Kling surface on loopback, with faults on demand (see README.md)."""

from local.simulator.controls import Controls
from local.simulator.thread import running

__all__ = ["Controls", "running"]
