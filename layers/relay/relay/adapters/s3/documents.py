"""S3DocumentStore: documents that are stored byte for byte in the bucket."""

import hashlib
import json
from typing import Any

from botocore.exceptions import ClientError

_JSON = "application/json"


class S3DocumentStore:
    """DocumentStore: `requests/`, `results/{task_id}/callback.json` and `quarantine/`."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_request(self, name: str, body: bytes) -> str:
        """`requests/{name}.json`."""
        key = f"requests/{name}.json"
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=_JSON)
        return key

    def get_request(self, key: str) -> bytes:
        """The whole body, which is at most as large as API Gateway accepts."""
        return bytes(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())

    def put_callback(self, task_id: str, body: bytes) -> None:
        """The first document stays: neither a repeated nor a simultaneous callback replaces it."""
        key = f"results/{task_id}/callback.json"
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=_JSON, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise

    def quarantine(self, task_id: str, body: bytes, *, reason: str, at: int) -> tuple[str, str]:
        """`quarantine/{task_id}/{ms}-{hash}`: the bytes as received, with the reason as metadata."""
        key = f"quarantine/{task_id}/{at}-{hashlib.sha256(body).hexdigest()[:16]}"
        metadata = {"reason": json.dumps(reason)[:512], "task-id": task_id}
        self._client.put_object(
            Bucket=self._bucket, Key=key, Body=body, ContentType="application/octet-stream", Metadata=metadata
        )
        return self._bucket, key
