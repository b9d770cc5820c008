"""A scheduled run that could not start is not made up for, and leaves a trace."""

from typing import Any

import pytest

from tests.aws.asynchronous import Fate, Result, fate
from tests.support.cloudformation import load_template

RESOURCES: dict[str, dict[str, Any]] = load_template()["Resources"]
SCHEDULED = {
    name: each["Properties"]
    for name, each in RESOURCES.items()
    if each["Type"] == "AWS::Serverless::Function"
    and any(event["Type"] == "Schedule" for event in each["Properties"].get("Events", {}).values())
}
MINUTE = 60


def fails(_now: float) -> Result:
    return Result.ERROR


def throttled_for(seconds: float) -> Any:
    return lambda now: Result.THROTTLED if now < seconds else Result.DONE


def at_once_in(configuration: dict[str, Any], *, outage: int) -> int:
    """How many scheduled runs begin within one minute after an outage of so many minutes."""
    ticks = [MINUTE * number for number in range(outage)]
    ends = MINUTE * outage
    began = [tick + at for tick in ticks for at in fate(configuration, throttled_for(ends - tick)).began]
    return max(sum(start <= time < start + MINUTE for time in began) for start in range(ends, ends + 600, MINUTE))


def test_by_default_a_failure_is_repeated_and_forgotten() -> None:
    assert fate({}, fails) == Fate((0, 60, 180), "dropped")
    assert fate({}, throttled_for(30)).ended == "done"
    assert fate({}, throttled_for(22_000)) == Fate((), "dropped")


def test_a_destination_gets_what_failed() -> None:
    assert fate({"DestinationConfig": {"OnFailure": {"Destination": "arn"}}}, fails).ended == "destination"


def test_by_default_stale_runs_pile_up() -> None:
    assert at_once_in({}, outage=30) > 5


@pytest.mark.parametrize("name", SCHEDULED)
def test_a_scheduled_function_runs_once_for_each_tick(name: str) -> None:
    configuration = SCHEDULED[name]["EventInvokeConfig"]
    assert fate(configuration, fails) == Fate((0,), "destination")
    assert at_once_in(configuration, outage=30) <= 2


@pytest.mark.parametrize("name", SCHEDULED)
def test_a_run_that_cannot_start_in_time_goes_to_a_queue_with_an_alarm(name: str) -> None:
    configuration = SCHEDULED[name]["EventInvokeConfig"]
    assert fate(configuration, throttled_for(3600)) == Fate((), "destination")
    destination = configuration["DestinationConfig"]["OnFailure"]
    queue = destination["Destination"]["Fn::GetAtt"][0]
    assert destination["Type"] == "SQS"
    assert RESOURCES[queue]["Type"] == "AWS::SQS::Queue"
    assert RESOURCES[f"{queue}Alarm"]["Type"] == "AWS::CloudWatch::Alarm"


def test_there_is_a_schedule() -> None:
    assert set(SCHEDULED) == {"ReconcileTasks"}
