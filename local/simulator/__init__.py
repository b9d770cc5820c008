"""A provider to develop against: CometAPI's Kling surface on loopback, with faults on demand (see README.md)."""

from local.simulator.http.controls import Controls
from local.simulator.http.thread import running

__all__ = ["Controls", "running"]
