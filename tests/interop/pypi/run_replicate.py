"""PyPI's replicate, unmodified: predictions created, awaited, refused, listed and cancelled.

Runs in an environment of its own. Reads {url, key} as JSON, writes what came of it as JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import replicate
from replicate.exceptions import ReplicateError

MODEL = "black-forest-labs/flux-schnell"
VERSION = "0123456789abcdef" * 4
PATIENCE = 200.0

given = json.load(sys.stdin)


def client(key: str) -> Any:
    """The client; only its base URL leads here."""
    return replicate.Client(api_token=key, base_url=f"{given['url']}/replicate")


def shown(prediction: Any) -> dict[str, Any]:
    """The fields of a prediction that are compared."""
    names = ("id", "model", "version", "status", "input", "output", "error", "urls")
    return {name: getattr(prediction, name) for name in names}


def raised(act: Callable[[], Any]) -> dict[str, Any]:
    """What the client raises."""
    try:
        return {"answered": str(act())}
    except ReplicateError as error:
        return {"own": True, "status": error.status, "title": error.title, "detail": error.detail}


api = client(given["key"])
started = {
    "model": api.models.predictions.create(MODEL, input={"prompt": "a paper boat", "num_outputs": 2}),
    "version": api.predictions.create(version=VERSION, input={"prompt": "a paper boat"}),
    "failed": api.predictions.create(version=VERSION, input={"prompt": "[risk] nothing that may be shown"}),
}
created = {name: shown(prediction) for name, prediction in started.items()}
cancelled = api.predictions.create(version=VERSION, input={"prompt": "a paper boat"})
cancelled.cancel()
listed = [prediction.id for prediction in api.predictions.list().results]
end = time.monotonic() + PATIENCE
for prediction in started.values():
    while prediction.status not in {"succeeded", "failed", "canceled"} and time.monotonic() < end:
        time.sleep(1)
        prediction.reload()
outcome = {
    "created": created,
    "ended": {name: shown(prediction) for name, prediction in started.items()},
    "cancelled": shown(cancelled),
    "listed": listed,
    "raised": {
        "wrongInput": raised(lambda: api.predictions.create(version=VERSION, input={})),
        "unknown": raised(lambda: api.predictions.get("no-such-prediction")),
        "wrongKey": raised(client("nobody").predictions.list),
    },
}
json.dump(outcome, sys.stdout)
