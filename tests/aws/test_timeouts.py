"""A dead connection to one AWS service ends before the function does, and the function before API Gateway gives up."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from relay.adapters import aws
from relay.adapters.dynamodb.tasks import DynamoTaskStore
from tests.aws.timeouts import AUTHORIZER_SECONDS, INTEGRATION_SECONDS, longest_wait
from tests.support.cloudformation import load_template

TEMPLATE = load_template()
FUNCTIONS: dict[str, dict[str, Any]] = {
    name: each["Properties"] for name, each in TEMPLATE["Resources"].items() if each["Type"] == "AWS::Serverless::Function"
}
ANSWERING = [name for name, each in FUNCTIONS.items() if any(e["Type"] == "HttpApi" for e in each.get("Events", {}).values())]
_POLLED = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}


def services_of(name: str) -> set[str]:
    """The services that a function calls, by its permissions."""
    statements = [statement for policy in FUNCTIONS[name]["Policies"] for statement in policy["Statement"]]
    actions = [
        action
        for statement in statements
        if statement["Effect"] == "Allow"
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]
    return {action.partition(":")[0] for action in actions if action not in _POLLED}


def config_of(service: str) -> Config:
    return aws._OWN.get(service, aws._CONFIG)


def test_the_back_off_counts() -> None:
    config = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 4})
    assert longest_wait(config) == 4 * 10 + 1 + 2 + 4


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_dead_connection_ends_before_the_function(name: str) -> None:
    waits = {service: longest_wait(config_of(service)) for service in services_of(name)}
    assert waits
    assert {service: seconds for service, seconds in waits.items() if seconds >= FUNCTIONS[name]["Timeout"] - 1} == {}


@pytest.mark.parametrize("name", ANSWERING)
def test_a_function_ends_before_api_gateway_gives_up(name: str) -> None:
    assert FUNCTIONS[name]["Timeout"] < INTEGRATION_SECONDS


def test_the_authorizer_ends_before_api_gateway_gives_up() -> None:
    assert FUNCTIONS["Authorize"]["Timeout"] < AUTHORIZER_SECONDS


class DeadService:
    """Accepts connections on loopback, and answers none."""

    def __init__(self) -> None:
        self.accepted: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.accepted.append(self._listening.accept()[0])

    def close(self) -> None:
        for each in (self._listening, *self.accepted):
            each.close()


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeadService]:
    service = DeadService()
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", service.url)
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "us-east-1")
    aws.client.cache_clear()
    aws._session.cache_clear()
    yield service
    aws.client.cache_clear()
    aws._session.cache_clear()
    service.close()


def test_a_dead_table_is_an_error_after_the_last_attempt(dead: DeadService) -> None:
    store = DynamoTaskStore(aws.client("dynamodb"), "tasks")
    with pytest.raises(ReadTimeoutError):
        store.get("0" * 32)
    assert len(dead.accepted) == 3


def test_a_create_and_its_write_end_before_the_function() -> None:
    longest = TEMPLATE["Parameters"]["SubmitTimeoutSeconds"]["Default"] + longest_wait(config_of("dynamodb"))
    assert longest < FUNCTIONS["SubmitTask"]["Timeout"]
