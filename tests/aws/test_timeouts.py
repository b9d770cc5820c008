"""A dead connection to one AWS service ends before the function does, and the function before API Gateway gives up."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from relay.adapters import aws
from relay.adapters.dynamodb.api_keys import PLAIN
from relay.adapters.dynamodb.tasks import DynamoTaskStore
from relay.adapters.secrets.cached import Secrets
from relay.bootstrap import services
from relay.config import Settings
from tests.aws.timeouts import AUTHORIZER_SECONDS, INTEGRATION_SECONDS, longest_wait
from tests.support.cloudformation import load_template
from tests.support.moto_world import Context, event, handler_of

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


@pytest.mark.usefixtures("impatient")
def test_a_dead_table_is_an_error_after_the_last_attempt(dead: DeadService) -> None:
    store = DynamoTaskStore(aws.client("dynamodb"), "tasks")
    with pytest.raises(ReadTimeoutError):
        store.get("0" * 32)
    assert len(dead.accepted) == 3


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same attempts, after a twentieth of the time."""
    config = aws._OWN["dynamodb"].merge(Config(read_timeout=vars(aws._OWN["dynamodb"])["read_timeout"] / 20))
    monkeypatch.setitem(aws._OWN, "dynamodb", config)


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Functions that know their secrets."""
    for field in fields(Settings):
        if field.default is MISSING:
            monkeypatch.setenv(field.name.upper(), field.name)
    services.cache_clear()
    monkeypatch.setattr(Secrets, "get", lambda *_: "k" * 64)
    yield
    services.cache_clear()


@pytest.mark.usefixtures("impatient", "functions")
def test_the_authorizer_answers_although_the_table_is_dead(dead: DeadService) -> None:
    payload = event("authorize.missing")
    payload["headers"]["authorization"] = f"Bearer {PLAIN}0123456789"
    answer = handler_of("authorize")(payload, Context())
    assert (answer["isAuthorized"], answer["context"]["code"]) == (True, "5000")
    assert len(dead.accepted) == 3


@pytest.mark.usefixtures("impatient", "functions")
def test_a_callback_is_answered_although_the_table_is_dead(dead: DeadService) -> None:
    payload = event("receive_callback.processing")
    task_id = "0" * 32
    payload["pathParameters"] = {"task_id": task_id, "token": services().tokens.path(task_id, "kling").rpartition("/")[2]}
    answer = handler_of("receive_callback")(payload, Context())
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (500, 5000)
    assert len(dead.accepted) == 3


def test_a_create_and_its_write_end_before_the_function() -> None:
    longest = TEMPLATE["Parameters"]["SubmitTimeoutSeconds"]["Default"] + longest_wait(config_of("dynamodb"))
    assert longest < FUNCTIONS["SubmitTask"]["Timeout"]
