"""The costs of a stack that nobody uses, counted in template and code: `python -m benchmarks.fixed_costs` prints the table."""

import ast
from collections.abc import Iterator
from enum import Enum
from typing import Any

from benchmarks import prices
from local.stack import ROOT
from relay.domain.errors import Meaning
from relay.domain.task import DUE_SHARDS
from relay.domain.webhook import DeliveryOutcome
from relay.usecases.apply import Outcome
from relay.usecases.resubmit import Resubmitted
from tests.support.cloudformation import load_template

_CODE = ("functions", "layers/relay/relay")
_FAMILIES: dict[str, type[Enum]] = {
    "Callback": Outcome,
    "Resubmission": Resubmitted,
    "Waits": Meaning,
    "Webhook": DeliveryOutcome,
}
"""Metrics whose name ends with a member of an enum, by what their names begin with."""


def main() -> None:
    """Print the table as Markdown, for docs/deploying.md."""
    print("\n".join(("| what | per month |", "|---|---|", *(f"| {what} | {dollars} |" for what, dollars in rows()))))  # noqa: T201


def rows() -> list[tuple[str, str]]:
    """What is paid for, and dollars per month. The last row is the sum."""
    resources = load_template()["Resources"]
    found = [each["Type"] for each in resources.values()]
    secrets = found.count("AWS::SecretsManager::Secret") + 1  # the provider's key exists before the stack
    alarms, dashboards = found.count("AWS::CloudWatch::Alarm"), found.count("AWS::CloudWatch::Dashboard")
    polled = sum(
        each["Properties"]["EventSourceArn"]["Fn::GetAtt"][1] == "Arn" for each in of_type(resources, "EventSourceMapping")
    )
    receives = prices.POLLERS * prices.SECONDS_PER_MONTH // prices.LONG_POLL_SECONDS
    minutes = prices.SECONDS_PER_MONTH // 60
    memory = resources["ReconcileTasks"]["Properties"]["MemorySize"] / 1024
    run = prices.LAMBDA_REQUEST + prices.IDLE_RUN_SECONDS * memory * prices.LAMBDA_GB_SECOND + DUE_SHARDS * prices.READ_UNIT / 2
    metrics = len(custom_metrics())
    parts = [
        (f"{secrets} secrets at ${prices.SECRET:.2f}, the provider's key among them", secrets * prices.SECRET),
        (f"{alarms} alarms at ${prices.ALARM:.2f}", alarms * prices.ALARM),
        ("one dashboard", dashboards * prices.DASHBOARD),
        (f"up to {metrics} custom metrics at ${prices.METRIC:.2f}", metrics * prices.METRIC),
        *_route_metrics(resources),
        (f"Lambda's polling of {polled} empty queues, {receives:,} requests each", polled * receives * prices.SQS_REQUEST),
        (f"the reconciler's {minutes:,} short runs", minutes * run),
    ]
    total = sum(dollars for _, dollars in parts)
    return [(what, f"${dollars:.2f}") for what, dollars in [*parts, ("together, at most", total)]]


def custom_metrics() -> set[str]:
    """The name of every metric that a function can write. Each is one custom metric: their only dimension is the stack's name."""
    paths = [path for folder in _CODE for path in sorted((ROOT / folder).rglob("*.py"))]
    return {name for path in paths for name in names_in(ast.parse(path.read_text()))}


def names_in(module: ast.Module) -> Iterator[str]:
    """The metrics that a module writes. Raises ValueError for a name that is neither text nor begins like a family's."""
    assigned = {target.id: node.value for node in ast.walk(module) if isinstance(node, ast.Assign)
                for target in node.targets if isinstance(target, ast.Name)}  # fmt: skip
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_metric":
            [name] = [keyword.value for keyword in node.keywords if keyword.arg == "name"]
            yield from _names(assigned[name.id] if isinstance(name, ast.Name) else name)


def of_type(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The resources of a type of Lambda."""
    return [each for each in resources.values() if each["Type"] == f"AWS::Lambda::{kind}"]


def _names(name: ast.expr) -> list[str]:
    match name:
        case ast.Constant(str(text)):
            return [text]
        case ast.IfExp(body=body, orelse=orelse):
            return [*_names(body), *_names(orelse)]
        case ast.JoinedStr(values=[ast.Constant(str(prefix)), _]) | ast.BinOp(left=ast.Constant(str(prefix))):
            return [prefix + member.name.title().replace("_", "") for member in _FAMILIES[prefix]]
    raise ValueError(f"a metric's name that cannot be counted: {ast.unparse(name)}")


def _route_metrics(resources: dict[str, Any]) -> list[tuple[str, float]]:
    """API Gateway's metrics of each route, if they are on."""
    properties = resources["Gateway"]["Properties"]
    if not properties["DefaultRouteSettings"]["DetailedMetricsEnabled"]:
        return []
    events = [event for each in resources.values() for event in each.get("Properties", {}).get("Events", {}).values()]
    metrics = prices.METRICS_OF_A_ROUTE * sum(event["Type"] == "HttpApi" for event in events)
    return [(f"up to {metrics} metrics of routes at ${prices.METRIC:.2f}", metrics * prices.METRIC)]


if __name__ == "__main__":
    main()
