"""The fixed costs in docs/deploying.md are those of the template and the code."""

import ast

import pytest

from benchmarks.fixed_costs import custom_metrics, names_in, rows
from tests.support.cloudformation import ROOT, load_template


def test_the_document_has_the_computed_figures() -> None:
    assert "\n".join(f"| {what} | {dollars} |" for what, dollars in rows()) in (ROOT / "docs" / "deploying.md").read_text()


def test_the_sum_is_the_sum() -> None:
    *parts, total = [float(dollars.removeprefix("$")) for _, dollars in rows()]
    assert sum(parts) == pytest.approx(total, abs=0.05)


def test_metrics_are_found_in_every_form_of_their_names() -> None:
    assert {"InternalErrors", "TasksRepeated", "TasksSubmitted", "CallbackApplied", "WaitsNoChannel"} <= custom_metrics()


def test_a_name_that_cannot_be_counted_is_refused() -> None:
    module = ast.parse("metrics.add_metric(name=chosen(), unit=unit, value=1)")
    with pytest.raises(ValueError, match="chosen"):
        list(names_in(module))


def test_alarms_name_custom_metrics_that_exist() -> None:
    alarms = [each["Properties"] for each in load_template()["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    assert {alarm["MetricName"] for alarm in alarms if alarm["Namespace"] == "CometRelay"} <= custom_metrics()


def test_metrics_of_single_routes_are_off() -> None:
    """They are custom metrics, six for each route. A route's own settings replace the default."""
    gateway = load_template()["Resources"]["Gateway"]["Properties"]
    settings = [gateway["DefaultRouteSettings"], *gateway["RouteSettings"].values()]
    assert [each["DetailedMetricsEnabled"] for each in settings] == [False, False]
