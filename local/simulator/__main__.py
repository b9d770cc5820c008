"""`python -m local.simulator`: runs the simulator as a process."""

import argparse
import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from local.simulator.account.account import Account
from local.simulator.common.settings import Settings
from local.simulator.http.server import listening
from local.simulator.protocol.registry import make_account


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM."""
    options = _parser().parse_args(arguments)
    settings = Settings().changed(_settings(options))
    account = make_account(options.seed, options.api_key, settings)
    asyncio.run(_serve(account, options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.simulator", description="Simulates CometAPI on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--port-file", type=Path, help="file to write the port to, once the server listens")
    parser.add_argument("--seed", type=int, default=7, help="decides every random choice")
    parser.add_argument("--api-key", default="sk-sim", help="the key expected in Authorization: Bearer")
    parser.add_argument("--speed", type=float, default=1.0, help="divides all durations; 0: tasks move only on request")
    parser.add_argument("--wrapped-queries", action="store_true", help="respond to queries in CometAPI's older format")
    parser.add_argument("--concurrency", type=int, help="concurrency slots of each resource pack (default: no limit)")
    parser.add_argument("--callback-host", action="append", default=[], help="a further host to send callbacks to")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help="any other setting")
    return parser


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that the options name."""
    chosen = {name: json.loads(value) for name, _, value in (each.partition("=") for each in options.set)}
    if options.concurrency is not None:
        chosen["concurrency"] = {"*": options.concurrency}
    return chosen | {
        "speed": options.speed,
        "wrapped_queries": options.wrapped_queries,
        "callback_hosts": options.callback_host,
    }


async def _serve(account: Account, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with listening(account, options.port) as url:
        print(f"provider simulator: {url} (seed {account.seed})", flush=True)
        if options.port_file:
            _write_atomically(options.port_file, url.rpartition(":")[2])
        await stop.wait()


def _write_atomically(path: Path, text: str) -> None:
    """Write atomically, so a reader never sees a half-written port."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text)
    partial.replace(path)


if __name__ == "__main__":
    main()
