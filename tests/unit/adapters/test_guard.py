"""The SSRF guard: which addresses a URL may lead to, and that the checked address is the one that is dialled."""

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator

import httpx
import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.adapters.http.guard import Guard, GuardedTransport, resolve
from relay.adapters.http.results import HttpResultSource
from relay.adapters.http.webhooks import HttpWebhookSender
from relay.domain.addresses import Address, is_public
from relay.domain.errors import ForbiddenAddressError, ResultError
from tests.unit.adapters.test_webhook_secrets import Tenants

PUBLIC = "93.184.215.14"
REAL = socket.getaddrinfo


@pytest.fixture(autouse=True)
def addresses_are_read_by_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every host here is an address in one notation or another, or no host at all: nobody is asked."""
    monkeypatch.setattr("relay.adapters.http.guard.socket.getaddrinfo", REAL)


def names(**addresses: str) -> Callable[[str], list[Address]]:
    """A resolver that knows only these hosts, their dots written as underscores; literals are themselves."""
    known = {name.replace("_", "."): value.split() for name, value in addresses.items()}
    return lambda host: [ipaddress.ip_address(value) for value in known.get(host, [host])]


def guard(*, allow_loopback: bool = False, **addresses: str) -> Guard:
    return Guard(allow_loopback=allow_loopback, resolver=names(**addresses))


class Recorder(httpx.BaseTransport):
    """Answers from a table of paths, and remembers what was dialled."""

    def __init__(self, **redirects: str) -> None:
        self.redirects = redirects
        self.dialled: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.dialled.append(request)
        target = self.redirects.get(request.url.path.strip("/"))
        return httpx.Response(302, headers=[(b"Location", target.encode())]) if target else httpx.Response(200, content=b"file")


FORBIDDEN = {
    "loopback": "127.0.0.1",
    "all of loopback": "127.255.255.254",
    "decimal": "2130706433",
    "octal": "0177.0.0.1",
    "hex": "0x7f.1",
    "hex without dots": "0x7f000001",
    "short": "127.1",
    "zero": "0",
    "unspecified": "0.0.0.0",  # noqa: S104
    "this network": "0.1.2.3",
    "private 10": "10.0.0.1",
    "private 172": "172.16.0.1",
    "private 192": "192.168.1.1",
    "metadata": "169.254.169.254",
    "decimal metadata": "2852039166",
    "carrier-grade NAT": "100.64.0.1",
    "end of carrier-grade NAT": "100.127.255.255",
    "benchmarking": "198.18.0.1",
    "documentation": "192.0.2.1",
    "protocol assignments": "192.0.0.8",
    "multicast": "224.0.0.1",
    "all of multicast": "239.255.255.255",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "IPv6 loopback": "[::1]",
    "IPv6 unspecified": "[::]",
    "mapped": "[::ffff:127.0.0.1]",
    "mapped in hex": "[::ffff:7f00:1]",
    "mapped private": "[::ffff:10.0.0.1]",
    "mapped metadata": "[::ffff:169.254.169.254]",
    "compatible": "[::127.0.0.1]",
    "NAT64": "[64:ff9b::7f00:1]",
    "NAT64 metadata": "[64:ff9b::a9fe:a9fe]",
    "local NAT64": "[64:ff9b:1::5db8:d70e]",
    "6to4": "[2002:7f00:1::]",
    "6to4 private": "[2002:a00:1::1]",
    "Teredo": "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
    "unique local": "[fc00::1]",
    "unique local fd": "[fd00:ec2::254]",
    "link-local": "[fe80::1]",
    "site-local": "[fec0::1]",
    "IPv6 multicast": "[ff02::1]",
    "IPv6 documentation": "[2001:db8::1]",
    "discard": "[100::1]",
}


@pytest.mark.parametrize("host", FORBIDDEN.values(), ids=FORBIDDEN)
def test_an_address_that_is_not_public_is_never_dialled(host: str) -> None:
    inner = Recorder()
    assert not any(is_public(address) for address in resolve(host.strip("[]")))
    with pytest.raises(ResultError):
        HttpResultSource(GuardedTransport(Guard(), inner)).open(f"https://{host}/a.mp4")
    assert inner.dialled == []


@pytest.mark.parametrize("host", [host for host in FORBIDDEN.values() if not resolve(host.strip("[]"))[0].is_loopback])
def test_with_loopback_allowed_the_others_stay_forbidden(host: str) -> None:
    inner = Recorder()
    for scheme in ("http", "https"):
        with pytest.raises(ForbiddenAddressError):
            HttpResultSource(GuardedTransport(Guard(allow_loopback=True), inner)).open(f"{scheme}://{host}/a.mp4")
    assert inner.dialled == []


@pytest.mark.parametrize("host", [PUBLIC, "8.8.8.8", "[2606:4700::1111]", "[64:ff9b::5db8:d70e]", "[::ffff:93.184.215.14]"])
def test_a_public_address_is_dialled(host: str) -> None:
    inner = Recorder()
    with httpx.Client(transport=GuardedTransport(Guard(), inner)) as client:
        assert client.get(f"https://{host}/a.mp4").status_code == 200
    assert [request.url.host for request in inner.dialled] == [str(ipaddress.ip_address(host.strip("[]")))]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://cdn.example.com/a.mp4", "expected an https URL, got http"),
        ("ftp://cdn.example.com/a.mp4", "expected an https URL, got ftp"),
        ("file://cdn.example.com/etc/passwd", "expected an https URL, got file"),
        ("https://cdn.example.com:8443/a.mp4", "port 8443: expected 443"),
        ("https://cdn.example.com:80/a.mp4", "port 80: expected 443"),
        ("https://cdn.example.com:22/", "port 22: expected 443"),
        ("https://user@cdn.example.com/a.mp4", "a URL with a user name in it"),
        ("https://user:word@cdn.example.com/a.mp4", "a URL with a user name in it"),
        ("https://cdn.example.com@127.0.0.1/a.mp4", "a URL with a user name in it"),
        ("https://127.0.0.1#@cdn.example.com/", "a host with an address that is not public"),
        ("https://127.0.0.1?@cdn.example.com/", "a host with an address that is not public"),
        ("https://private.example.com/a.mp4", "a host with an address that is not public"),
        ("https://mixed.example.com/a.mp4", "a host with an address that is not public"),
        ("https://mixed6.example.com/a.mp4", "a host with an address that is not public"),
        ("https://empty.example.com/a.mp4", "a host without an address"),
        ("http://localhost/a.mp4", "expected an https URL, got http"),
    ],
)
def test_what_else_is_forbidden_is_never_dialled(url: str, reason: str) -> None:
    inner = Recorder()
    watched = guard(
        cdn_example_com=PUBLIC,
        private_example_com="10.0.0.1",
        mixed_example_com=f"{PUBLIC} 10.0.0.1",
        mixed6_example_com=f"{PUBLIC} ::1",
        empty_example_com="",
        localhost="127.0.0.1",
    )
    with httpx.Client(transport=GuardedTransport(watched, inner)) as client, pytest.raises(ForbiddenAddressError) as caught:
        client.get(url)
    assert str(caught.value) == reason
    assert inner.dialled == []


def test_the_checked_address_is_dialled_and_the_host_keeps_its_name() -> None:
    inner = Recorder()
    with httpx.Client(transport=GuardedTransport(guard(cdn_example_com=PUBLIC), inner)) as client:
        answer = client.get("https://cdn.example.com/a/b.mp4?sign=1%2F2", headers={"Accept": "*/*"})
    (dialled,) = inner.dialled
    assert str(dialled.url) == f"https://{PUBLIC}/a/b.mp4?sign=1%2F2"
    assert dialled.headers["host"] == "cdn.example.com"
    assert dialled.extensions["sni_hostname"] == "cdn.example.com"
    assert str(answer.request.url) == "https://cdn.example.com/a/b.mp4?sign=1%2F2"


@pytest.mark.parametrize(
    ("host", "resolved", "header", "sni"),
    [
        ("xn--strae-oqa.de", "xn--strae-oqa.de", "xn--strae-oqa.de", "xn--strae-oqa.de"),
        ("XN--STRAE-OQA.de", "xn--strae-oqa.de", "xn--strae-oqa.de", "xn--strae-oqa.de"),
        ("straße.de", "xn--strae-oqa.de", "xn--strae-oqa.de", "xn--strae-oqa.de"),
        ("faß.example", "xn--fa-hia.example", "xn--fa-hia.example", "xn--fa-hia.example"),
        ("xn--ls8h.la", "xn--ls8h.la", "xn--ls8h.la", "xn--ls8h.la"),
        ("xn--a.com", "xn--a.com", "xn--a.com", "xn--a.com"),
        ("Client.EXAMPLE", "client.example", "client.example", "client.example"),
        ("client.example.", "client.example.", "client.example.", "client.example"),
        ("client.example:443", "client.example", "client.example", "client.example"),
    ],
)
@pytest.mark.parametrize("client", ["webhook", "result", "redirect"])
def test_the_name_that_is_resolved_is_the_one_of_the_host_header_and_of_tls(
    client: str, host: str, resolved: str, header: str, sni: str
) -> None:
    asked: list[str] = []

    def resolver(name: str) -> list[Address]:
        asked.append(name)
        return [ipaddress.ip_address(PUBLIC)]

    inner = Recorder(start=f"https://{host}/a")
    transport = GuardedTransport(Guard(resolver=resolver), inner)
    if client == "webhook":
        sender = HttpWebhookSender(transport, Tenants().secrets, timeout=15, now=lambda: 0)
        assert sender.post(f"https://{host}/a", b"{}", tenant="acme", event_id="a:1").http_status == 200
    elif client == "result":
        HttpResultSource(transport).open(f"https://{host}/a")
    elif idna_decodes(resolved):
        HttpResultSource(transport).open("https://cdn.example.com/start")
    else:  # httpx cannot follow it
        with pytest.raises(ResultError):
            HttpResultSource(transport).open("https://cdn.example.com/start")
        return
    dialled = inner.dialled[-1]
    assert (asked[-1], dialled.headers["host"], dialled.extensions["sni_hostname"]) == (resolved, header, sni)
    assert dialled.url.raw_host == PUBLIC.encode()


def idna_decodes(host: str) -> bool:
    try:
        return bool(idna.decode(host))
    except idna.IDNAError:
        return False


def test_the_system_is_asked_for_exactly_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def found(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(2, 1, 6, "", (PUBLIC, 0))]

    monkeypatch.setattr("relay.adapters.http.guard.socket.getaddrinfo", found)
    HttpResultSource(GuardedTransport(Guard(), Recorder())).open("https://straße.de/a.mp4")
    assert asked == ["xn--strae-oqa.de"]
    with pytest.raises(ForbiddenAddressError, match="cannot be resolved"):
        resolve("straße.de")  # the system's own encoding is that of IDNA 2003: another name
    assert len(asked) == 1


@pytest.mark.parametrize(
    "host",
    ["[2606:4700::1111%25eth0]", "[2606:4700::1111%1]", "[fe80::1%25eth0]", "cdn%2eexample.com", "a%00b.example.com", "a b.c"],
)
def test_a_zone_or_an_escape_in_a_host_is_not_resolved(host: str) -> None:
    transport = GuardedTransport(Guard(resolver=lambda _: pytest.fail("resolved")), Recorder())
    with pytest.raises(ResultError):
        HttpResultSource(transport).open(f"https://{host}/a.mp4")


def test_an_ipv6_address_is_dialled_in_brackets() -> None:
    inner = Recorder()
    with httpx.Client(transport=GuardedTransport(guard(cdn_example_com="2606:4700::1111"), inner)) as client:
        client.get("https://cdn.example.com/a.mp4")
    assert str(inner.dialled[0].url) == "https://[2606:4700::1111]/a.mp4"
    assert inner.dialled[0].headers["host"] == "cdn.example.com"


def test_a_resolver_that_answers_differently_the_second_time_gains_nothing() -> None:
    answers: Iterator[str] = iter([PUBLIC, "127.0.0.1"])
    asked: list[str] = []

    def rebinding(host: str) -> list[Address]:
        asked.append(host)
        return [ipaddress.ip_address(next(answers))]

    inner = Recorder()
    with httpx.Client(transport=GuardedTransport(Guard(resolver=rebinding), inner)) as client:
        client.get("https://rebind.example.com/a.mp4")
        assert (asked, [request.url.host for request in inner.dialled]) == (["rebind.example.com"], [PUBLIC])
        with pytest.raises(ForbiddenAddressError):
            client.get("https://rebind.example.com/a.mp4")
    assert len(inner.dialled) == 1


@pytest.mark.parametrize(
    "target", ["https://127.0.0.1/", "https://169.254.169.254/latest", "http://cdn.example.com/", "//[::1]/"]
)
@pytest.mark.parametrize("hops", [1, 2, 3])
def test_a_chain_of_redirects_is_checked_at_every_step(target: str, hops: int) -> None:
    chain = {f"{number}": f"https://cdn.example.com/{number + 1}" for number in range(hops - 1)}
    inner = Recorder(**chain, **{f"{hops - 1}": target})
    source = HttpResultSource(GuardedTransport(guard(cdn_example_com=PUBLIC), inner))
    with pytest.raises(ForbiddenAddressError):
        source.open("https://cdn.example.com/0")
    assert [request.url.host for request in inner.dialled] == [PUBLIC] * hops


def test_too_many_redirects_are_a_result_error() -> None:
    inner = Recorder(**{f"{number}": f"https://cdn.example.com/{number + 1}" for number in range(10)})
    with pytest.raises(ResultError, match="TooManyRedirects"):
        HttpResultSource(GuardedTransport(guard(cdn_example_com=PUBLIC), inner)).open("https://cdn.example.com/0")
    assert len(inner.dialled) == 4


def test_loopback_is_opened_by_its_setting_and_nothing_else_with_it() -> None:
    open_guard = guard(allow_loopback=True, both_example_com="127.0.0.1 10.0.0.1", localhost="127.0.0.1 ::1")
    assert str(open_guard.addresses_of(httpx.URL("http://127.0.0.1:4566/a"))[0]) == "127.0.0.1"
    assert str(open_guard.addresses_of(httpx.URL("http://localhost:4566/a"))[0]) == "127.0.0.1"
    for url in ("http://10.0.0.1/", "https://10.0.0.1/", "http://169.254.169.254/", "http://both.example.com/", f"http://{PUBLIC}/",
                f"https://{PUBLIC}:8443/", "http://0.0.0.0/", "http://user@127.0.0.1/"):  # fmt: skip
        with pytest.raises(ForbiddenAddressError):
            open_guard.addresses_of(httpx.URL(url))


def test_with_loopback_allowed_the_machine_of_the_emulator_is_too_and_only_that() -> None:
    """A container's way to its host is a private address."""
    inside = Guard(allow_loopback=True, emulator_url="http://172.17.0.1:4566", resolver=names())
    assert str(inside.addresses_of(httpx.URL("http://172.17.0.1:8080/0.mp4"))[0]) == "172.17.0.1"
    assert str(inside.addresses_of(httpx.URL("http://127.0.0.1:8080/0.mp4"))[0]) == "127.0.0.1"
    for emulator, allow_loopback in (("http://172.17.0.2:4566", True), ("", True), ("http://172.17.0.1:4566", False)):
        outside = Guard(allow_loopback=allow_loopback, emulator_url=emulator, resolver=names())
        with pytest.raises(ForbiddenAddressError):
            outside.addresses_of(httpx.URL("http://172.17.0.1:8080/0.mp4"))


@pytest.mark.parametrize("host", ["", "a" * 64 + ".com", "a..b", "\0"])
def test_a_host_that_cannot_be_resolved_is_forbidden(host: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="cannot be resolved"):
        resolve(host)


def test_a_scoped_address_is_read_without_its_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(10, 1, 6, "", ("fe80::1%eth0", 0, 0, 2))]
    monkeypatch.setattr("relay.adapters.http.guard.socket.getaddrinfo", lambda *_, **__: found)
    assert resolve("printer") == [ipaddress.ip_address("fe80::1")]


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_an_ipv6_one_counts_as_itself(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for outer in (0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert is_public(ipaddress.IPv6Address(outer)) == is_public(address)


@given(st.text(max_size=60).map(lambda text: "https://" + text) | st.text(max_size=60))
def test_whatever_a_url_is_it_raises_nothing_but_a_result_error(url: str) -> None:
    def nobody(_host: str) -> list[Address]:
        raise ForbiddenAddressError("nobody here")

    with pytest.raises(ResultError):
        HttpResultSource(GuardedTransport(Guard(resolver=nobody), Recorder())).open(url)


class Deaf(Recorder):
    """Cannot connect to these addresses."""

    def __init__(self, *addresses: str) -> None:
        super().__init__()
        self.deaf = addresses

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if request.url.host in self.deaf:
            raise httpx.ConnectError("refused")
        return answer


def test_each_checked_address_is_tried_in_turn() -> None:
    inner = Deaf("2606:4700::1111", "8.8.8.8")
    with httpx.Client(transport=GuardedTransport(guard(cdn_example_com=f"2606:4700::1111 8.8.8.8 {PUBLIC}"), inner)) as client:
        assert client.get("https://cdn.example.com/a", timeout=httpx.Timeout(30, connect=9)).status_code == 200
    assert [request.url.host for request in inner.dialled] == ["2606:4700::1111", "8.8.8.8", PUBLIC]
    assert {request.extensions["sni_hostname"] for request in inner.dialled} == {"cdn.example.com"}
    assert {request.extensions["timeout"]["connect"] for request in inner.dialled} == {3}
    assert {request.extensions["timeout"]["read"] for request in inner.dialled} == {30}


def test_few_addresses_are_tried_and_the_last_failure_is_told() -> None:
    addresses = [f"93.184.215.{number}" for number in range(1, 6)]
    inner = Deaf(*addresses)
    transport = GuardedTransport(guard(cdn_example_com=" ".join(addresses)), inner)
    with httpx.Client(transport=transport) as client, pytest.raises(httpx.ConnectError):
        client.get("https://cdn.example.com/a")
    assert [request.url.host for request in inner.dialled] == addresses[:3]


def test_a_request_that_was_sent_is_not_repeated_at_another_address() -> None:
    inner = Recorder()
    broken = httpx.MockTransport(lambda request: (inner.handle_request(request), broken_off())[1])
    transport = GuardedTransport(guard(cdn_example_com=f"{PUBLIC} 8.8.8.8"), broken)
    with httpx.Client(transport=transport) as client, pytest.raises(httpx.ReadError):
        client.post("https://cdn.example.com/a")
    assert len(inner.dialled) == 1


def broken_off() -> httpx.Response:
    raise httpx.ReadError("reset")


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr("relay.adapters.http.guard.socket.getaddrinfo", lambda *_, **__: over.wait(10) and [])
    monkeypatch.setattr("relay.adapters.http.guard._DNS_SECONDS", 0.01)
    try:
        with pytest.raises(ForbiddenAddressError, match="cannot be resolved"):
            resolve("slow.example.com")
    finally:
        over.set()
