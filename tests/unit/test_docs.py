"""The documents: what they name exists, what they show parses, what they count is counted."""

import ast
import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import boto3
import pytest
from jsonschema import Draft4Validator
from moto import mock_aws

from benchmarks import cold_start
from local.demo.plan import FIRST, second
from relay.domain import events, uploads
from relay.domain.errors import ClientError
from relay.domain.task import RESULTS_LIMIT, FailureCode, Rank, Result, Status
from relay.domain.text import NESTING_LIMIT
from relay.domain.webhook import DeliveryOutcome
from relay.entrypoint.http import BINARY_LIMIT, INTERNAL, REQUEST_LIMIT, STATUS, VALUES_LIMIT
from relay.providers.kling.requests.fields import MAX_CALLBACK_URL, MAX_EXTERNAL_TASK_ID
from relay.providers.kling.translator import Kling
from relay.usecases import attach
from relay.usecases.receive import CALLBACK_LIMIT
from relay.usecases.submit import _KEY_LIMIT
from tests.support.cloudformation import ROOT, load_template
from tests.support.documents import files, sentences, without_fences
from tests.support.tasks import task_of

TEMPLATE = load_template()
README = (ROOT / "README.md").read_text()
API = (ROOT / "docs" / "api.md").read_text()
EVENTS = (ROOT / "docs" / "events.md").read_text()
WEBHOOKS = (ROOT / "docs" / "webhooks.md").read_text()
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
DEPLOYING = (ROOT / "docs" / "deploying.md").read_text()
PERFORMANCE = (ROOT / "docs" / "performance.md").read_text()
OPERATING = (ROOT / "docs" / "operating.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
DOCUMENTS = files("*.md")
TOP = {"template.yaml", "samconfig.toml", "pyproject.toml", "uv.lock", "Makefile"}
FOLDERS = {"functions", "layers", "cli", "local", "tests", "docs", "events", "examples", "benchmarks"}
OUTDATED = {
    r"\b(?:three|four|3|4) days": "the retries of webhooks take about 76 hours",
    "tool is not there yet": "`relay dlq redrive changes` publishes the changes that were not published",
    "start-message-move-task": "`relay dlq redrive` moves dead letters back; that command cannot move all of them",
}
"""What documents said once, as a pattern, and what is true."""
CLOUDFORMATION = {
    "DeletionPolicy",
    "RetainExceptOnCreate",
    "GenerateSecretString",
    "ExcludePunctuation",
    "LoggingConfig",
    "SystemLogLevel",
}
"""Names of CloudFormation's own that look like logical ids."""

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def code(text: str) -> list[str]:
    """Every inline code outside of fences."""
    return re.findall(r"`([^`\n]+)`", without_fences(text))


def anchors(path: Path) -> set[str]:
    """The anchors that a forge makes of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", without_fences(path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(text: str, heading: str) -> str:
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def listed(value: Any) -> list[Any]:
    """A value of a policy that may stand alone, as a list."""
    return value if isinstance(value, list) else [value]


def rows(text: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def parameter_rows() -> list[list[str]]:
    """The cells of every row in docs/configuration.md that is about a parameter of the template."""
    groups = re.findall(r"^## (.+)$", CONFIGURATION, re.MULTILINE)
    return [row for group in groups if group != "Settings of a single key" for row in rows(section(CONFIGURATION, group))]


@each_document
def test_links_resolve(document: Path) -> None:
    """Links and pictures to files, and the headings that they name."""
    for target in re.findall(r"\]\(([^)\s]+)\)", without_fences(document.read_text())):
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
    for name in ("api", "events", "webhooks", "configuration", "glossary", "cli", "local", "deploying", "operating"):
        assert (ROOT / "docs" / f"{name}.md").is_file()
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
    for names, defaults, *_ in parameter_rows():
        documented |= dict(zip(code(names), code(defaults) or [""], strict=True))
    assert documented == {name: str(parameter["Default"]) for name, parameter in TEMPLATE["Parameters"].items()}


def test_parameters_stand_in_the_groups_and_the_order_of_the_template() -> None:
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert [code(row[0]) for row in parameter_rows()] == [[name] for group in groups for name in group["Parameters"]]


def test_every_parameter_has_a_unit_and_its_bounds() -> None:
    for name, _, unit, meaning in parameter_rows():
        parameter = TEMPLATE["Parameters"][name.strip("`")]
        bounds = [str(parameter[bound]) for bound in ("MinValue", "MaxValue") if bound in parameter]
        expected = f"{bounds[0]} to {bounds[1]}" if len(bounds) == 2 else f"from {bounds[0]}" if bounds else ""
        assert re.search(rf"{expected}$", unit), name
        assert unit
        assert meaning
        if parameter["Type"] == "String" and "AllowedValues" in parameter:
            assert code(unit) == parameter["AllowedValues"], name


@each_document
def test_outputs_and_parameters_that_are_named_exist(document: Path) -> None:
    """What is written like a logical id is one of the template's, or a name of ours."""
    known = {*TEMPLATE["Parameters"], *TEMPLATE["Outputs"], *TEMPLATE["Resources"]}
    known |= {value for parameter in TEMPLATE["Parameters"].values() for value in parameter.get("AllowedValues", ())}
    known |= {"PutEvents", "AsyncClient", *CLOUDFORMATION}
    source = "\n".join(path.read_text() for path in (ROOT / "layers" / "relay").rglob("*.py"))
    for name in code(document.read_text()):
        if re.fullmatch(r"(?:[A-Z][a-z]+){2,}", name):
            assert name in known or re.search(rf"\b{name}\b", source), name


def test_operations_are_those_of_the_provider() -> None:
    documented = [row[0].strip("`").removeprefix("POST /kling/v1/") for row in rows(section(API, "Operations"))]
    assert documented == sorted(documented, key=list(Kling.operations).index)
    assert set(documented) == set(Kling.operations)


def test_synchronous_operations_are_those_of_the_provider() -> None:
    table = rows(section(API, "Synchronous operations").split("Some responses")[0])
    documented = [re.sub(r"^(POST …/|GET /)", "", row[0].strip("`")) for row in table]
    assert documented == list(Kling.synchronous)


def test_every_route_of_the_api_is_documented() -> None:
    """Each path of the OpenAPI document; those of operations are one route of the table."""
    prefix = r"/kling/v1/|/account/costs"
    documented = set(re.findall(r"`[A-Z]+ (/[^`?]*)", section(API, "Routes") + section(API, "Replicate")))
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]
    assert {path for path in paths if not re.match(prefix, path)} <= documented
    assert documented >= {"/kling/v1/{operation}", "/kling/v1/{operation}/{id}", "/account/costs"}
    assert {path for path in documented if not re.match(prefix, path)} <= set(paths)


def test_every_error_that_a_client_can_get_is_documented() -> None:
    kinds = [kind for kind in STATUS if issubclass(kind, ClientError)]
    documented = {(row[0], row[1]) for row in rows(section(API, "Errors").split("**Errors of API Gateway.**")[0])}
    expected = {(str(STATUS[kind]), str(kind.code)) for kind in kinds}
    expected |= {("401", str(code)) for code in range(1000, 1005)}
    assert expected <= documented
    assert {("500", str(INTERNAL)), ("502", "5000"), ("503", "5001"), ("504", "5002")} <= documented


def test_every_failure_code_is_documented() -> None:
    table = section(API, "Follow a task").split("| `failure.code` | meaning |")[1]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(FailureCode)


def test_limits_of_requests_are_those_of_the_code() -> None:
    limits = {row[0]: row[1] for row in rows(section(API, "Limits"))}
    binary = f"{BINARY_LIMIT // 1000**2} MB if `Content-Type` is missing or not a text type"
    assert limits["request body"] == f"{REQUEST_LIMIT // 1024**2} MiB; {binary}"
    ids = f"{MAX_EXTERNAL_TASK_ID}, {MAX_CALLBACK_URL} and {_KEY_LIMIT} characters"
    assert limits["`external_task_id`, `callback_url`, `Idempotency-Key`"] == ids
    sizes = {kind: f"{size // 1024**2} MiB" for kind, size in uploads.LIMITS.items()}
    files = f"{sizes['image']} image, {sizes['video']} video, {sizes['audio']} sound; {attach.MOST} references in a request"
    assert limits["upload"] == f"{files}, {attach.MOST_IN_BASE64 // 1024**2} MiB together as base64"
    assert limits["values in a request body"] == f"{VALUES_LIMIT:,} commas and brackets, {NESTING_LIMIT} levels"
    assert code(next(row[1] for row in rows(section(API, "Uploads")) if row[0] == "`media_type`")) == list(uploads.MEDIA_TYPES)


def test_every_function_is_in_the_pictures() -> None:
    names = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    flow = blocks(README, "mermaid")[0]
    assert names - {"authorize"} <= set(re.findall(r"\w+", flow))
    assert names == {
        cells[0].strip("`") for cells in rows(ARCHITECTURE[ARCHITECTURE.index("\n| function |") :].split("\n\n", 1)[0])
    }


def test_mermaid_shows_the_flow_and_the_ranks() -> None:
    assert [block.split()[0] for block in blocks(README, "mermaid")] == ["flowchart"]
    assert [block.split()[0] for block in blocks(ARCHITECTURE, "mermaid")] == ["sequenceDiagram", "stateDiagram-v2"]
    states = blocks(ARCHITECTURE, "mermaid")[1]
    assert all(status.value in states for status in Status)
    assert {int(rank) for rank in re.findall(r"\(rank (\d)\)", states)} == set(Rank)
    (ours,) = re.findall(r"failed: ([\w, ]+) \(rank 2\)", states)
    assert set(re.findall(r"\w+", ours)) - {"or"} == set(FailureCode) - {FailureCode.PROVIDER, FailureCode.ARCHIVE}


def test_the_goals_of_cold_starts_are_those_that_the_benchmark_checks() -> None:
    table = PERFORMANCE.partition("**Cold start, instructions**")[2].partition("\n\n**")[0]
    shown = {cells[0].removesuffix(": INIT"): cells[4] for cells in rows(table) if cells[0].endswith(": INIT") and cells[4]}
    assert shown == {name: str(goal) for name, goal in cold_start.GOALS.items()}


def test_the_writers_of_the_tasks_table_are_the_functions_and_modules_that_may_and_do() -> None:
    (writers,) = re.findall(r"^Writers: .*?\n\n", section(ARCHITECTURE, "Data"), re.MULTILINE | re.DOTALL)
    allowed = {
        re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        for name, each in TEMPLATE["Resources"].items()
        if each["Type"] == "AWS::Serverless::Function"
        for statement in [inner for policy in each["Properties"]["Policies"] for inner in policy["Statement"]]
        if {"dynamodb:PutItem", "dynamodb:UpdateItem"} & set(listed(statement["Action"]))
        and {"Fn::GetAtt": ["Tasks", "Arn"]} in listed(statement["Resource"])
    }
    adapters = ROOT / "layers" / "relay" / "relay"
    writing = {
        str(path.relative_to(adapters))
        for path in adapters.rglob("*.py")
        if re.search(r"\.(put_item|update_item|delete_item|transact_write_items|batch_write_item)\(", path.read_text())
    }
    assert set(code(writers)) == allowed | writing - {"adapters/dynamodb/webhooks.py"}, "webhooks.py writes to a table of its own"


def test_there_are_eleven_guarantees() -> None:
    numbers = [str(number) for number in range(1, 12)]
    assert [cells[0] for cells in rows(section(README, "Guarantees"))] == numbers
    assert re.findall(r"^(\d+)\. \*\*", section(ARCHITECTURE, "The eleven guarantees"), re.MULTILINE) == numbers


def test_events_are_those_of_the_code() -> None:
    kinds = [
        events.STATUS_CHANGED,
        events.RESULTS_DELAYED,
        events.RESULTS_STORED,
        events.ARCHIVING_FAILED,
        events.CALLBACK_QUARANTINED,
        events.WEBHOOK_UNDELIVERABLE,
    ]
    assert [cells[0].strip("`") for cells in rows(section(EVENTS, "Detail types"))] == kinds


def test_the_event_that_is_shown_fits_its_schema() -> None:
    schema = json.loads((ROOT / "events" / "schemas" / "task_status_changed.json").read_text())
    detail = next(json.loads(block) for block in blocks(EVENTS, "json") if "event_id" in block)
    Draft4Validator({"$ref": "#/definitions/detail", "definitions": schema["definitions"]}).validate(detail)


def test_every_field_of_a_task_event_is_explained() -> None:
    schema = json.loads((ROOT / "events" / "schemas" / "task_status_changed.json").read_text())["definitions"]
    explained = {name for row in rows(section(EVENTS, "Fields")) for name in code(row[0])}
    assert explained == set(schema["detail"]["properties"])
    files = next(row[1] for row in rows(section(EVENTS, "Fields")) if row[0] == "`results`")
    assert set(code(files)) == set(schema["result"]["properties"])


def test_the_example_rule_has_a_pattern_that_events_match_and_a_target() -> None:
    (commands,) = [block for block in blocks(EVENTS, "bash") if "put-rule" in block]
    pattern = json.loads(re.findall(r"'(\{.*\})'", commands)[0])
    sample = json.loads((ROOT / "events" / "schemas" / "samples" / "task_results_stored.video.json").read_text())
    assert sample["source"] in pattern["source"]
    assert sample["detail-type"] in pattern["detail-type"]
    assert sample["detail"]["tenant"] in pattern["detail"]["tenant"]
    assert re.findall(r"aws (\w+ [\w-]+)", commands)[1:] == ["events put-rule", "lambda add-permission", "events put-targets"]


def test_the_schedule_of_webhooks_is_the_one_of_the_template() -> None:
    waits = [int(seconds) for seconds in TEMPLATE["Parameters"]["WebhookRetrySeconds"]["Default"].split(",")]
    text = section(WEBHOOKS, "Responses and retries")
    assert f"There are {len(waits) + 1} attempts over about {round(sum(waits) / 3600)} hours (`WebhookRetrySeconds`)" in text
    (shown,) = [line for line in text.splitlines() if line.startswith("| wait |")]
    units = {"s": 1, "min": 60, "h": 3600}
    assert [int(number) * units[unit] for number, unit in re.findall(r"(\d+) (s|min|h) ", shown)] == waits
    numbers = text.splitlines()[text.splitlines().index(shown) - 2]
    assert re.findall(r"\d+", numbers) == [str(number) for number in range(2, len(waits) + 2)]
    assert f"`WebhookTimeoutSeconds` ({TEMPLATE['Parameters']['WebhookTimeoutSeconds']['Default']} s)" in text


def test_the_webhook_that_is_shown_has_the_fields_of_the_code() -> None:
    shown = json.loads(blocks(WEBHOOKS, "json")[0])
    document = {"task_result": {"videos": [{"id": "1", "url": "", "duration": "5.1"}]}}
    result = Result(path="task_result/videos/0/url", kind="video", url="https://cdn.example.com/0.mp4")
    task = task_of(status=Status.SUCCEED, external_task_id="a1", document=document, results=(result,))
    sent = Kling().view(task, {result.path: result.url})
    assert list(shown) == list(sent)
    assert list(shown["task_result"]["videos"][0]) == list(sent["task_result"]["videos"][0])
    assert list(shown["task_info"]) == list(sent["task_info"])


def test_the_states_of_a_delivery_are_those_that_are_stored() -> None:
    states = code(next(row[1] for row in rows(section(WEBHOOKS, "See what was delivered")) if row[0] == "`state`"))
    assert set(states) == set(DeliveryOutcome) - {DeliveryOutcome.WAITING, DeliveryOutcome.SUPERSEDED}


@each_document
@pytest.mark.parametrize(("wrong", "right"), OUTDATED.items())
def test_no_document_says_what_is_no_longer_true(document: Path, wrong: str, right: str) -> None:
    assert re.findall(wrong, document.read_text()) == [], right


def test_terms_are_defined_once_in_at_most_three_sentences() -> None:
    table = rows(GLOSSARY)
    terms = [term for term, _ in table]
    assert len(terms) == len(set(terms))
    wanted = ["task", "attempt", "poll", "snapshot", "final status", "stale", "callback", "webhook", "synchronous operation",
              "dead letter", "redrive", "replay", "quarantine", "back-off", "back-off lane", "outbox", "archive",
              "presigned URL", "idempotency key"]  # fmt: skip
    assert {f"**{term}**" for term in wanted} <= set(terms)
    assert [term for term, meaning in table if not 1 <= len(sentences(meaning)) <= 2] == []


def test_the_readme_is_short_and_leads_to_every_document() -> None:
    assert len(README.splitlines()) <= 180
    linked = {target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", README)}
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= linked
    assert {path.name for path in ROOT.glob("*.md")} - {"README.md"} <= linked


def test_the_repository_map_names_every_folder() -> None:
    named = {name.partition("/")[0] for name in re.findall(r"[\w/]+/", section(README, "Repository map"))}
    assert named == FOLDERS


def test_the_demo_in_the_readme_is_the_demo() -> None:
    """Its sample output and its picture show the tasks that the demo submits, and its last line."""
    steps = [*FIRST, *second("")]
    (sample,) = re.findall(r"its output:\n\n```\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    title, operation, task_id = sample.splitlines()[0].split(" · ")
    assert (title, operation) in {(step.title, step.operation) for step in steps}
    assert f"results/{task_id}/0.mp4" in sample
    last = f"all {len(steps)} tasks are whole"
    assert sample.splitlines()[-1].startswith(last)
    picture = ET.fromstring((ROOT / "docs" / "demo.svg").read_text())  # noqa: S314 - our own file
    drawn = "".join(picture.itertext()).replace("\N{NO-BREAK SPACE}", " ")
    assert [step.title for step in steps if step.title not in drawn] == []
    assert task_id in drawn
    assert last in drawn


def test_the_picture_of_the_demo_loads_nothing() -> None:
    text = (ROOT / "docs" / "demo.svg").read_text()
    assert "@font-face" not in text
    assert re.findall(r"(?:href|src)=|url\((?!#)", text) == []


def test_what_has_not_been_tried_is_said() -> None:
    gaps = " ".join(section(README, "Known gaps").split())
    assert "The relay has not yet run on AWS or with the real provider." in gaps


def test_the_example_consumer_keeps_the_newest_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "consumer.py"
    script.write_text(blocks(EVENTS, "python")[0])
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
    assert ("puts the schemas into an EventBridge schema registry" in " ".join(EVENTS.split())) is registered


def test_what_is_counted_is_counted() -> None:
    alarms = sum(resource["Type"] == "AWS::CloudWatch::Alarm" for resource in TEMPLATE["Resources"].values())
    assert f"| {alarms} alarms at $0.10 | ${alarms / 10:.2f} |" in DEPLOYING
    secrets = 1 + sum(resource["Type"] == "AWS::SecretsManager::Secret" for resource in TEMPLATE["Resources"].values())
    assert f"| {secrets} secrets at $0.40, the provider's key among them | ${secrets * 0.4:.2f} |" in DEPLOYING
    assert f"| request body | {REQUEST_LIMIT // 1024**2} MiB" in OPERATING
    assert f"| callback body | {CALLBACK_LIMIT // 1024} KiB" in OPERATING
    assert f"| results of a task | 64 files, URLs of 4096 characters, {RESULTS_LIMIT // 1024} KiB of paths" in OPERATING
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
    diff, _ = blocks(CONTRIBUTING, "diff")
    command = ["git", "apply", "--check", "-"]
    done = subprocess.run(command, cwd=ROOT, input=diff, text=True, capture_output=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    added = [line for line in diff.splitlines() if line.startswith('+    ("')]
    assert len(added) == 1


TRIAL = """
import json
from relay.domain.errors import OutcomeUnknownError
from relay.domain.task import Change
from relay.providers.base import ProviderResponse
from relay.providers.registry import PROVIDERS, routed
from tests.support.tasks import task_of

provider, route = routed("POST", "/toy/v1/pictures", {})
assert (provider.name, route.action, route.name) == ("toy", "create", "pictures")
request = provider.create_request(route.operation, {"prompt": "a cat"}, task_id="t", callback_url="https://c.example")
assert routed("GET", f"{request.path}/7", {})[1].reference == "7"
done = {"id": 7, "state": "done", "url": "https://toy.example/7.png"}
snapshot = provider.read_queried(route.operation, ProviderResponse(200, json.dumps(done).encode()))
task = task_of(provider="toy", operation="pictures").moved_to(Change.reported(snapshot), at=1)
assert provider.view(task, {"url": "https://bucket.example/7.png"}, "")["url"] == "https://bucket.example/7.png"
try:
    provider.read_created(route.operation, ProviderResponse(200, b"{}"))
except OutcomeUnknownError:
    print("complete")
"""


def test_the_provider_of_the_guide_can_be_added_as_shown(tmp_path: Path) -> None:
    _, diff = blocks(CONTRIBUTING, "diff")
    for name in ("layers/relay", "tests/support", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    package = tmp_path / "layers/relay/relay/providers/toy"
    applied = subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff, text=True, capture_output=True, check=False)  # noqa: S607
    assert applied.returncode == 0, applied.stderr
    (package / "__init__.py").touch()
    environment = {"PATH": "", "PYTHONPATH": f"{tmp_path / 'layers/relay'}:{tmp_path}"}
    command = [sys.executable, "-c", TRIAL]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.stdout == "complete\n", done.stderr


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
