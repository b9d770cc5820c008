"""AWS clients: the authorities that they trust."""

import botocore.session
import pytest

from relay.adapters.aws import _authorities


def session_of(region: str) -> botocore.session.Session:
    session = botocore.session.get_session()
    session.set_config_variable("region", region)
    return session


@pytest.fixture(autouse=True)
def without_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_a_bundle_of_the_environment_wins(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are what botocore reads, behind a company's proxy that signs with its own authority."""
    assert _authorities(session_of("eu-west-1"))
    monkeypatch.setenv(name, "/etc/ssl/company.pem")
    assert _authorities(session_of("eu-west-1")) is None


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "mars-north-1"])
def test_other_partitions_have_other_authorities(region: str) -> None:
    assert _authorities(session_of(region)) is None
