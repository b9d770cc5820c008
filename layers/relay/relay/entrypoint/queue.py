"""SQS batches: each message is processed by itself, and one that fails is reported to Lambda by itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from relay.entrypoint.telemetry import logger, metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def each_message(
    event: Mapping[str, Any],
    process: Callable[[dict[str, Any], int], None],
    *,
    put_off: Callable[[str, int], None] | None = None,
    at_once: int = 1,
) -> dict[str, Any]:
    """Process the messages of an SQS batch, each by itself, `at_once` of them in threads: `process(body, receives)`.

    One that fails is delivered again, and at last goes to the dead-letter queue; `put_off(receipt, receives)` may say when.
    """
    failures = []
    for record, error in _processed(event["Records"], process, at_once):
        if error is None:
            continue
        receives = _receives(record)
        logger.error(
            "message failed", message_id=record["messageId"], receives=receives, error=type(error).__name__, exc_info=error
        )
        metrics.add_metric(name="MessagesFailed", unit=MetricUnit.Count, value=1)
        failures.append({"itemIdentifier": record["messageId"]})
        if put_off:
            put_off(record["receiptHandle"], receives)
    return {"batchItemFailures": failures}


def _receives(record: Mapping[str, Any]) -> int:
    return int(record["attributes"]["ApproximateReceiveCount"])


def _processed(
    records: list[dict[str, Any]], process: Callable[[dict[str, Any], int], None], at_once: int
) -> Iterator[tuple[dict[str, Any], Exception | None]]:
    def outcome_of(record: dict[str, Any]) -> Exception | None:
        try:
            process(json.loads(record["body"]), _receives(record))
        except Exception as error:  # noqa: BLE001 - told by the caller, in its thread
            return error
        return None

    if min(at_once, len(records)) < 2:
        yield from ((record, outcome_of(record)) for record in records)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(at_once) as pool:
        yield from zip(records, pool.map(outcome_of, records), strict=True)
