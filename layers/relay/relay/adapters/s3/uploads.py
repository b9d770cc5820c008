"""S3UploadStore: files below `uploads/`, which clients put there themselves."""

import base64
from typing import Any

from botocore.exceptions import ClientError

from relay.adapters.s3.media import sniffed
from relay.ports import PresignedPut, UploadedFile

_HEAD = "bytes=0-15"
_MISSING = frozenset({"NoSuchKey", "AccessDenied"})
"""For a missing key S3 returns AccessDenied to callers who may not list the bucket."""


class S3UploadStore:
    """UploadStore."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, *, media_type: str, size: int, sha256: str | None, seconds: int) -> PresignedPut:
        """Every header is signed; `If-None-Match` refuses a second file at the same key."""
        headers = {"Content-Type": media_type, "Content-Length": str(size), "If-None-Match": "*"}
        parameters = {"ContentType": media_type, "ContentLength": size, "IfNoneMatch": "*"}
        if sha256 is not None:
            parameters["ChecksumSHA256"] = headers["x-amz-checksum-sha256"] = base64.b64encode(bytes.fromhex(sha256)).decode()
        return PresignedPut(self._presigned("put_object", seconds, Key=key, **parameters), headers)

    def look(self, key: str) -> UploadedFile | None:
        """One request, for the size and the first bytes."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key, Range=_HEAD)
        except ClientError as error:
            if _is_missing(error):
                return None
            raise
        kind = sniffed(answer["Body"].read())
        return UploadedFile(int(answer["ContentRange"].rpartition("/")[2]), kind[0] if kind else None)

    def url(self, key: str, *, seconds: int) -> str:
        """Presigned locally, without a request."""
        return self._presigned("get_object", seconds, Key=key)

    def read(self, key: str) -> bytes | None:
        """The whole file, whose size was checked before."""
        try:
            return bytes(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        except ClientError as error:
            if _is_missing(error):
                return None
            raise

    def _presigned(self, operation: str, seconds: int, **parameters: Any) -> str:
        parameters["Bucket"] = self._bucket
        return str(self._client.generate_presigned_url(operation, Params=parameters, ExpiresIn=seconds))


def _is_missing(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in _MISSING
