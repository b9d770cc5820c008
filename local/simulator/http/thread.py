"""Runs the simulator in a thread with its own event loop, for tests."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from local.simulator.account.account import Account
from local.simulator.common.settings import Settings
from local.simulator.http.controls import Controls
from local.simulator.http.server import listening
from local.simulator.protocol.registry import make_account

_START_SECONDS = 10.0


@contextmanager
def running(*, seed: int = 7, api_key: str = "sk-sim", port: int = 0, **settings: Any) -> Iterator[Controls]:
    """Run a simulator on a loopback port (0: any free one). `settings` are fields of Settings.

    Raises OSError if the port is in use.
    """
    account = make_account(seed, api_key, Settings().changed(settings))
    loop, stop, started = asyncio.new_event_loop(), asyncio.Event(), Future[str]()
    thread = threading.Thread(target=_run, args=(loop, account, port, stop, started), name="simulator", daemon=True)
    thread.start()
    try:
        with Controls(started.result(_START_SECONDS), api_key) as controls:
            yield controls
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, account: Account, port: int, stop: asyncio.Event, started: Future[str]) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            runner.run(_serve(account, port, stop, started))
        except OSError as error:
            started.set_exception(error)


async def _serve(account: Account, port: int, stop: asyncio.Event, started: Future[str]) -> None:
    async with listening(account, port) as url:
        started.set_result(url)
        await stop.wait()
