"""AWS clients: one session and low-level clients, each created on first use."""

import threading
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import UnknownRegionError

from relay.config import names_authorities

_AMAZON_ROOTS = Path(__file__).with_name("amazon_roots.pem")
"""The roots of Amazon Trust Services, which AWS tells clients to trust. Reading all of certifi's takes twenty times as long."""

# A connection that is open and dead costs a whole read timeout in each attempt. tests/aws/test_timeouts.py adds them up: every
# function that waits for one service until the last attempt must still have time for its response.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=6,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=32,  # as many as reconcile has threads
    user_agent="comet-relay",  # botocore builds its own for each call, which takes a seventh of an update's time
)
# The relay builds these parameters itself. Checking them takes another sixteenth of an update's time, and AWS checks them again.
_DYNAMODB = Config(parameter_validation=False)
_IN_AUTHORIZE = Config(connect_timeout=1, read_timeout=1.5)  # API Gateway gives an authorizer 10 s
# By default botocore presigns with Signature Version 2, which new buckets and SSE-KMS refuse, and for the host of us-east-1.
# That host answers 307 for a new bucket in another region, and a streamed upload cannot be sent twice.
_S3 = Config(signature_version="s3v4", s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"})

_OWN = {
    "dynamodb": _CONFIG.merge(_DYNAMODB).merge(_IN_AUTHORIZE),
    "secretsmanager": _CONFIG.merge(_IN_AUTHORIZE),
    "s3": _CONFIG.merge(_S3),
}

_making = threading.Lock()


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@cache
def client(service: str) -> Any:
    """The process's client of an AWS service; endpoint, region and credentials from the environment."""
    with _making:  # a session is not thread-safe, its clients are
        return _session().create_client(service, config=_OWN.get(service, _CONFIG), verify=_authorities(_session()))


def _authorities(session: botocore.session.Session) -> str | None:
    """Amazon's roots; None (botocore's default) in partitions that have others, and if the environment names a CA bundle."""
    if session.get_config_variable("ca_bundle") or names_authorities():
        return None
    try:
        partition = session.get_partition_for_region(session.get_config_variable("region") or "us-east-1")
    except UnknownRegionError:
        return None
    return str(_AMAZON_ROOTS) if partition == "aws" else None
