"""BulkTransport: what goes over its connections, and what becomes of everything that can go wrong with one."""

import socket
import ssl
import threading
import time
from pathlib import Path

import httpx
import pytest

from benchmarks.loopback import certificate_in
from relay.adapters.http.bulk import BulkTransport
from tests.support.raw_host import HEAD, answering, host


def got(url: str, **options: object) -> httpx.Response:
    with httpx.Client(transport=BulkTransport(), timeout=5, trust_env=False) as client:
        return client.get(url, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 1, 16_384, 262_144, 262_145, 3_000_000])
@pytest.mark.parametrize("framing", ["length", "chunked", "until closed"])
def test_the_bytes_are_those_that_were_sent(framing: str, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[at : at + 9000]), body[at : at + 9000]) for at in range(0, size, 9000))
    sent = {
        "length": b"Content-Length: %d\r\n\r\n%s" % (size, body),
        "chunked": b"Transfer-Encoding: chunked\r\n\r\n%s0\r\n\r\n" % chunks,
        "until closed": b"Connection: close\r\n\r\n" + body,
    }[framing]
    with host(answering(HEAD, sent)) as url:
        assert got(url).content == body


def test_the_request_is_as_httpx_made_it() -> None:
    heads: list[bytes] = []

    def behaviour(connection: socket.socket, head: bytes) -> None:
        heads.append(head)
        connection.sendall(HEAD + b"Content-Length: 0\r\nX-Twice: 1\r\nX-Twice: 2\r\n\r\n")

    with host(behaviour) as url:
        answer = got(url, headers={"Accept-Encoding": "identity", "Host": "cdn.example.com"})
    lines = heads[0].decode().lower().split("\r\n")
    assert lines[0] == "get /a.mp4?sign=1%2f2 http/1.1"
    assert [line for line in lines if line.startswith("host:")] == ["host: cdn.example.com"]
    assert [line for line in lines if line.startswith("accept-encoding:")] == ["accept-encoding: identity"]
    assert answer.headers.get_list("x-twice") == ["1", "2"]


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ((HEAD, b"Content-Length: 10\r\n\r\nhalf"), httpx.RemoteProtocolError),
        ((HEAD, b"Transfer-Encoding: chunked\r\n\r\na\r\nhalf"), httpx.RemoteProtocolError),
        ((HEAD, b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), httpx.RemoteProtocolError),
        ((b"nonsense\r\n\r\n",), httpx.RemoteProtocolError),
        ((), httpx.RemoteProtocolError),
    ],
)
def test_an_answer_that_breaks_off_is_a_protocol_error(sent: tuple[bytes, ...], error: type[Exception]) -> None:
    with host(answering(*sent)) as url, pytest.raises(error):
        got(url)


def test_a_host_that_says_nothing_is_a_read_timeout() -> None:
    over = threading.Event()

    def silent(_connection: socket.socket, _head: bytes) -> None:
        over.wait(10)

    with host(silent) as url:
        try:
            with pytest.raises(httpx.ReadTimeout):
                got(url, timeout=0.1)
        finally:
            over.set()


def test_a_drip_is_handed_on_before_it_fills_a_piece() -> None:
    over = threading.Event()

    def drip(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
        while not over.wait(0.02):
            connection.sendall(b"x")

    with host(drip) as url, httpx.Client(transport=BulkTransport(), trust_env=False) as client:
        try:
            with client.stream("GET", url) as answer:
                assert 0 < len(next(answer.iter_raw())) < 1000
        finally:
            over.set()


def test_a_port_where_nobody_listens_is_a_connect_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(httpx.ConnectError):
        got(f"http://127.0.0.1:{port}/")


@pytest.fixture
def server_context(tmp_path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_in(tmp_path))
    return context


def test_a_certificate_of_nobody_is_a_connect_error(server_context: ssl.SSLContext) -> None:
    with host(answering(HEAD), server_context) as url, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        got(url)


@pytest.mark.parametrize(("name", "verified"), [("127.0.0.1", True), ("cdn.example.com", False)])
def test_the_certificate_must_be_for_the_host_and_not_for_the_address_dialled(
    server_context: ssl.SSLContext, tmp_path: Path, name: str, *, verified: bool
) -> None:
    trusting = BulkTransport(ssl.create_default_context(cafile=tmp_path / "loopback.pem"))
    with (
        host(answering(HEAD, b"Content-Length: 2\r\n\r\nok"), server_context) as url,
        httpx.Client(transport=trusting, trust_env=False) as client,
    ):
        request = client.build_request("GET", url, extensions={"sni_hostname": name})
        if verified:
            assert client.send(request).content == b"ok"
        else:
            with pytest.raises(httpx.ConnectError, match=r"Hostname mismatch|certificate is not valid"):
                client.send(request)


def put(url: str, pieces: list[bytes], size: int) -> httpx.Response:
    with httpx.Client(transport=BulkTransport(), timeout=5, trust_env=False) as client:
        return client.put(url, content=iter(pieces), headers={"Content-Length": str(size)})


def test_a_body_goes_out_as_it_comes() -> None:
    arrived: list[bytes] = []

    def take(connection: socket.socket, head: bytes) -> None:
        body = head.partition(b"\r\n\r\n")[2]
        while len(body) < 300_000:
            body += connection.recv(65_536)
        arrived.append(body)
        connection.sendall(HEAD + b"ETag: e\r\nContent-Length: 0\r\n\r\n")

    with host(take) as url:
        answer = put(url, [b"a" * 100_000, b"b" * 200_000], 300_000)
    assert (answer.headers["etag"], arrived) == ("e", [b"a" * 100_000 + b"b" * 200_000])


@pytest.mark.parametrize(("pieces", "word"), [([b"abc", b"d"], "much"), ([b"ab"], "little"), ([], "little")])
def test_a_body_must_be_as_long_as_it_says(pieces: list[bytes], word: str) -> None:
    with host(answering()) as url, pytest.raises(httpx.LocalProtocolError, match=f"Too {word} data"):
        put(url, pieces, 3)


def test_what_a_host_says_before_it_hangs_up_on_a_body_is_heard() -> None:
    with host(answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\ndenied")) as url:
        answer = None
        try:
            answer = put(url, [b"x" * 65_536] * 1000, 65_536_000)
        except httpx.WriteError:  # reset before the answer could be read: the kernel's choice
            return
    assert answer.status_code == 403


def test_a_head_that_drips_ends_with_the_time_for_all() -> None:
    over = threading.Event()

    def drip(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(HEAD)
        while not over.wait(0.02):
            connection.sendall(b"X: y\r\n")

    with host(drip) as url, httpx.Client(transport=BulkTransport(), timeout=60, trust_env=False) as client:
        try:
            with pytest.raises((httpx.ReadTimeout, httpx.ConnectTimeout)):
                client.get(url, extensions={"until": time.monotonic() + 0.3})
        finally:
            over.set()


def test_nothing_is_dialled_when_the_time_for_all_is_over() -> None:
    with (
        httpx.Client(transport=BulkTransport(), trust_env=False) as client,
        pytest.raises(httpx.ConnectTimeout),
    ):
        client.get("http://127.0.0.1:9/", extensions={"until": time.monotonic() - 1})


@pytest.mark.parametrize("status", [b"200 OK", b"404 Not Found", b"302 Found"])
def test_a_header_may_hold_any_bytes(status: bytes) -> None:
    name = 'attachment; filename="猫.mp4"'
    head = b"HTTP/1.1 %s\r\nContent-Length: 0\r\nContent-Disposition: %s\r\n\r\n" % (status, name.encode())
    with host(answering(head)) as url:
        assert got(url).headers["content-disposition"] == name


def test_informational_responses_come_before_the_response() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    with host(answering(early, HEAD, b"Content-Length: 2\r\n\r\nok")) as url:
        assert got(url).content == b"ok"


def test_an_ipv6_address_of_hex_digits_is_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: list[object] = []
    create = socket.create_connection
    with host(answering(HEAD, b"Content-Length: 2\r\n\r\nok")) as url:
        port = httpx.URL(url).port

        def connect(address: object, timeout: float | None) -> socket.socket:
            dialled.append(address)
            return create(("127.0.0.1", port), timeout)

        monkeypatch.setattr(socket, "create_connection", connect)
        assert got("http://[2606:4700::abcd]/a.mp4").content == b"ok"
    assert dialled == [("2606:4700::abcd", 80)]


def test_a_name_that_tls_cannot_carry_is_a_protocol_error() -> None:
    with host(answering()) as url, httpx.Client(transport=BulkTransport(), trust_env=False) as client:
        secure = url.replace("http:", "https:")
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(secure, extensions={"sni_hostname": "a" * 70 + ".example.com"})
