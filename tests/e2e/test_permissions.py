"""The functions' policies are enforced, and not one of their permissions too few is noticed late."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from local.emulator.deploy import create_api_key
from local.gateway import Gateway
from local.simulator import Controls
from local.stack import Stack
from tests.e2e.test_envelope import check


@contextmanager
def _without(stack: Stack, function: str, action: str) -> Iterator[None]:
    """The function's role, for a while without one action."""
    iam = stack.client("iam")
    prefix = f"{stack.stack_name}-{function}Role"
    role = next(role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith(prefix))
    name = next(
        name
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        if action in json.dumps(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    )
    document: dict[str, Any] = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    poorer = copy.deepcopy(document)
    for statement in poorer["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        statement["Action"] = [each for each in actions if each != action] or ["none:None"]
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(poorer))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


@pytest.fixture(autouse=True)
def _enforced(stack: Stack) -> None:
    assert stack.iam_enforced, "this stack does not enforce IAM: `make down`, then `make e2e`"


def test_a_callback_needs_the_permission_to_update_the_task(gateway: Gateway, provider: Controls, stack: Stack) -> None:
    provider.fault("stall", next=1, params={"at": "submitted"})
    task_id = gateway.submit("videos/text2video", {"prompt": "A cat"})["task_id"]
    url = provider.task(task_id)["request"]["callback_url"]
    body = {"task_id": "1", "task_status": "failed", "task_status_msg": "as it goes"}
    with _without(stack, "ReceiveCallback", "dynamodb:UpdateItem"):
        refused = httpx.post(url, json=body, trust_env=False, timeout=60)
    check(refused, 500, 5000)
    assert gateway.task(task_id)["status"] == "submitted"
    assert httpx.post(url, json=body, trust_env=False, timeout=60).status_code == 200
    assert gateway.task(task_id)["status"] == "failed"


def test_a_request_needs_the_permission_to_store_the_task(gateway: Gateway, provider: Controls, stack: Stack) -> None:
    before = len(provider.state(hashes=False)["tasks"])
    with _without(stack, "SubmitTask", "dynamodb:PutItem"):
        answer = gateway.request("POST", "/kling/v1/videos/text2video", json={"prompt": "A cat"})
    check(answer, 500, 5000)
    assert len(provider.state(hashes=False)["tasks"]) == before, "nothing is sent that is not stored"


def test_an_authorizer_that_may_not_read_is_our_failure_and_not_the_clients(stack: Stack) -> None:
    fresh = create_api_key(stack.aws_endpoint_url, stack.outputs)
    with Gateway(stack, fresh) as client:
        with _without(stack, "Authorize", "dynamodb:GetItem"):
            check(client.request("GET", "/tasks"), 500, 5000)
        assert client.request("GET", "/tasks").status_code == 200
