"""AWS clients: one session, plain low-level clients, each made on first use."""

import threading
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=32,  # as many as reconcile has threads
)
# botocore would presign with Signature Version 2, which new buckets and SSE-KMS refuse, for the host of us-east-1, which
# answers 307 for a new bucket elsewhere: a streamed upload cannot be sent twice.
_S3 = Config(signature_version="s3v4", s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"})

_making = threading.Lock()


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@cache
def client(service: str) -> Any:
    """The process's client of an AWS service; endpoint, region and credentials from the environment."""
    with _making:  # a session is not made for threads, its clients are
        return _session().create_client(service, config=_CONFIG.merge(_S3) if service == "s3" else _CONFIG)
