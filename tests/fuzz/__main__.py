"""`python -m tests.fuzz --seconds 60`: inputs near to real ones for everything that comes from outside. See `targets.py`."""

import argparse
import contextlib
import faulthandler
import os
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

_LONGEST = 120
"""Seconds for one input, after which the process ends with a traceback."""
_SHOWN = 2000
os.environ.update(POWERTOOLS_SERVICE_NAME="comet-relay", POWERTOOLS_METRICS_NAMESPACE="CometRelay", POWERTOOLS_LOG_LEVEL="ERROR")


def main() -> int:
    """The command line; 1 if an input broke something."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--count", type=int, default=1_000_000, help="the number of inputs, if the time is enough")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, help="only this input of the seed")
    parser.add_argument("--all", action="store_true", help="go on after a finding")
    arguments = parser.parse_args()
    only = arguments.case
    until = time.monotonic() + arguments.seconds
    counts: Counter[str] = Counter()
    findings = 0
    with Path(os.devnull).open("w") as nothing, contextlib.redirect_stdout(nothing):
        # Imported here, since the functions' logger keeps the stream that it finds.
        from tests.fuzz.host import hosting
        from tests.fuzz.run import run

        with hosting() as host:
            for number in range(arguments.count) if only is None else (only,):
                if only is None and time.monotonic() > until:
                    break
                faulthandler.dump_traceback_later(_LONGEST, exit=True)
                ended = run(arguments.seed, number, host)
                counts[ended.target] += 1
                if ended.error:
                    findings += 1
                    _print(f"── {ended.target}: make fuzz SEED={arguments.seed} CASE={number}")
                    _print("".join(traceback.format_exception(ended.error)))
                    for given in ended.inputs:
                        _print(f"{len(given)} bytes: {given[:_SHOWN]!r}")
                    if not arguments.all:
                        break
        faulthandler.cancel_dump_traceback_later()
    _print(f"seed {arguments.seed}, {sum(counts.values())} inputs: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
    return 1 if findings else 0


def _print(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
