"""HttpWebhookSender: one request to hosts that may do anything."""

import email.utils
import ipaddress
import socket
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpcore
import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from relay.adapters.http.bounded import BoundedTransport
from relay.adapters.http.guard import Guard, GuardedTransport
from relay.adapters.http.webhooks import HttpWebhookSender
from relay.domain.addresses import Address
from relay.domain.webhook import Answer
from tests.unit.adapters.test_webhook_secrets import Tenants

URL = "https://client.example/hook?token=hush"
BODY = b'{"task_id":"a"}'


def sender_over(transport: httpx.BaseTransport) -> HttpWebhookSender:
    return HttpWebhookSender(transport, Tenants().secrets, timeout=15, now=lambda: time.time_ns() // 1_000_000)


def posted(answer: httpx.Response | Exception, seen: list[httpx.Request] | None = None) -> Answer:
    def respond(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return sender_over(httpx.MockTransport(respond)).post(URL, BODY, tenant="acme", event_id="a:1")


class Endless(httpx.SyncByteStream):
    """A body that nobody should read."""

    def __iter__(self) -> Iterator[bytes]:
        raise AssertionError("the body was read")


def test_a_request_is_signed_and_carries_nothing_else_of_ours() -> None:
    seen: list[httpx.Request] = []
    assert posted(httpx.Response(204), seen).http_status == 204
    (request,) = seen
    (secret,) = Tenants().secrets.of("acme", at=0)
    assert Webhook(secret).verify(request.content, dict(request.headers)) == {"task_id": "a"}
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert {"authorization", "cookie"}.isdisjoint(request.headers)


def test_the_answers_body_is_not_read() -> None:
    assert posted(httpx.Response(200, stream=Endless())).is_success


def test_a_redirect_is_an_answer_like_any_other() -> None:
    seen: list[httpx.Request] = []
    assert posted(httpx.Response(302, headers={"Location": "https://elsewhere.example/"}), seen).http_status == 302
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (httpx.ConnectTimeout("c"), "no connection in time"),
        (httpx.ReadTimeout("r"), "no answer in time"),
        (httpx.ConnectError(f"refused {URL}"), "no connection"),
        (httpx.RemoteProtocolError(f"illegal {URL}"), "no HTTP answer"),
        (httpx.ReadError(URL), "broken off: ReadError"),
    ],
)
def test_no_answer_is_told_in_few_words_and_without_the_url(error: Exception, told: str) -> None:
    answer = posted(error)
    assert (answer.error, answer.http_status, answer.is_success) == (told, None, False)


def test_a_forbidden_address_is_not_dialled() -> None:
    def resolved(_host: str) -> list[Address]:
        import ipaddress

        return [ipaddress.ip_address("10.0.0.1")]

    transport = GuardedTransport(Guard(resolver=resolved), httpx.MockTransport(lambda _: pytest.fail("dialled")))
    assert sender_over(transport).post(URL, BODY, tenant="acme", event_id="a:1").error == (
        "a host with an address that is not public"
    )


def test_a_name_that_cannot_be_resolved_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    answer = sender_over(GuardedTransport(Guard(), BoundedTransport())).post(
        "https://hush.invalid/", BODY, tenant="acme", event_id="a:1"
    )
    assert answer.error == "the host cannot be resolved"


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("120", 120), ("0", 0), ("-5", None), ("soon", None), ("", None), ("9" * 30, None), ("१२", None), ("1.5", None)],
)
def test_retry_after_is_read(given: str, seconds: int | None) -> None:
    headers = [(b"Retry-After", given.encode())]
    assert posted(httpx.Response(503, headers=headers)).retry_after == seconds


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_retry_after_may_be_a_date(ahead: int) -> None:
    date = datetime.now(UTC) + timedelta(seconds=ahead)
    found = posted(httpx.Response(429, headers={"Retry-After": email.utils.format_datetime(date, usegmt=True)})).retry_after
    assert found is not None
    assert max(0, ahead - 2) <= found <= max(0, ahead)


class Dripping(httpcore.NetworkStream):
    """One byte of a head at a time, each within the limit for a read."""

    def __init__(self, clock: list[float]) -> None:
        self._clock = clock
        self._rest = iter(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 60_000)
        self.timeouts: list[float | None] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - a byte
        self.timeouts.append(timeout)
        self._clock[0] += 1
        return bytes([next(self._rest)])

    def write(self, buffer: bytes, timeout: float | None = None) -> None: ...

    def close(self) -> None: ...

    def start_tls(self, *_: Any, **__: Any) -> "Dripping":
        return self

    def get_extra_info(self, *_: Any) -> Any:
        return None


def test_the_whole_request_has_one_limit_however_the_answer_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    stream = Dripping(clock)

    def connected(*_: Any, **__: Iterable[Any]) -> Dripping:
        return stream

    monkeypatch.setattr("relay.adapters.http.bounded.time.monotonic", lambda: clock[0])
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connected)
    answer = sender_over(BoundedTransport()).post("https://client.example/", BODY, tenant="acme", event_id="a:1")
    assert (answer.error, answer.took_ms) == ("no answer in time", 15_000)
    assert stream.timeouts == [15.0 - second for second in range(15)]


@pytest.mark.parametrize("error", [RuntimeError(URL), OverflowError(), UnicodeError(), ValueError()])
def test_every_exception_is_an_answer_on_record(error: Exception) -> None:
    answer = posted(error)
    assert (answer.error, answer.http_status) == (f"broken off: {type(error).__name__}", None)


@pytest.mark.parametrize("year", ["2147483648", "99999", "10000", "0"])
def test_a_date_that_no_calendar_has_is_no_retry_after(year: str) -> None:
    answer = posted(httpx.Response(503, headers={"Retry-After": f"Wed, 21 Oct {year} 07:28:00 GMT"}))
    assert (answer.http_status, answer.error) == (503, None)
    assert answer.retry_after in {None, 0}


def test_webhooks_carry_the_name_of_the_relay() -> None:
    seen: list[httpx.Request] = []
    posted(httpx.Response(200), seen)
    assert seen[0].headers["user-agent"].startswith("comet-relay/")


def test_the_time_before_the_connection_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    limits: list[float | None] = []

    def refused(_self: Any, _host: str, _port: int, timeout: float | None = None, *_: Any, **__: Any) -> Any:
        limits.append(timeout)
        clock[0] += 4
        raise httpcore.ConnectTimeout

    def resolved(_host: str) -> list[Address]:
        clock[0] += 8
        return [ipaddress.ip_address(f"93.184.215.{number}") for number in (1, 2, 3, 4)]

    monkeypatch.setattr("relay.adapters.http.bounded.time.monotonic", lambda: clock[0])
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", refused)
    sender = sender_over(GuardedTransport(Guard(resolver=resolved), BoundedTransport()))
    answer = sender.post("https://client.example/", BODY, tenant="acme", event_id="a:1")
    assert answer.error == "no connection in time"
    assert limits == [pytest.approx(5 / 3), pytest.approx(5 / 3)]  # 8 s and twice 4 s are more than 15 s
