"""Which URLs a client may be called back at: decided without asking a resolver."""

import pytest

from relay.domain.addresses import check_callback_url
from relay.domain.errors import InvalidRequestError

GOOD = [
    "https://client.example/hook",
    "https://client.example:443/hook?token=a#b",
    "https://sub.client.example./",
    "https://xn--bcher-kva.example/",
    "https://bücher.example/",
    "https://straße.de/",
    "https://xn--ls8h.la/",
    "https://8.8.8.8/hook",
    "https://[2606:4700::1111]/",
]
BAD = {
    "http://client.example/": "expected an https URL; got http",
    "ftp://client.example/": "expected an https URL; got ftp",
    "https://user@client.example/": "expected no user name",
    "https://client.example:8443/": "expected port 443; got 8443",
    "https://client.example:99999/": "expected a URL",
    "https://127.0.0.1/": "expected a public host; got '127.0.0.1'",
    "https://127.1/": "expected a public host",
    "https://2130706433/": "expected a public host",
    "https://0x7f.1/": "expected a public host",
    "https://0177.0.0.1/": "expected a public host",
    "https://10.1.2.3/": "expected a public host",
    "https://169.254.169.254/latest/meta-data": "expected a public host",
    "https://100.64.0.1/": "expected a public host",
    "https://[::1]/": "expected a public host",
    "https://[::ffff:10.0.0.1]/": "expected a public host",
    "https://[fe80::1%25eth0]/": "expected a public host",
    "https://localhost/": "expected a public host",
    "https://metadata/": "expected a public host",
    "https://db.internal/": "expected a public host",
    "https://printer.LOCAL/": "expected a public host",
    "https:///hook": "expected a public host",
    "https://[2606:4700::1111%25eth0]/": "expected a public host",
    "https://client%2eexample.com/": "expected a public host",
    "https://💩.la/": "expected a host name; got '💩.la'",
    "https://bü..example/": "expected a host name",
    f"https://{'ü' * 70}.example/": "expected a host name",
}


@pytest.mark.parametrize("url", GOOD)
def test_a_public_https_url_is_taken(url: str) -> None:
    check_callback_url(url, allow_loopback=False)


@pytest.mark.parametrize(("url", "complaint"), BAD.items())
def test_any_other_is_refused_by_the_name_of_its_field(url: str, complaint: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        check_callback_url(url, allow_loopback=False)
    assert refused.value.code == 1201
    assert refused.value.message.startswith(f"callback_url: {complaint}")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/hook", "http://localhost:1/", "http://[::1]:9/", "https://127.0.0.1/"])
def test_loopback_is_taken_where_the_settings_allow_it(url: str) -> None:
    check_callback_url(url, allow_loopback=True)
    with pytest.raises(InvalidRequestError):
        check_callback_url(url, allow_loopback=False)


@pytest.mark.parametrize("url", ["http://client.example/", "http://10.0.0.1/", "https://localhost.example:444/"])
def test_nothing_else_is_taken_with_it(url: str) -> None:
    with pytest.raises(InvalidRequestError):
        check_callback_url(url, allow_loopback=True)
