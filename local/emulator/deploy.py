"""Creates the stack in the emulator, and the secrets, keys and queue that only the embedded run needs."""

import json
import time
import tomllib
from collections.abc import Mapping
from typing import Any

from local.emulator.artefacts import translate_template, upload
from local.emulator.patches.expand_http_api import expand_http_apis
from local.emulator.patches.number_parameters import resolve_number_parameters
from local.emulator.patches.plain_http import allow_plain_http
from local.stack import ROOT, TENANT, emulator_client
from relay.domain.keys import Issued, KeyKind
from relay_cli.operator.keys import Keys

API_ID = "relay"
CALLBACK_KEY = "the-key-of-the-callback-tokens-in-events-and-of-the-embedded-run"
"""Replaces the generated key, so that the tokens of the callbacks in `events/` are valid in the embedded run."""
_IN_PROGRESS = "_IN_PROGRESS"
_PATIENCE_SECONDS = 300.0


def read_configuration() -> tuple[str, dict[str, str]]:
    """Read the stack's name and its parameters for `local` from samconfig.toml."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())["local"]
    overrides = config["deploy"]["parameters"]["parameter_overrides"]
    return config["global"]["parameters"]["stack_name"], dict(pair.split("=", 1) for pair in overrides.split())


def gateway_url(endpoint_url: str) -> str:
    """The API's URL. It is known before the API exists, because the API's id is fixed. A parameter needs it for callback URLs."""
    return f"{endpoint_url}/_aws/execute-api/{API_ID}/$default"


def deploy(endpoint_url: str, name: str, parameters: dict[str, str]) -> dict[str, str]:
    """Translate the built template, create the stack and wait for it. Returns its outputs. Raises RuntimeError."""
    template = allow_plain_http(resolve_number_parameters(translate_template(endpoint_url, parameters), parameters))
    return create_stack(endpoint_url, name, expand_http_apis(template, api_ids={"Gateway": API_ID}), parameters)


def create_stack(endpoint_url: str, name: str, template: dict[str, Any], parameters: dict[str, str]) -> dict[str, str]:
    """Create a stack from a translated template and return its outputs.

    Raises RuntimeError with the reasons if it fails or takes too long.
    """
    cloudformation = emulator_client("cloudformation", endpoint_url)
    cloudformation.create_stack(
        StackName=name,
        TemplateURL=upload(endpoint_url, f"{name}.json", json.dumps(template).encode()),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    stack = _wait_for_stack(cloudformation, name)
    if stack["StackStatus"] != "CREATE_COMPLETE":
        raise RuntimeError(f"{stack['StackStatus']}: {_reasons(cloudformation, name)}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def put_provider_key(endpoint_url: str, secret_name: str, key: str) -> None:
    """Create the secret with the provider's key. On AWS, the operator creates it."""
    emulator_client("secretsmanager", endpoint_url).create_secret(Name=secret_name, SecretString=key)


def put_callback_key(endpoint_url: str, secret_id: str) -> None:
    """Replace the callback key that Secrets Manager generated."""
    emulator_client("secretsmanager", endpoint_url).put_secret_value(SecretId=secret_id, SecretString=CALLBACK_KEY)


def create_api_key(endpoint_url: str, outputs: Mapping[str, str], tenant: str = TENANT) -> str:
    """Create an API key for a tenant and return it. Raises ValueError for an invalid tenant name."""
    return _keys(endpoint_url, outputs).create(tenant).secret


def create_key_pair(endpoint_url: str, outputs: Mapping[str, str], tenant: str = TENANT) -> Issued:
    """Create an access key with its secret key for a tenant. Raises ValueError for an invalid tenant name."""
    return _keys(endpoint_url, outputs).create(tenant, KeyKind.PAIR)


def _keys(endpoint_url: str, outputs: Mapping[str, str]) -> Keys:
    return Keys(outputs, lambda service: emulator_client(service, endpoint_url))


def subscribe(endpoint_url: str, bus: str) -> str:
    """Create a queue that receives every event of the bus. Returns its URL."""
    sqs = emulator_client("sqs", endpoint_url)
    url: str = sqs.create_queue(QueueName="local-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events = emulator_client("events", endpoint_url)
    events.put_rule(Name="local-everything", EventBusName=bus, EventPattern=json.dumps({"source": [{"prefix": ""}]}))
    events.put_targets(Rule="local-everything", EventBusName=bus, Targets=[{"Id": "local-events", "Arn": arn}])
    return url


def _wait_for_stack(cloudformation: Any, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith(_IN_PROGRESS) or time.monotonic() > deadline:
            return stack
        time.sleep(0.1)


def _reasons(cloudformation: Any, name: str) -> str:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    return "; ".join(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in reversed(failed))
