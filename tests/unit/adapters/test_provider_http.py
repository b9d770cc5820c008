"""HttpProviderApi: what is sent, what each failure means for a payment, and what bounds the answer."""

import gzip
import json
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes
from email.policy import HTTP
from urllib.parse import parse_qs

import httpx
import pytest

from relay.adapters.http.provider import HttpProviderApi
from relay.domain.errors import OutcomeUnknownError, ProviderBusyError, ProviderError, UnavailableError
from relay.providers.base import Encoding, FilePart, ProviderRequest, ProviderResponse

CREATE = ProviderRequest("POST", "/kling/v1/videos/text2video", {"prompt": "eine Katze schläft 🐈"})
NEVER_SENT: set[type[httpx.HTTPError]] = {
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
}
PERHAPS_SENT: set[type[httpx.HTTPError]] = {
    httpx.ReadTimeout,
    httpx.WriteTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.CloseError,
    httpx.LocalProtocolError,
    httpx.RemoteProtocolError,
    httpx.DecodingError,
    httpx.TooManyRedirects,
}
GROUPS = {httpx.TransportError, httpx.TimeoutException, httpx.NetworkError, httpx.ProtocolError, httpx.RequestError}


def below(kind: type[httpx.HTTPError]) -> set[type[httpx.HTTPError]]:
    return {kind}.union(*(below(each) for each in kind.__subclasses__() if each.__module__.startswith("httpx")))


def sent_by(answer: "Answering") -> ProviderResponse:
    return api(answer).send(CREATE, timeout=20)


def api(answer: "Answering", base_url: str = "https://provider.example.com/") -> HttpProviderApi:
    return HttpProviderApi(base_url, lambda: "the key", httpx.MockTransport(answer))


class Answering:
    """A provider that answers with this, or raises it."""

    def __init__(self, answer: httpx.Response | Exception) -> None:
        self._answer = answer
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class Stream(httpx.SyncByteStream):
    """A body that comes in pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.taken = 0
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.taken += 1
            yield piece

    def close(self) -> None:
        self.closed = True


def endless(piece: bytes) -> Iterator[bytes]:
    while True:
        yield piece


def test_every_transport_error_of_httpx_is_classified() -> None:
    assert below(httpx.TransportError) - GROUPS == (NEVER_SENT | PERHAPS_SENT) - {httpx.DecodingError, httpx.TooManyRedirects}
    assert below(httpx.RequestError) - GROUPS == NEVER_SENT | PERHAPS_SENT


@pytest.mark.parametrize("kind", sorted(NEVER_SENT, key=str))
def test_where_no_connection_opened_nothing_was_sent(kind: type[httpx.HTTPError]) -> None:
    with pytest.raises(ProviderBusyError, match=kind.__name__):
        sent_by(Answering(kind("no")))


@pytest.mark.parametrize("kind", sorted(PERHAPS_SENT | GROUPS, key=str))
def test_any_other_failure_may_come_after_the_request_was_taken(kind: type[httpx.HTTPError]) -> None:
    with pytest.raises(OutcomeUnknownError, match=kind.__name__):
        sent_by(Answering(kind("no")))


def test_a_body_that_breaks_off_leaves_the_outcome_unknown() -> None:
    def broken() -> Iterator[bytes]:
        yield b'{"code": 0'
        raise httpx.ReadError("reset")

    with pytest.raises(OutcomeUnknownError, match="ReadError"):
        sent_by(Answering(httpx.Response(200, stream=Stream(broken()))))


def test_a_request_is_sent_once_with_the_key_and_the_body() -> None:
    answering = Answering(httpx.Response(200, content=b'{"code": 0}'))
    assert sent_by(answering) == ProviderResponse(200, b'{"code": 0}')
    (request,) = answering.requests
    assert (request.method, str(request.url)) == ("POST", "https://provider.example.com/kling/v1/videos/text2video")
    assert request.headers["authorization"] == "Bearer the key"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == CREATE.body


def test_the_headers_of_a_response_are_handed_on_by_their_names_in_lower_case() -> None:
    response = sent_by(Answering(httpx.Response(429, content=b"{}", headers={"Retry-After": "60"})))
    assert response.headers["retry-after"] == "60"


@pytest.mark.parametrize(
    ("keys", "is_old", "sent"),
    [
        (["old", "new"], True, ["Bearer old", "Bearer new"]),
        (["old", "old"], True, ["Bearer old"]),
        (["old", "new"], False, ["Bearer old"]),
    ],
    ids=["renewed", "the same", "read just now"],
)
def test_a_refused_key_is_read_again_and_sent_only_if_it_has_changed(keys: list[str], is_old: bool, sent: list[str]) -> None:
    answering, left = Answering(httpx.Response(401, content=b"{}")), iter(keys)
    transport = httpx.MockTransport(answering)
    relay = HttpProviderApi("https://provider.example.com", lambda: next(left), transport, renew=lambda: is_old)

    assert relay.send(CREATE, timeout=20).status == 401
    assert [request.headers["authorization"] for request in answering.requests] == sent


def test_a_key_that_cannot_be_read_again_leaves_the_refusal_as_it_is() -> None:
    def unavailable() -> bool:
        raise UnavailableError("the secret cannot be read again")

    answering = Answering(httpx.Response(401, content=b"{}"))
    relay = HttpProviderApi("https://provider.example.com", lambda: "old", httpx.MockTransport(answering), renew=unavailable)

    assert relay.send(CREATE, timeout=20).status == 401
    assert len(answering.requests) == 1


def test_a_query_has_no_body() -> None:
    answering = Answering(httpx.Response(200, content=b"{}"))
    api(answering).send(ProviderRequest("GET", "/kling/v1/videos/text2video/a%2Fb"), timeout=15)
    (request,) = answering.requests
    assert (request.content, request.url.raw_path) == (b"", b"/kling/v1/videos/text2video/a%2Fb")
    assert "content-type" not in request.headers


def test_the_key_is_asked_for_at_each_request() -> None:
    keys = iter(["old", "new"])
    answering = Answering(httpx.Response(200, content=b"{}"))
    rotating = HttpProviderApi("https://provider.example.com", lambda: next(keys), httpx.MockTransport(answering))
    for _ in range(2):
        rotating.send(CREATE, timeout=20)
    assert [request.headers["authorization"] for request in answering.requests] == ["Bearer old", "Bearer new"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_answer_and_takes_the_key_nowhere(status: int) -> None:
    answering = Answering(httpx.Response(status, headers={"Location": "https://elsewhere.example.com/"}))
    assert sent_by(answering).status == status
    assert len(answering.requests) == 1


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500, 503])
def test_every_http_answer_is_handed_on(status: int) -> None:
    assert sent_by(Answering(httpx.Response(status, content=b"not JSON"))) == ProviderResponse(status, b"not JSON")


@pytest.mark.parametrize(("status", "read"), [(599, 599), (600, 500), (999, 500)])
def test_a_status_that_http_does_not_have_is_a_server_error(status: int, read: int) -> None:
    assert sent_by(Answering(httpx.Response(status, content=b"{}"))).status == read


def test_an_answer_without_end_is_given_up_at_four_mebibytes() -> None:
    stream = Stream(endless(b" " * 65_536))
    with pytest.raises(OutcomeUnknownError, match="too large") as caught:
        sent_by(Answering(httpx.Response(200, stream=stream)))
    assert caught.value.status == 200
    assert stream.taken == 65
    assert stream.closed


def test_an_answer_of_four_mebibytes_is_taken() -> None:
    assert len(sent_by(Answering(httpx.Response(200, content=b" " * 4_194_304))).body) == 4_194_304


def test_a_compressed_answer_counts_by_what_it_unpacks_to() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(OutcomeUnknownError, match="too large"):
        sent_by(Answering(httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=bomb)))


def test_each_wait_is_bounded_by_the_time_there_is() -> None:
    answering = Answering(httpx.Response(200, content=b"{}"))
    for given in (20, 2):
        api(answering).send(CREATE, timeout=given)
    timeouts = [request.extensions["timeout"] for request in answering.requests]
    assert timeouts == [
        {"connect": 5.0, "read": 20, "write": 20, "pool": 20},
        {"connect": 2, "read": 2, "write": 2, "pool": 2},
    ]


def test_no_error_tells_the_key_or_the_url() -> None:
    for error in (httpx.ConnectError("https://provider.example.com Bearer the key"), httpx.ReadError("the key")):
        with pytest.raises(ProviderError) as caught:
            sent_by(Answering(error))
        assert "the key" not in str(caught.value)
        assert "example.com" not in str(caught.value)


@pytest.mark.parametrize("location", ["https://xn--a.com/x", "https://[::1", "http://a:99999/", "\\", "//"])
def test_a_redirect_to_nowhere_leaves_the_outcome_open(location: str) -> None:
    """httpx reads it although it does not follow it."""
    answer = Answering(httpx.Response(301, headers={"Location": location}))
    with suppress(OutcomeUnknownError):
        assert sent_by(answer).status == 301
    assert len(answer.requests) == 1


def test_whatever_fails_after_the_request_may_have_been_billed() -> None:
    with pytest.raises(OutcomeUnknownError, match="no answer from the provider: ValueError"):
        sent_by(Answering(ValueError("of some library")))


def test_a_form_has_texts_as_they_are_and_everything_else_as_json() -> None:
    answering = Answering(httpx.Response(200, json={}))
    body = {"prompt": "a & b = 猫", "n": 2, "tags": ["x"], "loop": True}
    api(answering).send(ProviderRequest("POST", "/form?a=1", body, {"X-Version": "7"}, Encoding.FORM), timeout=20)
    (request,) = answering.requests
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert (request.headers["x-version"], request.url.query) == ("7", b"a=1")
    assert parse_qs(request.content.decode()) == {"prompt": ["a & b = 猫"], "n": ["2"], "tags": ['["x"]'], "loop": ["true"]}


def test_a_multipart_body_carries_texts_and_files() -> None:
    answering = Answering(httpx.Response(200, json={}))
    file = FilePart("cat.png", "image/png", b"\x89PNG\r\n\x1a\n\0")
    body = {"model": "sora-2", "seconds": 4, "input_reference": file}
    api(answering).send(ProviderRequest("POST", "/videos", body, encoding=Encoding.MULTIPART), timeout=20)
    (request,) = answering.requests
    kind = request.headers["content-type"]
    message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.content, policy=HTTP)
    parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
    assert kind.startswith("multipart/form-data; boundary=")
    assert {name: part.get_payload(decode=True) for name, part in parts.items()} == {
        "model": b"sora-2", "seconds": b"4", "input_reference": file.content,
    }  # fmt: skip
    assert (parts["input_reference"].get_filename(), parts["input_reference"].get_content_type()) == ("cat.png", "image/png")


def test_a_header_of_the_provider_does_not_replace_the_key() -> None:
    answering = Answering(httpx.Response(200, json={}))
    api(answering).send(ProviderRequest("GET", "/videos/1", headers={"Accept": "video/mp4"}), timeout=20)
    assert answering.requests[0].headers["accept"] == "video/mp4"
    assert answering.requests[0].headers["authorization"] == "Bearer the key"
