"""DivertedEvents: what the bus can never accept is stored in the bucket, so that it blocks no later event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from collections.abc import Mapping


class DivertedEvents:
    """Stores events under `unpublished/`, each with an error in the log and a count for the alarm `EventsDiverted`.

    Logger and metrics share the state of those in entrypoint/telemetry.py.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._logger = Logger()
        self._metrics = Metrics()

    def __call__(self, entry: Mapping[str, Any], reason: str) -> None:
        """`unpublished/{task_id}/{version}.json`, in the form in which a queue would receive it."""
        detail = json.loads(entry["Detail"])
        event = {"source": entry["Source"], "detail-type": entry["DetailType"], "detail": detail}
        key = f"unpublished/{detail['event_id'].replace(':', '/')}.json"
        body = json.dumps(event, ensure_ascii=False).encode()
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        self._logger.error("the bus can never accept an event: it is in the bucket", key=key, reason=reason)
        self._metrics.add_metric(name="EventsDiverted", unit=MetricUnit.Count, value=1)
