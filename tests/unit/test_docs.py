"""The documents: what they name exists, what they show parses, what they count is counted."""

import ast
import json
import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from jsonschema import Draft4Validator
from moto import mock_aws

from relay.domain import events
from relay.domain.task import Rank, Status
from relay.entrypoint.http import REQUEST_LIMIT
from relay.providers.kling.translator import Kling
from relay.usecases.receive import CALLBACK_LIMIT
from tests.support.cloudformation import ROOT, load_template

TEMPLATE = load_template()
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
DEPLOYING = (ROOT / "docs" / "deploying.md").read_text()
OPERATING = (ROOT / "docs" / "operating.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / "examples" / "consumer" / "README.md"]
TOP = {"template.yaml", "samconfig.toml", "pyproject.toml", "uv.lock", "Makefile"}
FOLDERS = {"functions", "layers", "cli", "local", "tests", "docs", "events", "examples", "benchmarks"}

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def code(text: str) -> list[str]:
    """Every inline code outside of fences."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def anchors(path: Path) -> set[str]:
    """The anchors that a forge makes of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(text: str, heading: str) -> str:
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


@each_document
def test_links_resolve(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


@each_document
def test_files_and_folders_that_are_named_exist(document: Path) -> None:
    for name in code(document.read_text()):
        looks_like_a_path = name in TOP or (name.partition("/")[0] in FOLDERS and "/" in name)
        if looks_like_a_path and re.fullmatch(r"[\w./-]+", name):
            assert (ROOT / name).exists() or "custom-voices" in name, name


@each_document
def test_make_targets_that_are_named_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = document.read_text()
    named = {word for name in code(text) for word in re.findall(r"^make ([a-z][a-z0-9-]*)", name)}
    named |= {word for block in blocks(text, r"\w*") for word in re.findall(r"^make ([a-z][a-z0-9-]*)", block, re.MULTILINE)}
    assert named <= targets


def test_variables_of_make_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for document in DOCUMENTS:
        for name in code(document.read_text()):
            for variable in re.findall(r"\b([A-Z_]+)=", name) if name.startswith("make ") else []:
                assert re.search(rf"^(export )?{variable}\b", makefile, re.MULTILINE), name


def test_every_document_is_there() -> None:
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE"):
        assert (ROOT / name).is_file()
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


@each_document
def test_json_and_python_blocks_parse(document: Path) -> None:
    text = document.read_text()
    for block in blocks(text, "json"):
        json.loads(block)
    for block in blocks(text, "python"):
        ast.parse(block)


@each_document
def test_shell_blocks_parse(document: Path) -> None:
    for block in blocks(document.read_text(), "bash"):
        done = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)  # noqa: S607
        assert done.returncode == 0, done.stderr


def test_parameters_are_those_of_the_template() -> None:
    documented: dict[str, str] = {}
    for names, defaults, _ in rows(section(README, "Configuration")):
        documented |= dict(zip(code(names), code(defaults) or [""], strict=True))
    assert documented == {name: str(parameter["Default"]) for name, parameter in TEMPLATE["Parameters"].items()}


@each_document
def test_outputs_and_parameters_that_are_named_exist(document: Path) -> None:
    """What is written like a logical id is one of the template's, or a name of ours."""
    known = {*TEMPLATE["Parameters"], *TEMPLATE["Outputs"], *TEMPLATE["Resources"]}
    known |= {value for parameter in TEMPLATE["Parameters"].values() for value in parameter.get("AllowedValues", ())}
    known |= {"PutEvents", "AsyncClient"}
    source = "\n".join(path.read_text() for path in (ROOT / "layers" / "relay").rglob("*.py"))
    for name in code(document.read_text()):
        if re.fullmatch(r"(?:[A-Z][a-z]+){2,}", name):
            assert name in known or re.search(rf"\b{name}\b", source), name


def test_operations_are_those_of_the_provider() -> None:
    documented = re.findall(r"^\| `POST /kling/v1/([^`]+)`", README, re.MULTILINE)
    assert documented == sorted(documented, key=list(Kling.operations).index)
    assert set(documented) == set(Kling.operations)


def test_every_function_is_in_the_pictures() -> None:
    names = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    flow = blocks(README, "mermaid")[0]
    assert names - {"authorize"} <= set(re.findall(r"\w+", flow))
    assert names == {cells[0].strip("`") for cells in rows(section(ARCHITECTURE, "The house"))}


def test_mermaid_shows_the_flow_and_the_ranks() -> None:
    assert [block.split()[0] for block in blocks(README, "mermaid")] == ["flowchart"]
    assert [block.split()[0] for block in blocks(ARCHITECTURE, "mermaid")] == ["sequenceDiagram", "stateDiagram-v2"]
    states = blocks(ARCHITECTURE, "mermaid")[1]
    assert all(status.value in states for status in Status)
    assert {int(rank) for rank in re.findall(r"\(rank (\d)\)", states)} == set(Rank)


def test_there_are_eleven_guarantees() -> None:
    numbers = [str(number) for number in range(1, 12)]
    assert [cells[0] for cells in rows(section(README, "Guarantees"))] == numbers
    assert re.findall(r"^(\d+)\. \*\*", section(ARCHITECTURE, "The eleven guarantees"), re.MULTILINE) == numbers


def test_events_are_those_of_the_code() -> None:
    kinds = [
        events.STATUS_CHANGED,
        events.RESULTS_STORED,
        events.ARCHIVING_FAILED,
        events.CALLBACK_QUARANTINED,
        events.WEBHOOK_UNDELIVERABLE,
    ]
    assert [cells[0].strip("`") for cells in rows(section(README, "Events"))] == kinds


def test_the_event_that_is_shown_fits_its_schema() -> None:
    schema = json.loads((ROOT / "events" / "schemas" / "task_status_changed.json").read_text())
    detail = next(json.loads(block) for block in blocks(README, "json") if "event_id" in block)
    Draft4Validator({"$ref": "#/definitions/detail", "definitions": schema["definitions"]}).validate(detail)


def test_the_example_consumer_keeps_the_newest_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "consumer.py"
    script.write_text(blocks(README, "python")[0])
    monkeypatch.setenv("CLIPS_TABLE", "clips")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    samples = ROOT / "events" / "schemas" / "samples"
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="clips",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "task_id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "task_id", "KeyType": "HASH"}],
        )
        consumer = runpy.run_path(str(script))
        for case in ("status_changed.created", "results_stored.video", "status_changed.succeed", "results_stored.video"):
            consumer["handler"](json.loads((samples / f"task_{case}.json").read_text()), None)
        items: list[dict[str, Any]] = consumer["table"].scan()["Items"]
    assert [(item["version"], item["status"]) for item in items] == [(4, "succeed")]
    assert items[0]["files"][0].startswith("s3://comet-relay-results-")


def test_whether_schemas_are_registered_is_said() -> None:
    registered = any(resource["Type"] == "AWS::EventSchemas::Schema" for resource in TEMPLATE["Resources"].values())
    assert ("not put into it yet" in README) is not registered


def test_what_is_counted_is_counted() -> None:
    alarms = sum(resource["Type"] == "AWS::CloudWatch::Alarm" for resource in TEMPLATE["Resources"].values())
    assert f"| {alarms} alarms at $0.10 | ${alarms / 10:.2f} |" in DEPLOYING
    secrets = 1 + sum(resource["Type"] == "AWS::SecretsManager::Secret" for resource in TEMPLATE["Resources"].values())
    assert f"| {secrets} secrets at $0.40, the provider's key among them | ${secrets * 0.4:.2f} |" in DEPLOYING
    assert f"| request body | {REQUEST_LIMIT // 1024**2} MiB" in OPERATING
    assert f"| callback body | {CALLBACK_LIMIT // 1024} KiB" in OPERATING
    timeout = TEMPLATE["Resources"]["ArchiveResults"]["Properties"]["Timeout"]
    assert f"| one attempt at archiving a task | {timeout // 60} minutes" in OPERATING


def test_every_alarm_is_explained_once_and_answered_by_a_command() -> None:
    table = rows(section(OPERATING, "Alarms"))
    explained = [name for alarm, _, _ in table for name in code(alarm)]
    assert sorted(explained) == sorted(
        name for name, resource in TEMPLATE["Resources"].items() if resource["Type"] == "AWS::CloudWatch::Alarm"
    )
    commands = [answer for _, _, answer in table if answer != "the same" and not answer.startswith("the same,")]
    assert [answer for answer in commands if not code(answer)] == []


def test_every_limit_of_aws_has_its_source() -> None:
    table = rows(section(OPERATING, "What AWS gives an account"))
    assert len(table) > 8
    assert [row[0] for row in table if "](https://docs.aws.amazon.com/" not in row[-1]] == []


def test_what_outlives_the_stack_can_be_removed_as_shown() -> None:
    kept = {name for name, each in TEMPLATE["Resources"].items() if each.get("DeletionPolicy") == "RetainExceptOnCreate"}
    outputs = {name: {*re.findall(r"'(\w+)'", str(output["Value"]))} for name, output in TEMPLATE["Outputs"].items()}
    named = re.findall(r"\$\(name (\w+)\)", section(DEPLOYING, "Removing"))
    assert {resource for name in named for resource in outputs[name] & kept} == kept


def test_every_secret_can_be_rotated_as_shown() -> None:
    secrets = {name for name, each in TEMPLATE["Resources"].items() if each["Type"] == "AWS::SecretsManager::Secret"}
    outputs = {name: {*re.findall(r"'(\w+)'", str(output["Value"]))} for name, output in TEMPLATE["Outputs"].items()}
    named = re.findall(r"--secret-id \"\$\(output (\w+)\)", section(DEPLOYING, "Rotating secrets"))
    assert {resource for name in named for resource in outputs[name] & secrets} == secrets
    assert TEMPLATE["Parameters"]["CometApiKeySecretName"]["Default"] in section(DEPLOYING, "Rotating secrets")


def test_the_operation_of_the_guide_can_be_added_as_shown() -> None:
    (diff,) = blocks(CONTRIBUTING, "diff")
    command = ["git", "apply", "--check", "-"]
    done = subprocess.run(command, cwd=ROOT, input=diff, text=True, capture_output=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    added = [line for line in diff.splitlines() if line.startswith("+    Operation(")]
    assert len(added) == 1


def test_decisions_are_numbered_short_and_listed() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04d}" for number in range(1, len(DECISIONS) + 1)]
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    for number, path in enumerate(DECISIONS, 1):
        text = path.read_text()
        title = text.splitlines()[0].removeprefix(f"# {number}. ")
        assert f"{number}. [{title}]({path.name})" in index
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["What", "Why", "Consequences"]
        assert len(text.splitlines()) <= 30


def test_the_changelog_keeps_a_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "keepachangelog.com" in text
    assert re.search(r"^## \[Unreleased\]$", text, re.MULTILINE)
