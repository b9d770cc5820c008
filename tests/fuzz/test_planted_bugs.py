"""The fuzz targets: a few inputs of each pass, and each bug that is planted is found."""

from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from typing import Any

import httpx
import pytest

from relay.adapters import eventbridge
from relay.adapters.http import client
from relay.adapters.http.bounded import _Until
from relay.adapters.http.bulk import BulkTransport
from relay.domain import task
from relay.domain.webhook import url_id
from relay.entrypoint import http
from relay.providers.kling import tasks
from relay.usecases import attach, deliver
from tests.fuzz import targets
from tests.fuzz.host import Host, hosting
from tests.fuzz.run import first_finding, run

type Plant = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with hosting() as running:
        yield running


@pytest.mark.parametrize("number", range(len(targets.TARGETS)))
def test_an_input_passes_and_is_the_same_again(number: int, host: Host) -> None:
    first, again = run(1, number, host), run(1, number, host)
    assert first.error is None
    assert first.inputs == again.inputs


class _UnrecordedError(BaseException):
    """Archiving records each Exception, at three places: what none of them catches stands for one that was forgotten."""


def a_header_of_a_result_host_is_ascii(patch: pytest.MonkeyPatch) -> None:
    """Other bytes raise an exception that nobody records."""
    right = BulkTransport.handle_request

    def handled(transport: BulkTransport, request: httpx.Request) -> httpx.Response:
        response = right(transport, request)
        if not all(value.isascii() for _, value in response.headers.raw):
            response.close()
            raise _UnrecordedError
        return response

    patch.setattr(BulkTransport, "handle_request", handled)


def all_hosts_share_a_cookie_jar(patch: pytest.MonkeyPatch) -> None:
    """Cookies are kept and sent back."""
    patch.setattr(client, "_NoCookies", CookieJar)


def a_body_may_have_any_number_of_values(patch: pytest.MonkeyPatch) -> None:
    """Only the bytes are limited."""
    patch.setattr(http, "VALUES_LIMIT", 10**9)


def uploads_in_base64_have_no_sum(patch: pytest.MonkeyPatch) -> None:
    """Only each file is limited."""
    patch.setattr(attach, "MOST_IN_BASE64", 10**12)


def each_step_of_an_exchange_has_its_own_time(patch: pytest.MonkeyPatch) -> None:
    """There is no limit for the request as a whole."""
    patch.setattr(_Until, "shorten", lambda _until, timeout, _error: timeout)


def the_name_of_a_result_list_is_taken_as_it_comes(patch: pytest.MonkeyPatch) -> None:
    """A slash in it ends the name in the paths of the results."""
    right = tasks._listed

    def listed(value: Any) -> dict[str, Any]:
        found = right(value)
        return dict(zip(value, found.values(), strict=True)) if isinstance(value, dict) and len(value) == len(found) else found

    patch.setattr(tasks, "_listed", listed)


def the_results_of_a_success_have_no_sum(patch: pytest.MonkeyPatch) -> None:
    """Only each URL and their number are limited."""
    patch.setattr(task, "RESULTS_LIMIT", 10**9)


def the_publisher_does_not_divert(patch: pytest.MonkeyPatch) -> None:
    """What is too large for the bus is sent to it. Such events come from tasks that version 0.2.0 stored, without the sum."""
    the_results_of_a_success_have_no_sum(patch)
    patch.setattr(eventbridge, "_size", lambda entry: min(eventbridge._LARGEST, len(entry["Detail"].encode())))


def each_url_is_an_endpoint_of_its_own(patch: pytest.MonkeyPatch) -> None:
    """Whether an endpoint responds is remembered by URL, and many clients have a URL for each task."""
    patch.setattr(deliver, "origin_id", url_id)


PLANTS: dict[Plant, tuple[str, str]] = {
    a_header_of_a_result_host_is_ascii: ("result", "_UnrecordedError"),
    all_hosts_share_a_cookie_jar: ("webhook", "cookie"),
    a_body_may_have_any_number_of_values: ("request", "MiB of memory"),
    uploads_in_base64_have_no_sum: ("request", "MiB of memory"),
    each_step_of_an_exchange_has_its_own_time: ("webhook", "awaited"),
    the_name_of_a_result_list_is_taken_as_it_comes: ("callback", "without a URL"),
    the_results_of_a_success_have_no_sum: ("callback", "more than 262144"),
    each_url_is_an_endpoint_of_its_own: ("webhook", "in back-off"),
    the_publisher_does_not_divert: ("query", "PutEvents with"),
}
"""The target that finds a bug, and a word of the finding."""
MOST = 3000


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(
    plant: Plant, host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, word = PLANTS[plant]
    monkeypatch.setattr("tests.fuzz.run.TARGETS", (getattr(targets, name),))
    plant(monkeypatch)
    found = first_finding(host, most=MOST)
    with capsys.disabled():
        print(f"\n{plant.__name__}: {found and found.error!r}")  # noqa: T201
    assert found
    assert word in repr(found.error)
