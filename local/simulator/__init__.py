"""Simulates CometAPI and its providers on loopback, with faults on request (see README.md)."""

from local.simulator.http.controls import Controls
from local.simulator.http.thread import running

__all__ = ["Controls", "running"]
