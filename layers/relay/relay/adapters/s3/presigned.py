"""PresignedGets: URLs to download objects, as many as a page of tasks has.

botocore takes 0.8 ms for each with the session token of a function, 3 s for the largest page, mostly to encode the token again.
Everything but the key of the object and the signature stays the same for a second.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


class PresignedGets:
    """Presigned GETs of objects, equal to those of `client.generate_presigned_url`. `client`: an S3 client with s3v4."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._bases: dict[str, str] = {}
        self._prepared: tuple[tuple[object, ...], _Signing] | None = None

    def url(self, bucket: str, key: str, *, seconds: int) -> str:
        """Valid for `seconds`, and at most as long as the credentials."""
        path = quote(key, safe="/~")
        base = self._bases.get(bucket) or self._base(bucket)
        at = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        credentials = self._client._request_signer._credentials.get_frozen_credentials()  # noqa: SLF001 - there is no other way
        known = (base, at, seconds, credentials)
        if self._prepared is None or self._prepared[0] != known:
            self._prepared = (known, _Signing(base, at, seconds, credentials, self._client.meta.region_name))
        return self._prepared[1].signed(path)

    def _base(self, bucket: str) -> str:
        """The URL before the key: botocore knows the endpoint and where the name of the bucket stands."""
        whole = self._client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=60)
        base = self._bases[bucket] = str(whole).partition("?")[0].removesuffix("k")
        return base


class _Signing:
    """What all URLs of one second have in common."""

    def __init__(self, base: str, at: str, seconds: int, credentials: Any, region: str) -> None:
        self._base = base
        host, self._root = urlsplit(base).netloc, urlsplit(base).path
        scope = f"{at[:8]}/{region}/s3/aws4_request"
        values = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{credentials.access_key}/{scope}",
            "X-Amz-Date": at,
            "X-Amz-Expires": str(seconds),
            **({"X-Amz-Security-Token": credentials.token} if credentials.token else {}),
            "X-Amz-SignedHeaders": "host",
        }
        self._query = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in values.items())
        self._rest = f"\n{self._query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
        self._to_sign = f"{_ALGORITHM}\n{at}\n{scope}\n"
        key = f"AWS4{credentials.secret_key}".encode()
        for part in (at[:8], region, "s3", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        self._key = key

    def signed(self, path: str) -> str:
        request = f"GET\n{self._root}{path}{self._rest}"
        to_sign = self._to_sign + hashlib.sha256(request.encode()).hexdigest()
        signature = hmac.digest(self._key, to_sign.encode(), "sha256").hex()
        return f"{self._base}{path}?{self._query}&X-Amz-Signature={signature}"
