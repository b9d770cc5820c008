"""What the whole run logged, after the other tests: no key, token, secret, signature or prompt in any line."""

import re

import pytest

from local.gateway import EventLog, Gateway
from local.logs import read_lines
from local.simulator import Controls
from local.stack import Stack
from local.up import SIMULATOR_KEY
from tests.e2e.conftest import PATIENCE

PROMPT = "A very private lighthouse"


@pytest.fixture
def logged(stack: Stack, gateway: Gateway, provider: Controls, events: EventLog) -> str:
    """Every line, after one more task with a failure of each kind on its way."""
    provider.fault("callback_malformed", next=1, params={"on": ["processing"], "variant": "truncated"})
    provider.fault("result_dead", next=1, params={"status": 403})
    task_id = gateway.submit("images/generations", {"prompt": PROMPT})["task_id"]
    gateway.request("POST", "/kling/v1/videos/text2video", json={"prompt": PROMPT * 200})
    events.wait_for([task_id], timeout=PATIENCE)
    return "\n".join(message for _, _, message in read_lines(stack))


def test_the_run_was_logged(logged: str) -> None:
    for word in ("submitted", "callback", "archived", "quarantined"):
        assert word in logged


def test_no_secret_is_in_any_line(logged: str, stack: Stack, provider: Controls) -> None:
    secrets = stack.client("secretsmanager")
    callback_key, master_key = (
        secrets.get_secret_value(SecretId=stack.outputs[name])["SecretString"] for name in ("CallbackKeyId", "ClientMasterKeyId")
    )
    calls = provider.state(hashes=False)["callbacks"]
    tokens = {call["url"].rsplit("/", 1)[-1].partition(".")[2] for call in calls}
    assert tokens
    secret = {
        "API key": stack.api_key,
        "secret key": stack.secret_key,
        "provider's key": SIMULATOR_KEY,
        "callback key": callback_key,
        "clients' master key": master_key,
    }
    leaks = [name for name, value in secret.items() if value in logged]
    leaks += [f"token {token[:6]}…" for token in tokens if token in logged]
    assert leaks == []


@pytest.mark.parametrize(
    "pattern", [r"X-Amz-Signature=", r"/callbacks/[0-9a-f]{32}/", r"/results/\d+/\d", PROMPT, r"iVBORw0KGgo"]
)
def test_no_line_holds_what_opens_or_tells_something(logged: str, pattern: str) -> None:
    found = re.search(f".{{0,80}}{pattern}.{{0,20}}", logged)
    assert found is None, found
