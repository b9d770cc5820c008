"""The layer's botocore data against the whole: the same endpoints, operations, errors and retries, for what is in use."""

import ast
import io
import json
import runpy
import subprocess
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore import UNSIGNED, xform_name
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.regions import EndpointResolver
from botocore.translate import build_retry_config

from tests.support.cloudformation import ROOT, load_template

TRIM = runpy.run_path(str(ROOT / "layers" / "dependencies" / "trim.py"))
OPERATIONS: dict[str, list[str]] = TRIM["OPERATIONS"]
WHOLE = Loader()
FUNCTIONS = [each["Properties"] for each in load_template()["Resources"].values() if each["Type"] == "AWS::Serverless::Function"]
# What Lambda does by itself with a function's permissions, and what one permission is for beside the operation of its name.
BY_LAMBDA = {
    "ReceiveMessage",
    "DeleteMessage",
    "GetQueueAttributes",
    "ListStreams",
    "DescribeStream",
    "GetRecords",
    "GetShardIterator",
}
ATTEMPTS = 3
BY_OPERATORS = {"dead_letters.py", "stack.py", "key_register.py"}


@pytest.fixture(scope="module")
def trimmed(tmp_path_factory: pytest.TempPathFactory) -> Loader:
    """A loader of the trimmed data only."""
    folder = tmp_path_factory.mktemp("data")
    for name, document in TRIM["trimmed"](WHOLE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(document))
    return Loader(extra_search_paths=[str(folder)], include_default_search_paths=False)


def model(loader: Loader, service: str) -> ServiceModel:
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


def regions() -> Iterator[tuple[str, str]]:
    """(partition, region) of every region that botocore knows."""
    for partition in WHOLE.load_data("endpoints")["partitions"]:
        yield from ((partition["partition"], region) for region in partition["regions"])


@pytest.mark.parametrize("service", OPERATIONS)
def test_every_region_has_the_same_endpoint(trimmed: Loader, service: str) -> None:
    ours, theirs = EndpointResolver(trimmed.load_data("endpoints")), EndpointResolver(WHOLE.load_data("endpoints"))
    prefix = model(WHOLE, service).endpoint_prefix
    found = list(regions())
    assert len(found) > 35
    for partition, region in found:
        for options in ({}, {"use_fips_endpoint": True}, {"use_dualstack_endpoint": True}):
            arguments: dict[str, Any] = {"partition_name": partition, **options}
            try:
                expected = theirs.construct_endpoint(prefix, region, **arguments)
            except Exception as error:  # noqa: BLE001 - a variant that a region lacks fails in both alike
                with pytest.raises(type(error)):
                    ours.construct_endpoint(prefix, region, **arguments)
            else:
                assert ours.construct_endpoint(prefix, region, **arguments) == expected


@pytest.mark.parametrize("service", OPERATIONS)
def test_the_rules_of_endpoints_are_whole(trimmed: Loader, service: str) -> None:
    name = "endpoint-rule-set-1"
    assert trimmed.load_service_model(service, name) == WHOLE.load_service_model(service, name)
    assert trimmed.load_data("partitions") == WHOLE.load_data("partitions")


@pytest.mark.parametrize("service", OPERATIONS)
def test_operations_take_give_and_raise_the_same(trimmed: Loader, service: str) -> None:
    ours, theirs = model(trimmed, service), model(WHOLE, service)
    assert ours.operation_names == sorted(OPERATIONS[service], key=theirs.operation_names.index)
    for name in OPERATIONS[service]:
        mine, whole = ours.operation_model(name), theirs.operation_model(name)
        assert mine.http == whole.http
        assert shape(mine.input_shape) == shape(whole.input_shape)
        assert shape(mine.output_shape) == shape(whole.output_shape)
        assert [each.name for each in mine.error_shapes] == [each.name for each in whole.error_shapes]
    assert {each.name for each in ours.error_shapes} == {each.name for each in theirs.error_shapes}


def shape(of: Any, above: tuple[str, ...] = ()) -> Any:
    """A shape and all below it, without documentation."""
    if of is None or of.name in above:
        return of and of.name
    above = (*above, of.name)
    metadata = {key: value for key, value in of.metadata.items() if key != "documentation"}
    serialization = dict(of.serialization)
    if of.type_name == "structure":
        return of.name, metadata, serialization, {name: shape(member, above) for name, member in of.members.items()}
    if of.type_name == "list":
        return of.name, metadata, serialization, shape(of.member, above)
    if of.type_name == "map":
        return of.name, metadata, serialization, shape(of.key, above), shape(of.value, above)
    return of.name, of.type_name, metadata, serialization


@pytest.mark.parametrize("service", OPERATIONS)
def test_retries_are_the_same(trimmed: Loader, service: str) -> None:
    prefix = model(WHOLE, service).endpoint_prefix
    ours, theirs = ({"retry": loader.load_data("_retry")} for loader in (trimmed, WHOLE))
    built = [build_retry_config(prefix, each["retry"]["retry"], each["retry"]["definitions"]) for each in (ours, theirs)]
    assert built[0] == built[1]


@pytest.mark.parametrize("service", OPERATIONS)
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1"])
def test_a_client_is_the_same(trimmed: Loader, service: str, region: str) -> None:
    clients = []
    for loader in (trimmed, WHOLE):
        session = botocore.session.Session()
        session.register_component("data_loader", loader)
        clients.append(session.create_client(service, region_name=region, aws_access_key_id="a", aws_secret_access_key="b"))
    ours, theirs = clients
    assert ours.meta.endpoint_url == theirs.meta.endpoint_url
    assert {name for name in dir(ours.exceptions) if name[0].isupper()} == {
        name for name in dir(theirs.exceptions) if name[0].isupper()
    }
    assert {xform_name(name) for name in OPERATIONS[service]} <= set(dir(ours))


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-southeast-7", "cn-north-1", "us-gov-west-1"])
@pytest.mark.parametrize(("service", "operation"), [(service, name) for service in OPERATIONS for name in OPERATIONS[service]])
def test_an_operation_is_called_alike(trimmed: Loader, service: str, operation: str, region: str) -> None:
    ours, theirs = (sent(loader, service, operation, region) for loader in (trimmed, WHOLE))
    assert ours == theirs
    assert len(ours) == ATTEMPTS


def sent(loader: Loader, service: str, operation: str, region: str) -> list[tuple[str, str, bytes, str]]:
    """Method, URL, body and error of every attempt at a call that is always answered 503."""
    session = botocore.session.Session()
    session.register_component("data_loader", loader)
    retries: Any = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    client = session.create_client(
        service,
        region,
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries=retries, signature_version=UNSIGNED),
    )
    found = []

    def answer(request: Any, **_: Any) -> Any:
        body = request.body.read() if hasattr(request.body, "read") else request.body
        found.append((request.method, request.url, body))
        return AWSResponse(request.url, 503, HTTPHeaders(), Answer(b""))

    client.meta.events.register("before-send", answer)
    call, arguments = (
        getattr(client, xform_name(operation)),
        arguments_of(model(WHOLE, service).operation_model(operation).input_shape),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda _seconds: None)
        with pytest.raises(ClientError) as raised:
            call(**arguments)
    return [(*each, str(raised.value)) for each in found]


class Answer(io.BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def arguments_of(structure: Any) -> dict[str, Any]:
    """The least that an operation takes."""
    return {name: value_of(structure.members[name]) for name in structure.required_members}


def value_of(shape: Any) -> Any:
    """Some value of a shape."""
    match shape.type_name:
        case "structure":
            return arguments_of(shape) or ({"S": "text"} if shape.name == "AttributeValue" else {})
        case "list":
            return [value_of(shape.member)]
        case "map":
            return {"name": value_of(shape.value)}
        case "integer" | "long":
            return 1
        case _:
            return "some-text"


def test_every_permission_of_a_function_has_its_operation() -> None:
    allowed = set()
    for function in FUNCTIONS:
        for policy in function["Policies"]:
            for statement in policy["Statement"]:
                actions = statement["Action"] if statement["Effect"] == "Allow" else []
                allowed |= set(actions if isinstance(actions, list) else [actions])
    for action in allowed:
        service, name = action.split(":")
        assert name in OPERATIONS[service] or name in BY_LAMBDA, f"add {name} to layers/dependencies/operations.json"


def test_every_call_of_the_adapters_is_in_the_layer() -> None:
    """A call that is not would work in these tests, and fail on AWS."""
    names = {xform_name(name) for service in OPERATIONS for name in model(WHOLE, service).operation_names}
    kept = {xform_name(name) for service in OPERATIONS for name in OPERATIONS[service]}
    paths = [*(ROOT / "layers/relay/relay/adapters").glob("*.py"), ROOT / "layers/relay/relay/bootstrap.py"]
    for path in paths:
        if path.name in BY_OPERATORS:
            continue
        called = {
            node.func.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "client" in ast.unparse(node.func.value)
        }
        assert called & names <= kept, f"{path.name}: add it to layers/dependencies/operations.json"


def test_parallel_make_compiles_only_what_is_trimmed() -> None:
    """`sam build` hands MAKEFLAGS on, so `make -j` reaches the layer's Makefile."""
    command = ["make", "--dry-run", "--jobs=8", "build-DependenciesLayerX86", "ARTIFACTS_DIR=/x"]
    done = subprocess.run(command, cwd=ROOT / "layers" / "dependencies", capture_output=True, text=True, check=True)  # noqa: S603
    steps = [step for line in done.stdout.splitlines() for step in ("pip install", "trim.py", "compileall") if step in line]
    assert steps == ["pip install", "trim.py", "compileall"]
