"""Every HTTP client of the layer: whatever cookies a host sets, no later request carries them, and none fails."""

import ipaddress
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from relay.adapters.http.bounded import BoundedTransport
from relay.adapters.http.bulk import BulkTransport
from relay.adapters.http.guard import Guard, GuardedTransport
from relay.adapters.http.provider import HttpProviderApi
from relay.adapters.http.result_uploads import HttpResultUploads
from relay.adapters.http.results import HttpResultSource
from relay.adapters.http.webhooks import HttpWebhookSender
from relay.domain.addresses import Address
from relay.providers.base import ProviderRequest
from tests.unit.adapters.test_webhook_secrets import Tenants

type Send = Callable[[str], object]
"""One request to a URL, which raises an error, or returns none that is false, when it fails."""
COOKIES = {
    "plain": [b"session=1; Path=/"],
    "shared by a suffix": [b"session=1; Domain=.apps.example; Path=/"],
    "huge": [b"session%d=%s; Domain=.apps.example; Path=/" % (number, b"x" * 20_000) for number in range(3)],
    "not ASCII": ["session=猫; Domain=.apps.example; Path=/".encode(), b"session=\xff; Path=/"],
}


class Host:
    """A server on loopback, which sets cookies with each answer and remembers the heads of its requests."""

    def __init__(self) -> None:
        self.cookies: list[bytes] = []
        self.seen: list[tuple[str, str, str | None]] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                host.seen.append((self.headers["Host"].partition(":")[0], self.path, self.headers["Cookie"]))
                is_first = self.path == "/redirected"
                self.send_response_only(302 if is_first else 200)
                for cookie in host.cookies:
                    self._headers_buffer.append(b"Set-Cookie: %s\r\n" % cookie)  # type: ignore[attr-defined]
                if is_first:
                    self.send_header("Location", f"http://other.apps.example:{host.port}/file")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def do_POST(self) -> None:
                self.do_GET()

            def do_PUT(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def host() -> Iterator[Host]:
    running = Host()
    running.start()
    yield running
    running.close()


def everything_is_here(_host: str) -> list[Address]:
    return [ipaddress.ip_address("127.0.0.1")]


def webhooks() -> Send:
    guard = Guard(allow_loopback=True, resolver=everything_is_here)
    sender = HttpWebhookSender(GuardedTransport(guard, BoundedTransport()), Tenants().secrets, timeout=15, now=lambda: 0)
    return lambda url: sender.post(url, b"{}", tenant="acme", event_id="a:1").is_success


def downloads() -> Send:
    source = HttpResultSource(GuardedTransport(Guard(allow_loopback=True, resolver=everything_is_here), BulkTransport()))

    def download(url: str) -> bytes:
        with source.open(url) as result:
            return b"".join(result.chunks())

    return download


def uploads() -> Send:
    upload = HttpResultUploads(BulkTransport())
    return lambda url: [upload.put(url.replace(name_of(url), "127.0.0.1"), iter([b"file"]), 4, "video/mp4")]


def provider() -> Send:
    clients: dict[str, HttpProviderApi] = {}

    def query(url: str) -> bool:
        client = clients.setdefault("", HttpProviderApi(url.replace(name_of(url), "127.0.0.1"), lambda: "key"))
        return client.send(ProviderRequest("GET", "/tasks"), timeout=5).status == 200

    return query


def name_of(url: str) -> str:
    return url.removeprefix("http://").partition(":")[0]


@pytest.mark.parametrize("cookies", COOKIES.values(), ids=COOKIES)
@pytest.mark.parametrize("client", [webhooks, downloads, uploads, provider])
def test_no_cookie_is_sent_back_and_none_disturbs_a_later_request(
    client: Callable[[], Send], cookies: list[bytes], host: Host
) -> None:
    host.cookies = cookies
    send = client()
    for name in ("evil.apps.example", "tenant.apps.example", "tenant.apps.example"):
        assert send(f"http://{name}:{host.port}/hook")
    assert [cookie for _, _, cookie in host.seen] == [None] * 3


@pytest.mark.parametrize("cookies", COOKIES.values(), ids=COOKIES)
def test_a_redirect_of_a_download_carries_no_cookie(cookies: list[bytes], host: Host) -> None:
    host.cookies = cookies
    assert downloads()(f"http://cdn.apps.example:{host.port}/redirected") == b"{}"
    assert host.seen == [("cdn.apps.example", "/redirected", None), ("other.apps.example", "/file", None)]
