"""Every TaskStore and every Webhooks: the fake, the adapter on moto and, where CONTRACT_ENDPOINT_URL says so, on an emulator."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

from relay.adapters.dynamodb.tasks import DynamoTaskStore
from relay.adapters.dynamodb.webhooks import DynamoWebhooks
from relay.ports import TaskStore, Webhooks
from relay_cli.operator.webhook_state import WebhookOperations
from tests.support.cloudformation import load_template
from tests.support.fakes.task_store import FakeTaskStore
from tests.support.fakes.webhooks import FakeWebhooks

ENDPOINT = os.environ.get("CONTRACT_ENDPOINT_URL", "")
STORES = ["fake", "moto", "repeating", *(["emulator"] if ENDPOINT else [])]
_AS_IN_TEMPLATE = (
    "BillingMode",
    "AttributeDefinitions",
    "KeySchema",
    "GlobalSecondaryIndexes",
)


@cache
def _properties(resource: str) -> dict[str, Any]:
    properties: dict[str, Any] = load_template()["Resources"][resource]["Properties"]
    return properties


def table_of(client: Any, *, name: str, resource: str = "Tasks") -> str:
    """A table as the template makes it."""
    properties = _properties(resource)
    arguments = {key: properties[key] for key in _AS_IN_TEMPLATE if key in properties}
    if "StreamSpecification" in properties:
        arguments["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
    client.create_table(TableName=name, **arguments)
    client.get_waiter("table_exists").wait(TableName=name)
    return name


def _client(endpoint: str | None) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture(scope="module")
def moto_client() -> Iterator[Any]:
    """A client of a DynamoDB in this process."""
    with mock_aws():
        yield _client(None)


class RepeatingClient:
    """A client whose SDK repeats every write: the first response is lost, as botocore's retries see it."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if name not in {"put_item", "update_item"}:
            return call

        def repeated(**arguments: Any) -> Any:
            with contextlib.suppress(self._client.exceptions.ConditionalCheckFailedException):
                call(**arguments)
            return call(**arguments)

        return repeated


def client_of(request: pytest.FixtureRequest) -> Any:
    """The client that a fixture's parameter names."""
    if request.param == "emulator":
        return _client(ENDPOINT)
    client = request.getfixturevalue("moto_client")
    return RepeatingClient(client) if request.param == "repeating" else client


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[TaskStore]:
    """An empty store."""
    if request.param == "fake":
        yield FakeTaskStore()
        return
    client = client_of(request)
    name = table_of(client, name=f"contract-{uuid.uuid4().hex}")
    yield DynamoTaskStore(client, name)
    client.delete_table(TableName=name)


@pytest.fixture(params=STORES)
def webhooks(request: pytest.FixtureRequest) -> Iterator[Webhooks]:
    """An empty table of webhooks."""
    if request.param == "fake":
        yield FakeWebhooks()
        return
    client = client_of(request)
    name = table_of(client, name=f"contract-{uuid.uuid4().hex}", resource="WebhookState")
    yield DynamoWebhooks(client, name)
    client.delete_table(TableName=name)


@pytest.fixture(params=["moto", "repeating"])
def moto_webhooks(request: pytest.FixtureRequest) -> WebhookOperations:
    """The adapter on an empty table of moto's."""
    client = client_of(request)
    return WebhookOperations(client, table_of(client, name=f"contract-{uuid.uuid4().hex}", resource="WebhookState"))


@pytest.fixture
def moto_store(moto_client: Any) -> DynamoTaskStore:
    """The adapter on an empty table of moto's."""
    return DynamoTaskStore(moto_client, table_of(moto_client, name=f"contract-{uuid.uuid4().hex}"))
