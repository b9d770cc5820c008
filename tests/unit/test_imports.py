"""Cold starts: what importing a function must leave unloaded, and where boto3 and httpx may be imported at all.

Powertools itself loads jmespath, and its resolver asyncio; the relay's own AWS clients load botocore, never boto3.
"""

import ast
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
RESOLVERS = {"submit_task", "query_tasks", "cancel_task"}
ALWAYS_LATER = ("httpx", "pydantic", "boto3", "s3transfer", "requests", "jwt", "aws_xray_sdk", "moto", "local", "tests")
SDK = {"boto3", "botocore", "httpx"}


@cache
def loaded_by(function: str) -> frozenset[str]:
    """The modules in memory after importing a function, in an interpreter of its own."""
    code = "import app, json, sys; print(json.dumps(sorted(sys.modules)))"
    paths = [str(ROOT / "functions" / function), str(ROOT / "layers" / "relay")]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "PATH": os.environ["PATH"]}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    return frozenset(json.loads(run.stdout))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("module", ALWAYS_LATER)
def test_importing_a_function_leaves_unloaded(function: str, module: str) -> None:
    assert module not in loaded_by(function)


def test_jwt_is_imported_where_pairs_are_checked_only() -> None:
    assert [path.name for path in PRODUCT if "jwt" in imported(path)] == ["key_pairs.py"]


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name not in RESOLVERS])
@pytest.mark.parametrize("module", ["aws_lambda_powertools.event_handler", "asyncio", "relay.entrypoint.presenter"])
def test_only_a_function_with_routes_loads_the_resolver(function: str, module: str) -> None:
    assert module not in loaded_by(function)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_request_model_and_no_adapter_is_loaded_before_it_is_used(function: str) -> None:
    loaded = {module for module in loaded_by(function) if module.startswith("relay.")}
    assert "relay.bootstrap" in loaded
    assert "relay.providers.kling.requests.body" not in loaded
    stream = (
        {"relay.adapters.dynamodb", "relay.adapters.dynamodb.items", "relay.adapters.dynamodb.stream"}
        if function == "publish_events"
        else set()
    )
    assert {module for module in loaded if module.startswith("relay.adapters.")} == {"relay.adapters.aws"} | stream


@pytest.mark.parametrize("function", FUNCTIONS)
def test_importing_a_function_reads_no_settings(function: str) -> None:
    assert "relay.config" in loaded_by(function), "imported without a single variable of template.yaml set"


def imported(path: Path) -> set[str]:
    """The top-level packages that a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


PRODUCT = sorted([*(ROOT / "layers" / "relay").rglob("*.py"), *(ROOT / "functions").rglob("*.py")])


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_aws_and_http_are_reached_from_the_adapters_only(path: Path) -> None:
    if "adapters" not in path.parts:
        assert not imported(path) & SDK


def test_the_adapters_are_where_they_are_imported() -> None:
    assert {name for path in PRODUCT for name in imported(path) & SDK} == {"botocore", "httpx"}


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_environment_is_read_in_the_settings_only(path: Path) -> None:
    if path.name != "config.py":
        assert "os" not in imported(path)
