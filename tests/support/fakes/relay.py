"""FakeRelay: the bundle that use cases take, made of whatever ports a test gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from relay.config import Settings
from relay.ports import Clock
from relay.providers.base import Provider
from tests.support.fakes.provider_ids import FakeProviderIds


@dataclass(kw_only=True)
class FakeRelay:
    """`ports.Relay`. A port that a test does not give is None, so that using it fails."""

    settings: Settings
    clock: Clock
    providers: Mapping[str, Provider]
    tasks: Any = None
    provider_ids: Any = field(default_factory=FakeProviderIds)
    documents: Any = None
    results: Any = None
    source: Any = None
    uploads: Any = None
    events: Any = None
    api: Any = None
    notices: Any = None
    resubmissions: Any = None
    tokens: Any = None
    api_keys: Any = None
    key_pairs: Any = None
    submission_counts: Any = None
    webhooks: Any = None
    webhook_sender: Any = None
    webhook_queue: Any = None
