"""PresignedGets: the URLs are those of botocore."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.auth
import pytest

from relay.adapters import aws
from relay.adapters.s3 import presigned
from relay.adapters.s3.presigned import PresignedGets

NOON = datetime(2026, 11, 27, 12, 0, 0, tzinfo=UTC)


class Clock(datetime):
    """A clock that tests turn."""

    at = NOON

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return cls.at.astimezone(tz)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clock, "at", NOON)
    monkeypatch.setattr(presigned, "datetime", Clock)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: Clock.at.replace(tzinfo=None))


@pytest.fixture(
    params=[
        {"AWS_DEFAULT_REGION": "us-east-1"},
        {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2Vj/+a=" * 60},
        {"AWS_DEFAULT_REGION": "cn-north-1", "AWS_SESSION_TOKEN": "t"},
        {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
    ],
    ids=["plain", "session", "china", "emulator"],
)
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalr+/EXAMPLE", **request.param}.items():
        monkeypatch.setenv(name, value)
    aws.client.cache_clear()
    aws._session.cache_clear()
    yield aws.client("s3")
    aws.client.cache_clear()
    aws._session.cache_clear()


def expected(client: Any, bucket: str, key: str, seconds: int) -> str:
    """botocore's URL, with its parameters in the order of the alphabet."""
    url = str(client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=seconds))
    base, _, query = url.partition("?")
    return f"{base}?{'&'.join(sorted(query.split('&'), key=lambda each: (each.startswith('X-Amz-Signature'), each)))}"


@pytest.mark.parametrize("bucket", ["results-abcdef", "results.with.dots"])
@pytest.mark.parametrize("key", ["results/0f/0.mp4", "a b+c&d=e/ä/猫.png", "~-_.!*'()", "a//b/./c", "100%"])
def test_a_url_is_that_of_botocore(client: Any, bucket: str, key: str) -> None:
    gets = PresignedGets(client)
    for seconds in (60, 604_800):
        assert gets.url(bucket, key, seconds=seconds) == expected(client, bucket, key, seconds)


def test_each_second_and_each_day_has_its_own_signature(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gets = PresignedGets(client)
    for at in (NOON, NOON.replace(second=1), NOON.replace(day=28), NOON):
        monkeypatch.setattr(Clock, "at", at)
        assert gets.url("results", "k", seconds=60) == expected(client, "results", "k", 60)


def test_new_credentials_are_used_at_once(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gets = PresignedGets(client)
    old = gets.url("results", "k", seconds=60)
    monkeypatch.setattr(client._request_signer._credentials, "access_key", "AKIDNEW")
    assert gets.url("results", "k", seconds=60) == expected(client, "results", "k", 60) != old
