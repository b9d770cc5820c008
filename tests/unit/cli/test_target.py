"""Which relay a command uses."""

import json
import os
from pathlib import Path

import pytest

from relay_cli import app as program
from relay_cli.failures import NotFound, Refused, Unauthorized
from relay_cli.target import Target

LOCAL = {
    "gateway_url": "http://127.0.0.1:1/relay",
    "api_key": "crk_local",
    "aws_endpoint_url": "http://127.0.0.1:1",
    "region": "us-east-1",
    "stack_name": "comet-relay-local",
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("RELAY_URL", "RELAY_KEY", "RELAY_STACK", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def checkout(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder inside a checkout with a running stack."""
    (elsewhere / ".local").mkdir()
    (elsewhere / ".local" / "stack.json").write_text(json.dumps(LOCAL))
    (elsewhere / "docs").mkdir()
    monkeypatch.chdir(elsewhere / "docs")
    return elsewhere


def test_without_configuration_there_is_no_relay() -> None:
    with pytest.raises(NotFound, match="no relay is configured"):
        _ = Target().api_url
    with pytest.raises(NotFound, match="no stack is configured"):
        _ = Target(url="https://relay.example.com").aws
    with pytest.raises(Unauthorized):
        _ = Target(url="https://relay.example.com").api_key


@pytest.mark.usefixtures("checkout")
def test_the_local_stack_is_found_from_any_folder_of_its_checkout() -> None:
    target = Target()
    assert (target.api_url, target.api_key, target.is_local) == (LOCAL["gateway_url"], LOCAL["api_key"], True)


@pytest.mark.usefixtures("checkout")
def test_options_override_the_environment_and_that_overrides_the_local_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_URL", "https://environment.example.com/")
    monkeypatch.setenv("RELAY_KEY", "crk_environment")
    assert Target().api_url == "https://environment.example.com"
    assert Target().api_key == "crk_environment"
    given = Target(url="https://option.example.com", key="crk_option")
    assert (given.api_url, given.api_key) == ("https://option.example.com", "crk_option")


@pytest.mark.usefixtures("checkout")
def test_the_local_key_is_used_for_the_local_stack_only() -> None:
    with pytest.raises(Unauthorized):
        _ = Target(url="https://relay.example.com").api_key
    assert Target(url=LOCAL["gateway_url"]).api_key == LOCAL["api_key"]


@pytest.mark.usefixtures("checkout")
def test_the_local_stack_does_not_get_the_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file above the folder decides about the URL, and the key is that of production."""
    monkeypatch.setenv("RELAY_KEY", "crk_production")
    assert (Target().api_url, Target().api_key) == (LOCAL["gateway_url"], LOCAL["api_key"])
    assert Target(key="crk_option").api_key == "crk_option"
    assert Target(url="https://relay.example.com").api_key == "crk_production"


@pytest.mark.parametrize("url", ["https://evil.example.com", "http://evil.example.com", "https://127.0.0.1.example.com", "relay"])
def test_a_local_stack_elsewhere_is_refused(checkout: Path, url: str) -> None:
    (checkout / ".local" / "stack.json").write_text(json.dumps({**LOCAL, "gateway_url": url}))
    with pytest.raises(Refused):
        _ = Target(key="crk_option").api_url
    with pytest.raises(Refused):
        _ = Target().api_key


@pytest.mark.usefixtures("checkout")
def test_the_emulator_gets_no_token_of_an_aws_session(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "production")
    _ = Target().aws
    assert "production" not in {os.environ.get(name) for name in os.environ if name.startswith("AWS_")}


@pytest.mark.usefixtures("checkout")
def test_a_url_of_another_relay_rules_out_the_local_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_URL", "https://relay.example.com")
    with pytest.raises(NotFound, match="is not the URL of the local stack"):
        _ = Target().aws


@pytest.mark.parametrize("url", ["http://relay.example.com", "ftp://relay.example.com", "relay", "http://127.0.0.1.example.com"])
def test_a_key_is_never_sent_unencrypted(url: str) -> None:
    with pytest.raises(Refused):
        _ = Target(url=url).api_url
    assert Target(url="http://127.0.0.1:8000").api_url == "http://127.0.0.1:8000"


def test_a_bundle_of_authorities_serves_both_kinds_of_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/company.pem")
    monkeypatch.setattr(program, "app", lambda: None)
    program.run()
    assert os.environ["SSL_CERT_FILE"] == "/etc/ssl/company.pem"
