"""Whatever LogLevel is, metrics and errors reach CloudWatch: the output of the functions, filtered as Lambda filters it."""

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from tests.aws.log_filter import kept, level_of
from tests.support.cloudformation import ROOT, evaluated, load_template

TEMPLATE = load_template()
LEVELS = TEMPLATE["Parameters"]["LogLevel"]["AllowedValues"]
FUNCTIONS = {"receive_callback", "submit_task", "query_tasks", "cancel_task", "authorize", "archive_results", "deliver_webhooks"}
"""With errors that they answer themselves, so that Lambda knows nothing of them: in a plain handler, a resolver, a queue."""
FAIL = """
import importlib.util, json, sys
from pathlib import Path
from types import SimpleNamespace

def services():
    raise RuntimeError("a fault of the relay")

for name in sys.argv[1].split(","):
    spec = importlib.util.spec_from_file_location(name, f"functions/{name}/app.py")
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    app.services = app.prepare = services
    if name in {"archive_results", "deliver_webhooks"}:
        app.prepare = lambda *_: None
        app.try_later = lambda *_: None
        record = {"messageId": "1", "receiptHandle": "r", "body": "{}", "attributes": {"ApproximateReceiveCount": "1"}}
        event = {"Records": [record]}
    else:
        path = {"submit_task": "submit_task.text2video", "query_tasks": "query_tasks.single", "authorize": "authorize.known",
                "cancel_task": "cancel_task.task"}
        event = json.loads(next(Path("events").glob(f"{path.get(name, name + '.succeed')}*.json")).read_text())
    context = SimpleNamespace(
        function_name=name, memory_limit_in_mb=512, invoked_function_arn="arn", aws_request_id="id",
        get_remaining_time_in_millis=lambda: 9000,
    )
    try:
        app.handler(event, context)
    except RuntimeError:
        print(f"{name} let it out", file=sys.stderr)
"""


@cache
def output(level: str) -> str:
    """What the functions print with this LogLevel, when everything fails."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": "layers/relay",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_LOG_LEVEL": application_level(level),
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "POWERTOOLS_LOG_LEVEL": level,
        "POWERTOOLS_SERVICE_NAME": "comet-relay",
        "POWERTOOLS_METRICS_NAMESPACE": "CometRelay",
    }
    command = [sys.executable, "-c", FAIL, ",".join(sorted(FUNCTIONS))]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    assert "let it out" not in done.stderr
    return done.stdout


def application_level(level: str) -> str:
    """What the template tells Lambda to keep with this LogLevel."""
    setting = TEMPLATE["Globals"]["Function"]["LoggingConfig"]["ApplicationLogLevel"]
    return str(evaluated(setting, TEMPLATE, {"LogLevel": level}))


def logs(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def test_a_line_without_level_or_time_counts_as_info() -> None:
    stamp = '"timestamp": "2026-11-26T16:00:00.123+00:00"'
    assert level_of(f'{{"level": "ERROR", {stamp}}}') == "ERROR"
    assert level_of(f'{{"level": "error", {stamp}}}') == "ERROR"
    assert level_of('{"level": "ERROR", "timestamp": "2026-11-26 16:00:00,123+0000"}') == "INFO"
    assert level_of('{"level": "ERROR"}') == "INFO"
    assert level_of(f'{{"level": "WARNING", {stamp}}}') == "INFO"
    assert level_of(f"{{{stamp}}}") == "INFO"
    assert level_of("Traceback (most recent call last):") == "INFO"
    assert kept('{"_aws": {}}', "WARN") == []


@pytest.mark.parametrize("level", LEVELS)
def test_the_counted_errors_survive(level: str) -> None:
    counted = [log for log in logs(kept(output(level), application_level(level))) if "_aws" in log]
    names = [metric["Name"] for log in counted for each in log["_aws"]["CloudWatchMetrics"] for metric in each["Metrics"]]
    assert names.count("InternalErrors") == 5
    assert names.count("MessagesFailed") == 2


@pytest.mark.parametrize("level", LEVELS)
def test_the_lines_of_the_errors_survive_as_errors(level: str) -> None:
    lines = [line for line in kept(output(level), application_level(level)) if "_aws" not in line]
    errors = [json.loads(line)["message"] for line in lines if level_of(line) == "ERROR"]
    assert errors.count("internal error") == 5
    assert errors.count("message failed") == 2


@pytest.mark.parametrize("level", LEVELS)
def test_the_logger_applies_the_level_itself(level: str) -> None:
    """Lambda sets its own level for the logger, which wins over that of Powertools."""
    code = (
        "from relay.entrypoint.telemetry import logger, metrics, report\n"
        "for name in ('debug', 'info', 'warning', 'error', 'critical'): getattr(logger, name)(name)\n"
        "report('said')\n"
        "metrics.add_metric(name='Requests', unit='Count', value=1)\n"
        "metrics.flush_metrics()"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": "layers/relay",
        "AWS_LAMBDA_LOG_LEVEL": application_level(level),
        "POWERTOOLS_LOG_LEVEL": level,
        "POWERTOOLS_SERVICE_NAME": "comet-relay",
        "POWERTOOLS_METRICS_NAMESPACE": "CometRelay",
    }
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    lines = kept(done.stdout, application_level(level))
    assert lines == done.stdout.splitlines(), "Lambda drops nothing that the logger let through"
    *said, metric = lines
    expected = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
    assert [level_of(line) for line in said] == expected[expected.index(level) :]
    assert ("said" in metric) == (level in {"DEBUG", "INFO"})
