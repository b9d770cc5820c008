"""HttpResultSource: result files from hosts that may lie about everything."""

import gzip
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from relay.adapters.http.results import HttpResultSource
from relay.domain.errors import ResultError, ResultGoneError

URL = "https://cdn.example.com/a.mp4"
MP4 = b"\0\0\0\x18ftypmp42"


class Stream(httpx.SyncByteStream):
    """A body that comes in pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces

    def close(self) -> None:
        self.closed = True


def source(answer: httpx.Response | Exception, seen: list[httpx.Request] | None = None) -> HttpResultSource:
    def respond(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return HttpResultSource(httpx.MockTransport(respond), longest=780)


def test_the_very_bytes_are_asked_for_and_handed_on() -> None:
    seen: list[httpx.Request] = []
    with source(httpx.Response(200, stream=Stream(iter([MP4, b"more"]))), seen).open(URL) as opened:
        assert b"".join(opened.chunks()) == MP4 + b"more"
    assert (seen[0].method, seen[0].headers["accept-encoding"]) == ("GET", "identity")
    assert {"authorization", "cookie"}.isdisjoint(seen[0].headers)


@pytest.mark.parametrize(
    ("given", "size"),
    [("10", 10), ("0", 0), ("-5", None), ("", None), ("ten", None), ("1e3", None), ("0x10", None), ("1.5", None),
     ("9" * 16, None), ("9" * 15, 999_999_999_999_999)],
)  # fmt: skip
def test_a_length_is_believed_only_when_it_is_a_number(given: str, size: int | None) -> None:
    opened = source(httpx.Response(200, headers={"Content-Length": given}, stream=Stream(iter([])))).open(URL)
    assert opened.size == size


def test_a_missing_length_is_no_length() -> None:
    assert source(httpx.Response(200, stream=Stream(iter([])))).open(URL).size is None


def test_an_endless_body_is_handed_on_piece_by_piece() -> None:
    produced = 0

    def endless() -> Iterator[bytes]:
        nonlocal produced
        while True:
            produced += 1
            yield MP4

    stream = Stream(endless())
    with source(httpx.Response(200, stream=stream)).open(URL) as opened:
        chunks = opened.chunks()
        for _ in range(5):
            next(chunks)
    assert produced == 5
    assert stream.closed


def test_a_slow_drip_ends_with_the_time_for_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    minutes = iter(range(0, 10_000, 60))
    monkeypatch.setattr("relay.adapters.http.results.time.monotonic", lambda: float(next(minutes)))
    given = iter([b"x"] * 1000)
    with source(httpx.Response(200, stream=Stream(given))).open(URL) as opened, pytest.raises(ResultError, match="too slowly"):
        list(opened.chunks())
    assert len(list(given)) == 1000 - 14


def test_the_time_for_one_file_counts_from_before_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("relay.adapters.http.results.time.monotonic", lambda: clock[0])
    opened = source(httpx.Response(200, stream=Stream(iter([b"a", b"b"])))).open(URL)
    chunks = opened.chunks()
    clock[0] = 780.0
    assert next(chunks) == b"a"
    clock[0] = 780.1
    with pytest.raises(ResultError, match="too slowly"):
        next(chunks)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 451])
def test_a_refusal_may_be_mended_by_a_fresh_url(status: int) -> None:
    stream = Stream(iter([b"<Error/>"]))
    with pytest.raises(ResultGoneError, match=f"HTTP {status}"):
        source(httpx.Response(status, stream=stream)).open(URL)
    assert stream.closed


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 500, 502, 503])
def test_any_other_answer_is_an_error_of_the_host(status: int) -> None:
    with pytest.raises(ResultError, match=f"HTTP {status}") as caught:
        source(httpx.Response(status, stream=Stream(iter([])))).open(URL)
    assert not isinstance(caught.value, ResultGoneError)


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.UnsupportedProtocol])
def test_a_failure_to_connect_is_a_result_error_without_the_url(error: type[httpx.TransportError]) -> None:
    with pytest.raises(ResultError, match=f"cannot be fetched: {error.__name__}") as caught:
        source(error(URL)).open(URL)
    assert "example.com" not in str(caught.value)


def test_a_body_that_breaks_off_is_a_result_error() -> None:
    def broken() -> Iterator[bytes]:
        yield MP4
        raise httpx.ReadError("reset by peer")

    with (
        source(httpx.Response(200, stream=Stream(broken()))).open(URL) as opened,
        pytest.raises(ResultError, match="broke off: ReadError"),
    ):
        list(opened.chunks())


@pytest.mark.parametrize("url", ["https://[::1", "https://" + "a" * 70_000, "https://\ud800.com/"])
def test_what_is_no_url_is_a_result_error(url: str) -> None:
    with pytest.raises(ResultError):
        source(httpx.Response(200)).open(url)


def test_a_result_that_is_packed_all_the_same_is_unpacked_in_bounded_pieces() -> None:
    content = MP4 + bytes(5_000_000)
    packed = gzip.compress(content, mtime=0)
    pieces = iter([packed[:100], packed[100:], b"trailing"])
    answer = httpx.Response(200, headers={"Content-Encoding": "GZIP", "Content-Length": str(len(packed))}, stream=Stream(pieces))
    with source(answer).open(URL) as opened:
        assert opened.size is None
        received = list(opened.chunks())
    assert b"".join(received) == content
    assert max(map(len, received)) <= 262_144


@pytest.mark.parametrize("sent", [gzip.compress(MP4 * 1000, mtime=0)[:-20], b"not packed", b""])
def test_a_packed_result_without_its_end_is_an_error(sent: bytes) -> None:
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Stream(iter([sent])))
    with source(answer).open(URL) as opened, pytest.raises(ResultError, match="broke off"):
        list(opened.chunks())


def test_every_exception_is_a_result_error_without_its_text() -> None:
    with pytest.raises(ResultError, match=r"cannot be fetched: RuntimeError$"):
        source(RuntimeError(URL)).open(URL)


def test_hosts_see_the_name_of_the_relay() -> None:
    seen: list[httpx.Request] = []
    source(httpx.Response(200, stream=Stream(iter([]))), seen).open(URL)
    version = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]["version"]
    assert seen[0].headers["user-agent"] == f"comet-relay/{version}"
