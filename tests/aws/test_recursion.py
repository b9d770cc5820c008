"""A chain of retries is not stopped by Lambda's recursive loop detection."""

from copy import deepcopy

from tests.aws.recursion import MOST_HOPS, loops, most_hops
from tests.support.cloudformation import load_template
from tests.support.fakes.fake_world import settings_of

RESOURCES = load_template()["Resources"]
LONGEST_DELAY = 900
"""Seconds: the longest that SQS delays a message, hence the length of a hop."""


def hops_of_a_whole_schedule() -> int:
    """The invocations of DeliverWebhooks for a client that never answers, without the waits of a resting endpoint."""
    return sum(-(-seconds // LONGEST_DELAY) for seconds in settings_of().webhook_schedule)


def test_the_functions_that_feed_themselves_are_known() -> None:
    assert set(loops(RESOURCES)) == {("ResubmitTasks", "Resubmissions"), ("DeliverWebhooks", "WebhookRetries")}


def test_no_function_that_feeds_itself_is_stopped_after_sixteen_hops() -> None:
    assert [(function, queue) for function, queue in loops(RESOURCES) if most_hops(RESOURCES[function]) is not None] == []


def test_a_schedule_is_longer_than_lambda_allows_by_default() -> None:
    assert hops_of_a_whole_schedule() > 10 * MOST_HOPS


def test_a_function_without_the_permission_is_found() -> None:
    resources = deepcopy(RESOURCES)
    del resources["DeliverWebhooks"]["Properties"]["RecursiveLoop"]

    assert [function for function, _ in loops(resources) if most_hops(resources[function]) == MOST_HOPS] == ["DeliverWebhooks"]
