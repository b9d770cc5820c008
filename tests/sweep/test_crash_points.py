"""Every call of every function, failing in every way: what is delivered again brings each task to its one right end."""

import gc
import inspect
import os
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import cache, partial
from multiprocessing import get_context
from types import SimpleNamespace

import httpx
import moto.s3.models
import moto.sqs.models
import pytest
from httpx._transports import default as transports
from jsonpath_ng.ext import parser as jsonpath_parser
from moto import mock_aws

from relay import bootstrap
from relay.adapters import aws
from relay.adapters.s3 import results
from relay.bootstrap import services
from relay.domain.errors import ProviderTaskMissingError
from relay.domain.task import Result, Snapshot
from relay.ports import Relay
from relay.providers.kling.translator import Kling
from relay.usecases import archive as archiving
from tests.support.moto_world import handler_of, sha256
from tests.support.moto_world import moto as moto_server
from tests.sweep.call_sites import call_sites, sites_in
from tests.sweep.faults import Call, Mode, Point
from tests.sweep.scenarios import SCENARIOS, Scenario
from tests.sweep.swept_world import Clock, SweptWorld

pytestmark = pytest.mark.filterwarnings(
    "ignore:No application metrics",
    "ignore::ResourceWarning",  # a process that was killed leaves its sockets to the system
)


@pytest.fixture(autouse=True)
def _sockets_of_the_killed() -> Iterator[None]:
    """Let them go here, where they are expected, and not in another test."""
    yield
    gc.collect()


_MAY_LEAVE_UPLOADS = {Mode.CRASH_BEFORE, Mode.CRASH_AFTER}


@dataclass
class Figure:
    """What was covered, and what was found."""

    points: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    violations: list[str] = field(default_factory=list)
    calls: set[Call] = field(default_factory=set)

    def add(self, other: "Figure") -> None:
        """Put two figures together."""
        self.points += other.points
        self.modes += other.modes
        self.runs += other.runs
        self.violations += other.violations
        self.calls |= other.calls

    def __str__(self) -> str:
        lines = [f"  {function:<18} {points:>5} points" for function, points in sorted(self.points.items())]
        lines += [f"  {mode:<34} {count:>5}" for mode, count in self.modes.most_common()]
        return "\n".join([*lines, f"  {self.points.total()} points in {self.runs} runs, {len(self.violations)} violations"])


@contextmanager
def relay_on_moto(patch: pytest.MonkeyPatch) -> Iterator[SweptWorld]:
    """S3 over HTTP, since presigned URLs are; everything else of moto in process."""
    clock = Clock()
    server = moto_server()
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    environment = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL_S3": endpoint,
        "POWERTOOLS_SERVICE_NAME": "comet-relay",
        "POWERTOOLS_METRICS_NAMESPACE": "CometRelay",
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    }
    for name, value in environment.items():
        patch.setenv(name, value)
    patch.delenv("AWS_ENDPOINT_URL", raising=False)
    patch.setattr(bootstrap, "now", clock)
    patch.setattr(moto.sqs.models, "unix_time_millis", lambda: float(clock()))
    patch.setattr(moto.sqs.models, "unix_time", lambda: clock() / 1000)
    patch.setattr(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", 1024)
    patch.setattr(results, "_PART", 4096)
    patch.setattr(transports, "create_ssl_context", partial(lambda context, **_: context, httpx.create_ssl_context()))
    patch.setattr("jsonpath_ng.ext.parse", cache(jsonpath_parser.parse))  # moto's bus parses the same paths for every event
    for cached in (aws.client, aws._session, services):
        cached.cache_clear()
    with mock_aws():
        made = SweptWorld(endpoint, clock)
        submitting = inspect.unwrap(handler_of("submit_task")).__globals__
        patch.setitem(submitting, "uuid", SimpleNamespace(uuid4=made.new_id))
        with made.faults.installed(patch.setattr):
            yield made
    for cached in (aws.client, aws._session, services):
        cached.cache_clear()
    server.stop()


@pytest.fixture
def patch(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return monkeypatch


@pytest.fixture
def world(patch: pytest.MonkeyPatch) -> Iterator[SweptWorld]:
    with relay_on_moto(patch) as made:
        yield made


def anew(world: SweptWorld, patch: pytest.MonkeyPatch) -> SweptWorld:
    """The same world without a past."""
    httpx.post(f"{world.s3.meta.endpoint_url}/moto-api/reset").raise_for_status()
    for name, value in world.create().items():
        patch.setenv(name, value)
    services.cache_clear()
    return world


def run(world: SweptWorld, scenario: Scenario, point: Point | None = None) -> list[str]:
    """A scenario with one fault, to its end; what is wrong then."""
    world.begin()
    try:
        scenario.arrange(world)(point)
        reached = [] if world.is_reached else ["the call was not made"]
        world.calm()
        wrong = reached + world.violations() + scenario.check(world)
        failed = world.acted[point.number] if point else None
        # The bucket itself ends the uploads of a crash, or whose id was lost: its rule is in the template's test.
        is_nobodys = failed is not None and failed.name.endswith(("CreateMultipartUpload", "AbortMultipartUpload"))
        excused = point and (point.mode in _MAY_LEAVE_UPLOADS or is_nobodys)
        if world.backstage.uploads() and not excused:
            wrong.append("a multipart upload is left")
    finally:
        world.end()
    return wrong


def sweep(world: SweptWorld, scenario: Scenario, figure: Figure) -> None:
    """The scenario without a fault, then with each; points that are the same to the outside share a run."""
    figure.violations += [f"{scenario}, no fault: {text}" for text in run(world, scenario)]
    calls = list(world.acted)
    assert calls, f"{scenario} makes no call"
    done = set()
    for number, call in enumerate(calls):
        for mode in call.modes:
            figure.points[scenario.function] += 1
            figure.modes[mode] += 1
            if (moment := _moment(calls, number, mode)) in done:
                continue
            done.add(moment)
            figure.runs += 1
            where = f"{scenario}, call {number + 1} {call.name} ({call.file}:{call.line}), {mode}"
            figure.violations += [f"{where}: {text}" for text in run(world, scenario, Point(number, mode))]
    figure.calls |= world.faults.all_calls


def _moment(calls: list[Call], number: int, mode: Mode) -> tuple[object, ...]:
    """What tells two points apart: to the outside, a process that dies after a call, or before the next, or before what it
    only reads then, dies at one moment; and of calls that read the same after each other any one is like the first."""
    if mode in {Mode.CRASH_BEFORE, Mode.CRASH_AFTER}:
        past = calls[: number + (mode is Mode.CRASH_AFTER)]
        return "crash", sum(call.has_effect for call in past)
    while number and not calls[number].has_effect and calls[number - 1] == calls[number]:
        number -= 1
    return mode, number


def swept(numbers: list[int]) -> Figure:
    """Some of the scenarios, in a process of their own."""
    figure = Figure()
    with (
        open(os.devnull, "w") as nowhere,  # noqa: PTH123
        redirect_stdout(nowhere),
        warnings.catch_warnings(action="ignore"),
        pytest.MonkeyPatch.context() as patch,
        relay_on_moto(patch) as world,
    ):
        for number in numbers:
            sweep(anew(world, patch), SCENARIOS[number], figure)
    return figure


def test_every_call_may_fail_in_every_way(capfd: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    processes = os.cpu_count() or 1
    shares = [list(range(first, len(SCENARIOS), processes)) for first in range(processes)]
    figure = Figure()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for part in pool.map(swept, shares):
            figure.add(part)
    uncovered = [str(site) for site in call_sites() if not any(site.is_of(call) for call in figure.calls)]
    with capfd.disabled():
        print(f"\nThe crash-point sweep, {time.monotonic() - began:.0f} s\n{figure}")  # noqa: T201
    assert not figure.violations, "\n".join(figure.violations)
    assert uncovered == []
    assert figure.points.keys() == {scenario.function for scenario in SCENARIOS}


def test_a_wrong_order_is_found(world: SweptWorld, patch: pytest.MonkeyPatch) -> None:
    """The results are marked as stored before they are: only a crash between the two tells."""
    (scenario,) = (each for each in SCENARIOS if str(each) == "archive_results: single put")
    right = archiving._copy_file

    def hasty(result: Result, url: str, *, prefix: str, seconds: float, relay: Relay) -> Result:
        key = f"{prefix}.mp4"
        body = world.provider.files["/files/0.mp4"].body
        marked = replace(result, bucket="results", key=key, bytes=len(body), sha256=sha256(body), media_type="video/mp4")
        services().tasks.record_archive(prefix.split("/")[1], (marked,), at=world.clock())
        return right(result, url, prefix=prefix, seconds=seconds, relay=relay)

    figure = Figure()
    with patch.context() as planted:
        planted.setattr(archiving, "_copy_file", hasty)
        sweep(anew(world, patch), scenario, figure)
    assert not [text for text in figure.violations if "no fault" in text]
    assert any("bucket PUT" in text and "is not what the provider has" in text for text in figure.violations)


def test_a_lost_look_up_is_found(world: SweptWorld, patch: pytest.MonkeyPatch) -> None:
    """An attempt that does not ask first pays twice when the answer to the one before was lost."""
    (scenario,) = (each for each in SCENARIOS if str(each) == "submit_task: small")
    figure = Figure()
    anew(world, patch)
    with patch.context() as planted:
        planted.setattr(Kling, "read_queried", _knows_nothing)
        sweep(world, scenario, figure)
    assert any("answer lost: paid" in text for text in figure.violations)


def _knows_nothing(_provider: Kling, _operation: object, _response: object) -> Snapshot:
    raise ProviderTaskMissingError("no look")


def test_call_sites_are_found_in_the_source() -> None:
    calls = ["self._client.put_item(\n  x)", "client('sqs').send_message()", "http.put(u)"]
    source = "\n".join([*calls, "self._client.generate_presigned_url()", "print(x.y())"])
    assert [str(site) for site in sites_in(source, "a.py")] == ["a.py:1 put_item", "a.py:3 send_message", "a.py:4 put"]
