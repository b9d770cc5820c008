"""Every HTTP client of strangers: a peer that sends or takes a little at a time gets no more time than one that is silent."""

import ipaddress
import socket
import threading
from collections.abc import Callable

import httpx
import pytest

from relay.adapters.http.bounded import BoundedTransport
from relay.adapters.http.bulk import BulkTransport
from relay.adapters.http.guard import Guard, GuardedTransport
from relay.adapters.http.provider import HttpProviderApi
from relay.adapters.http.results import HttpResultSource
from relay.adapters.http.webhooks import HttpWebhookSender
from relay.domain.errors import OutcomeUnknownError, ResultError
from relay.providers.base import ProviderRequest
from tests.support.raw_host import HEAD, answering, dripping, host
from tests.unit.adapters.test_webhook_secrets import Tenants

LIMIT = 0.3
DRIPS = {
    "status line": (b"", b"H"),
    "header": (HEAD + b"X: ", b"y"),
    "header lines": (HEAD, b"X: y\r\n"),
    "informational responses": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
}
BODY = {"body": (HEAD + b"Content-Length: 1000\r\n\r\n", b" ")}
GUARD = Guard(allow_loopback=True, resolver=lambda _host: [ipaddress.ip_address("127.0.0.1")])


def query(url: str) -> None:
    with pytest.raises(OutcomeUnknownError, match="ReadTimeout"):
        HttpProviderApi(url, lambda: "key").send(ProviderRequest("GET", "/tasks"), timeout=LIMIT)


def deliver(url: str) -> None:
    sender = HttpWebhookSender(GuardedTransport(GUARD, BoundedTransport()), Tenants().secrets, timeout=LIMIT, now=lambda: 0)
    assert sender.post(url, b"{}", tenant="acme", event_id="a:1").error == "no answer in time"


def download(url: str) -> None:
    source = HttpResultSource(GuardedTransport(GUARD, BulkTransport()), longest=LIMIT)
    with pytest.raises(ResultError, match=r"ReadTimeout|too slowly"), source.open(url) as result:
        list(result.chunks())


@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS)
@pytest.mark.parametrize("client", [query, deliver, download])
def test_a_drip_ends_with_the_time_for_all(client: Callable[[str], None], drip: tuple[bytes, bytes]) -> None:
    with host(dripping(*drip)) as url:
        client(url)


@pytest.mark.parametrize("client", [query, download])
def test_a_body_that_drips_ends_with_the_time_for_all(client: Callable[[str], None]) -> None:
    with host(dripping(*BODY["body"])) as url:
        client(url)


def test_a_provider_that_takes_the_request_slowly_ends_with_the_time_for_all() -> None:
    over = threading.Event()

    def sipping(connection: socket.socket, _head: bytes) -> None:
        while connection.recv(65_536):
            over.wait(0.02)

    request = ProviderRequest("POST", "/tasks", {"image": "x" * 10_000_000})
    with host(sipping) as url, pytest.raises(OutcomeUnknownError, match="WriteTimeout"):
        HttpProviderApi(url, lambda: "key").send(request, timeout=1)


def test_a_kept_connection_has_the_time_of_its_request() -> None:
    """The second request comes on the connection of the first, whose time is over by then."""
    answer = HEAD + b"Content-Length: 2\r\n\r\n{}"
    over = threading.Event()

    def twice(connection: socket.socket, head: bytes) -> None:
        answering(answer)(connection, head)
        over.wait(0.6)
        connection.recv(65_536)
        answering(answer)(connection, head)

    with host(twice) as url:
        api = HttpProviderApi(url, lambda: "key")
        for limit in (0.5, 20):
            assert api.send(ProviderRequest("GET", "/tasks"), timeout=limit).body == b"{}"


def test_a_transport_without_a_time_for_all_has_the_times_of_each_step() -> None:
    with host(answering(HEAD, b"Content-Length: 2\r\n\r\nok")) as url, httpx.Client(transport=BoundedTransport()) as client:
        assert client.get(url).content == b"ok"
