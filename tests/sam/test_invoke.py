"""`sam local invoke` and `sam local start-lambda`: every function, in a container that holds the layers and nothing else."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from local.simulator import Controls
from local.stack import ACCESS_KEY, REGION, SECRET_KEY, Stack
from tests.sam import cli
from tests.sam.cases import case_of, function_of, taken
from tests.sam.scene import EVENTS, Scene, alone, payload
from tests.unit.test_template import FUNCTIONS


@pytest.fixture(scope="module")
def scene(stack: Stack, simulator: Controls) -> Iterator[Scene]:
    """See Scene; nobody but the containers works here."""
    with alone(stack), Scene(stack, simulator) as scene:
        yield scene


@pytest.fixture(scope="module")
def functions(scene: Scene) -> Iterator[Any]:
    """A client of `sam local start-lambda`, with the task at hand that the payloads are about."""
    with cli.serving("start-lambda", ready=_answers) as url:
        config = Config(retries={"total_max_attempts": 1}, read_timeout=cli.INVOKE_SECONDS)
        client: Any = boto3.client(
            "lambda",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=config,
        )
        scene.created()
        with closing(client):
            yield client


def _answers(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return True


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_does_its_work_in_a_container(function: str, scene: Scene) -> None:
    case = case_of(function)
    case.given(scene)
    said = taken(case.event, cli.invoke(function, f"events/{case.event}.json"))
    assert {name: said.get(name) for name in case.says} == case.says
    assert case.effect(scene), function


@pytest.mark.parametrize("event", EVENTS)
def test_a_payload_is_taken_in_a_container(event: str, functions: Any) -> None:
    answer = functions.invoke(FunctionName=function_of(event), Payload=json.dumps(payload(event)).encode())
    assert "FunctionError" not in answer
    taken(event, json.loads(answer["Payload"].read()))
