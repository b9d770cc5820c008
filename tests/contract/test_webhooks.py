"""What every Webhooks does, whatever it is made of."""

import json
from dataclasses import replace
from typing import Any

from relay.domain.task import Status
from relay.domain.webhook import Attempt, Delivery, DeliveryLog, DeliveryOutcome, Endpoint
from relay.ports import Webhooks
from relay_cli.operator.webhook_state import WebhookOperations
from tests.support.tasks import NOON, task_of

FIRST = Delivery.of_task(task_of())
SECOND = replace(FIRST, version=2, status=Status.PROCESSING)
MINUTE = 60_000
DAY_AFTER = NOON // 1000 + 86_400


def begin(webhooks: Webhooks, delivery: Delivery, *, at: int = 0) -> DeliveryLog | None:
    now = NOON + at
    return webhooks.begin(delivery, now=now, until=now + MINUTE, expires_at=DAY_AFTER)


def attempt_of(delivery: Delivery, *, http_status: int | None = 500, error: str | None = None) -> Attempt:
    return Attempt(at=NOON, version=delivery.version, status=delivery.status, http_status=http_status, error=error, took_ms=12)


def failed(webhooks: Webhooks, delivery: Delivery) -> Delivery:
    """An attempt that fails; the next one."""
    log = begin(webhooks, delivery)
    assert log
    again = replace(delivery, attempt=delivery.attempt + 1, due_at=NOON + 5000)
    webhooks.conclude(delivery, log.with_attempt(attempt_of(delivery)), DeliveryOutcome.RETRYING, again=again)
    return again


def test_an_attempt_is_claimed_and_concluded(webhooks: Webhooks) -> None:
    assert webhooks.log(FIRST.task_id) is None
    assert begin(webhooks, FIRST) == DeliveryLog(version=1)
    attempt = attempt_of(FIRST, http_status=204)
    webhooks.conclude(FIRST, (attempt,), DeliveryOutcome.DELIVERED)
    assert webhooks.log(FIRST.task_id) == DeliveryLog(version=1, outcome=DeliveryOutcome.DELIVERED, attempts=(attempt,))
    assert begin(webhooks, FIRST) is None
    assert begin(webhooks, replace(FIRST, attempt=9)) is None


def test_attempts_of_all_versions_are_on_one_log(webhooks: Webhooks) -> None:
    again = failed(webhooks, FIRST)
    assert webhooks.log(FIRST.task_id) == DeliveryLog(
        version=1, outcome=DeliveryOutcome.RETRYING, attempts=(attempt_of(FIRST),), due_at=again.due_at
    )
    log = begin(webhooks, SECOND)
    assert log
    assert (log.version, log.attempts) == (2, (attempt_of(FIRST),))
    error = attempt_of(SECOND, http_status=None, error="no answer in time")
    webhooks.conclude(SECOND, log.with_attempt(error), DeliveryOutcome.UNDELIVERABLE)
    found = webhooks.log(FIRST.task_id)
    assert found
    assert found.attempts == (attempt_of(FIRST), error)


def test_a_task_has_one_attempt_at_a_time(webhooks: Webhooks) -> None:
    begin(webhooks, FIRST)
    for other in (FIRST, SECOND, replace(FIRST, attempt=2)):
        busy = begin(webhooks, other, at=MINUTE - 1)
        assert busy
        assert busy.is_busy
    log = begin(webhooks, SECOND, at=MINUTE)
    assert log
    assert (log.version, log.is_busy) == (2, False)


def test_a_crashed_attempt_can_be_made_again(webhooks: Webhooks) -> None:
    begin(webhooks, FIRST)
    log = begin(webhooks, FIRST, at=MINUTE)
    assert log
    assert not log.is_busy


def test_an_attempt_is_concluded_once(webhooks: Webhooks) -> None:
    again = failed(webhooks, FIRST)
    assert begin(webhooks, FIRST) is None
    assert failed(webhooks, again).attempt == 3
    assert begin(webhooks, again) is None


def test_a_retry_may_overtake_the_conclusion_before_it(webhooks: Webhooks) -> None:
    begin(webhooks, FIRST)
    log = begin(webhooks, replace(FIRST, attempt=2), at=MINUTE)
    assert log
    webhooks.conclude(FIRST, (attempt_of(FIRST),), DeliveryOutcome.RETRYING, again=replace(FIRST, attempt=2))
    found = webhooks.log(FIRST.task_id)
    assert found
    assert found.attempts == (), "somebody else's attempt is not concluded"


def test_an_older_version_never_follows_a_newer_one(webhooks: Webhooks) -> None:
    begin(webhooks, SECOND)
    assert begin(webhooks, FIRST) is None
    assert begin(webhooks, FIRST, at=MINUTE) is None
    webhooks.conclude(SECOND, (attempt_of(SECOND),), DeliveryOutcome.GONE)
    assert begin(webhooks, FIRST) is None
    assert begin(webhooks, SECOND) is None
    assert begin(webhooks, replace(SECOND, version=3))


def test_what_was_given_up_can_be_begun_by_a_redrive_and_by_nothing_older(webhooks: Webhooks) -> None:
    last = replace(failed(webhooks, FIRST), attempt=10)
    begin(webhooks, last)
    webhooks.conclude(last, (attempt_of(FIRST),), DeliveryOutcome.UNDELIVERABLE)
    assert begin(webhooks, last) is None, "a message of SQS that comes twice"
    assert begin(webhooks, FIRST) is None
    log = begin(webhooks, last.anew())
    assert log
    assert (log.outcome, log.is_busy) == (DeliveryOutcome.UNDELIVERABLE, False)


def test_what_was_delivered_can_be_reopened_the_newest_version_only(moto_webhooks: WebhookOperations) -> None:
    moto_webhooks.reopen(FIRST.task_id)
    assert moto_webhooks.log(FIRST.task_id) is None
    begin(moto_webhooks, SECOND)
    moto_webhooks.conclude(SECOND, (attempt_of(SECOND, http_status=200),), DeliveryOutcome.DELIVERED)
    moto_webhooks.reopen(FIRST.task_id)
    assert begin(moto_webhooks, FIRST) is None
    assert begin(moto_webhooks, SECOND)


def test_a_lane_is_for_one(webhooks: Webhooks) -> None:
    claim = {"now": NOON, "until": NOON + MINUTE}
    assert webhooks.claim_lane("e", 0, **claim)
    assert not webhooks.claim_lane("e", 0, **claim)
    assert webhooks.claim_lane("e", 1, **claim)
    assert webhooks.claim_lane("other", 0, **claim)
    assert webhooks.claim_lane("e", 0, now=NOON + MINUTE, until=NOON + 2 * MINUTE)
    webhooks.keep_endpoint("e", Endpoint(), lane=1, now=NOON)
    assert webhooks.claim_lane("e", 1, **claim)


def test_an_endpoint_is_remembered(webhooks: Webhooks) -> None:
    assert webhooks.endpoint("e") == Endpoint()
    webhooks.claim_lane("e", 0, now=NOON, until=NOON + MINUTE)
    assert webhooks.endpoint("e") == Endpoint()
    health = Endpoint(failures=2, rests_until=NOON, trusted_until=7, is_slow=True, is_gone=True, has_gone_urls=True)
    webhooks.keep_endpoint("e", health, lane=0, now=NOON)
    assert (webhooks.endpoint("e"), webhooks.endpoint("f")) == (health, Endpoint())


def test_a_concurrent_attempt_does_not_forget_that_a_url_is_gone(webhooks: Webhooks) -> None:
    webhooks.keep_endpoint("e", Endpoint(has_gone_urls=True), lane=None, now=NOON)
    webhooks.keep_endpoint("e", Endpoint(trusted_until=7), lane=None, now=NOON)
    assert webhooks.endpoint("e") == Endpoint(trusted_until=7, has_gone_urls=True)


def test_the_health_that_another_version_wrote_is_read(moto_webhooks: WebhookOperations) -> None:
    key = {"key": {"S": "endpoint#e"}}
    item = {**key, "health": {"S": '{"failures": 2, "is_gone": true, "from_a_later_version": [1]}'}}
    moto_webhooks._client.put_item(TableName=moto_webhooks._table, Item=item)
    assert moto_webhooks.endpoint("e") == Endpoint(failures=2, is_gone=True)


def test_a_log_keeps_the_last_twenty_attempts(moto_webhooks: WebhookOperations) -> None:
    log = begin(moto_webhooks, FIRST)
    assert log
    attempts: tuple[Attempt, ...] = ()
    for number in range(30):
        latest = replace(attempt_of(FIRST, http_status=None, error="no answer in time"), at=NOON + number)
        attempts = replace(log, attempts=attempts).with_attempt(latest)
    moto_webhooks.conclude(FIRST, attempts, DeliveryOutcome.RETRYING, again=replace(FIRST, attempt=2))
    found = moto_webhooks.log(FIRST.task_id)
    assert found
    assert [attempt.at - NOON for attempt in found.attempts] == list(range(10, 30))


def test_a_tenants_secrets_are_counted(moto_webhooks: WebhookOperations) -> None:
    assert moto_webhooks.secret_generation("acme") == (0, {})
    assert moto_webhooks.rotate_secret("acme", at=NOON) == 1
    assert moto_webhooks.rotate_secret("acme", at=NOON + 1) == 2
    assert moto_webhooks.secret_generation("acme") == (2, {0: NOON, 1: NOON + 1})
    assert moto_webhooks.secret_generation("rival") == (0, {})


def test_of_a_tenants_secrets_the_last_eight_are_remembered(moto_webhooks: WebhookOperations) -> None:
    for number in range(12):
        moto_webhooks.rotate_secret("acme", at=NOON + number)
    assert moto_webhooks.secret_generation("acme") == (12, {number: NOON + number for number in range(4, 12)})
    moto_webhooks.rotate_secret("acme", at=NOON + 8 * 86_400_000)
    assert moto_webhooks.secret_generation("acme") == (13, {12: NOON + 8 * 86_400_000})


def test_rotations_of_version_0_2_0_are_read(moto_webhooks: WebhookOperations, moto_client: Any) -> None:
    """It stores the last one only, and leaves alone what it does not know."""

    def rotate(at: int) -> None:
        moto_client.update_item(
            TableName=moto_webhooks._table,
            Key={"key": {"S": "tenant#acme"}},
            UpdateExpression="SET rotated_at = :at ADD generation :one",
            ExpressionAttributeValues={":at": {"N": str(at)}, ":one": {"N": "1"}},
        )

    rotate(NOON)
    assert moto_webhooks.secret_generation("acme") == (1, {0: NOON})
    moto_webhooks.rotate_secret("acme", at=NOON + 1)
    assert moto_webhooks.secret_generation("acme") == (2, {0: NOON, 1: NOON + 1})
    rotate(NOON + 2)
    assert moto_webhooks.secret_generation("acme") == (3, {0: NOON, 1: NOON + 1, 2: NOON + 2})


def test_a_rotation_at_the_same_moment_is_another_one(moto_webhooks: WebhookOperations) -> None:
    overtaken: list[int] = []

    class Overtaken(WebhookOperations):
        """Another operator rotates between the read and the write, once."""

        def secret_generation(self, tenant: str) -> tuple[int, dict[int, int]]:
            found = super().secret_generation(tenant)
            if not overtaken:
                overtaken.append(moto_webhooks.rotate_secret("acme", at=NOON))
            return found

    assert Overtaken(moto_webhooks._client, moto_webhooks._table).rotate_secret("acme", at=NOON + 1) == 2
    assert moto_webhooks.secret_generation("acme") == (2, {0: NOON, 1: NOON + 1})


def test_a_log_of_a_later_version_is_read(moto_webhooks: WebhookOperations, moto_client: Any) -> None:
    attempt = {"at": NOON, "version": 1, "status": "of-tomorrow", "http_status": 200, "colour": "blue"}
    moto_client.put_item(
        TableName=moto_webhooks._table,
        Item={
            "key": {"S": "task#a"},
            "version": {"N": "1"},
            "outcome": {"S": "of-tomorrow"},
            "attempts": {"S": json.dumps([attempt])},
        },
    )
    log = moto_webhooks.log("a")
    assert log
    assert (log.outcome, log.attempts[0].http_status, log.attempts[0].status) == (None, 200, Status.PROCESSING)
