"""Submits the demo's tasks, follows them, checks them and prints what happened. Exits with 1 if anything is missing."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.live import Live

from local.demo.check import Run, problems
from local.demo.plan import FIRST, Step, second
from local.demo.report import final, live
from local.docs.picture import draw
from local.gateway import EventLog, Gateway
from local.simulator import Controls
from local.stack import LOCAL, NoStackError, Stack

_PATIENCE = 120.0
PICTURE = LOCAL / "demo"


def main(arguments: list[str] | None = None) -> int:
    """The demo on the stack that is up; with `--picture FILE` also an SVG of what it printed."""
    parser = argparse.ArgumentParser(prog="python -m local.demo")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw an SVG of the output")
    options = parser.parse_args(arguments)
    console = Console()
    try:
        stack = Stack.load()
    except NoStackError as error:
        console.print(str(error))
        return 1
    if not stack.provider_admin_url:
        console.print("the demo needs the simulator: run `make down`, then `make demo` without PROVIDER_URL")
        return 1
    began = time.monotonic()
    with Gateway(stack) as gateway, Controls(stack.provider_url) as provider:
        runs = _run_steps(console, EventLog(stack), gateway, provider)
        took = time.monotonic() - began
        for run in runs:
            _inspect(run, stack, gateway, provider)
    for run in runs:
        console.print(final(run))
    if options.picture:
        video = next(run for run in runs if run.step.operation == "videos/text2video")
        draw(options.picture, live(runs, took), "", final(video), *_findings(runs))
    _save_picture(console, runs)
    return _print_findings(console, runs)


def _run_steps(console: Console, events: EventLog, gateway: Gateway, provider: Controls) -> list[Run]:
    """Submit all tasks and wait for their last events, with a live table of their progress."""
    began = time.monotonic()
    runs: list[Run] = []
    with Live(console=console, refresh_per_second=8) as display:

        def show() -> None:
            display.update(live(runs, time.monotonic() - began))

        runs += [_submit(step, gateway) for step in FIRST]
        _wait_for_last_events(runs, events, provider, show)
        video = next(run for run in runs if run.step.operation == "videos/text2video")
        runs += [_submit(step, gateway) for step in second(gateway.task(video.task_id)["results"][0]["id"])]
        _wait_for_last_events(runs, events, provider, show)
    console.print(f"{len(runs)} tasks in {time.monotonic() - began:.1f} s\n")
    return runs


def _submit(step: Step, gateway: Gateway) -> Run:
    data = gateway.submit(step.operation, step.body)
    return Run(step, data["task_id"], data["created_at"])


def _wait_for_last_events(runs: list[Run], events: EventLog, provider: Controls, show: Callable[[], None]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not all(_is_finished(run, events) for run in runs) and time.monotonic() < deadline:
        events.collect(wait=1)
        callbacks = provider.state(hashes=False)["callbacks"]
        for run in runs:
            run.events = events.of(run.task_id)
            run.callbacks = [call for call in callbacks if call["external_task_id"] == run.task_id]
        show()


def _is_finished(run: Run, events: EventLog) -> bool:
    """True if the last event has arrived and all callbacks have a response. The event can overtake the callback's response."""
    return events.is_complete(run.task_id) and all(call["status"] for call in run.callbacks)


def _inspect(run: Run, stack: Stack, gateway: Gateway, provider: Controls) -> None:
    """Add to the run what the relay, the bucket and the simulator contain."""
    run.task = gateway.task(run.task_id)
    known = provider.task(run.task_id)
    run.truth, run.callbacks = known["results"], known["callbacks"]
    run.downloads = [gateway.download(result["url"]) for result in run.task["results"]]
    listed = stack.client("s3").list_objects_v2(Bucket=stack.results_bucket, Prefix=f"results/{run.task_id}/")
    run.objects = {entry["Key"]: entry["Size"] for entry in listed.get("Contents", [])}


def _save_picture(console: Console, runs: list[Run]) -> None:
    """Save the first downloaded picture, and print its path."""
    for run in runs:
        for result, download in zip(run.task["results"], run.downloads, strict=False):
            if str(result.get("media_type")).startswith("image/"):
                PICTURE.mkdir(parents=True, exist_ok=True)
                path = PICTURE / f"{run.task_id}.{result['key'].rsplit('.', 1)[-1]}"
                path.write_bytes(download.content)
                console.print(f"a downloaded picture: {path}", soft_wrap=True)
                return


def _print_findings(console: Console, runs: list[Run]) -> int:
    """Print the last lines. Returns 1 if anything is missing, otherwise 0."""
    for line in _findings(runs):
        console.print(line)
    return 1 if any(problems(run) for run in runs) else 0


def _findings(runs: list[Run]) -> list[str]:
    """The last lines of the demo: what is missing, or that nothing is."""
    found = [f"[red]missing[/red]  {problem}" for run in runs for problem in problems(run)]
    return found or [f"[green]all {len(runs)} tasks are whole[/green]: events without gaps, every byte as served"]


if __name__ == "__main__":
    sys.exit(main())
