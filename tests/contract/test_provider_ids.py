"""What knows which tenant an id of the provider was given to, in memory and on DynamoDB."""

import uuid

import pytest

from relay.adapters.dynamodb.provider_ids import DynamoProviderIds
from relay.adapters.dynamodb.tasks import DynamoTaskStore
from relay.domain.task import derived_task_id
from relay.ports import ProviderIds
from tests.contract.conftest import client_of, table_of
from tests.support.fakes.provider_ids import FakeProviderIds

ID = "878106242831892480"
AT = 1_760_000_000


@pytest.fixture(params=["fake", "moto", "repeating"])
def ids(request: pytest.FixtureRequest) -> ProviderIds:
    """An empty one."""
    if request.param == "fake":
        return FakeProviderIds()
    client = client_of(request)
    return DynamoProviderIds(client, table_of(client, name=f"contract-{uuid.uuid4().hex}"))


def test_an_id_belongs_to_the_tenant_that_it_was_given_to(ids: ProviderIds) -> None:
    ids.record("acme", "kling", [ID, "2" * 18], expires_at=AT)
    assert [ids.tenant_of("kling", each) for each in (ID, "2" * 18, "3" * 18)] == ["acme", "acme", None]
    assert ids.tenant_of("other", ID) is None


def test_the_first_tenant_keeps_an_id(ids: ProviderIds) -> None:
    ids.record("acme", "kling", [ID], expires_at=AT)
    ids.record("rival", "kling", [ID, "2" * 18], expires_at=AT)
    ids.record("acme", "kling", [ID], expires_at=AT + 1)
    assert [ids.tenant_of("kling", each) for each in (ID, "2" * 18)] == ["acme", "rival"]


def test_an_id_is_no_task(moto_client: object) -> None:
    table = table_of(moto_client, name=f"contract-{uuid.uuid4().hex}")
    DynamoProviderIds(moto_client, table).record("acme", "kling", [ID], expires_at=AT)
    store = DynamoTaskStore(moto_client, table)
    assert store.get(derived_task_id("kling", "provider_id", ID)) is None
    assert store.of_tenant("acme", operation=None, status=None, limit=10, cursor=None).tasks == []
    assert store.due(now=AT * 2000, limit=10) == []
