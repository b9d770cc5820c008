"""The composition root: each adapter is created on first use, so a function pays only for what it uses."""

from __future__ import annotations

import gc
import time
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any

from relay.adapters.aws import client
from relay.config import Settings, on_lambda
from relay.providers.registry import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.adapters.dynamodb.api_keys import DynamoApiKeys
    from relay.adapters.dynamodb.webhooks import DynamoWebhooks
    from relay.adapters.http.bulk import BulkTransport
    from relay.adapters.http.guard import Guard
    from relay.adapters.http.result_uploads import HttpResultUploads
    from relay.adapters.secrets.cached import Secrets
    from relay.adapters.secrets.key_pairs import HmacKeyPairs
    from relay.adapters.secrets.webhook_secrets import WebhookSecrets
    from relay.ports import (
        CallbackTokens,
        DocumentStore,
        EventPublisher,
        Notices,
        ProviderApi,
        ProviderIds,
        Resubmissions,
        ResultSource,
        ResultStore,
        SubmissionCounts,
        TaskStore,
        UploadStore,
        WebhookQueue,
        WebhookSender,
    )
    from relay.providers.base import Provider


def now() -> int:
    """Unix time in ms."""
    return time.time_ns() // 1_000_000


class Services:
    """The adapters on AWS: `ports.Relay`, and what adapters need of each other."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.providers: Mapping[str, Provider] = PROVIDERS
        """Every provider by its name in tasks. CometAPI serves all of them with one base URL and one key."""

    def clock(self) -> int:
        """Unix time in ms."""
        return now()

    @cached_property
    def tasks(self) -> TaskStore:
        """The table `tasks`."""
        from relay.adapters.dynamodb.tasks import DynamoTaskStore

        return DynamoTaskStore(client("dynamodb"), self.settings.tasks_table)

    @cached_property
    def api_keys(self) -> DynamoApiKeys:
        """The table `api_keys`."""
        from relay.adapters.dynamodb.api_keys import DynamoApiKeys

        return DynamoApiKeys(client("dynamodb"), self.settings.api_keys_table)

    @cached_property
    def key_pairs(self) -> HmacKeyPairs:
        """The secret keys of pairs, derived from the generated secret."""
        from relay.adapters.secrets.key_pairs import HmacKeyPairs

        return HmacKeyPairs(self._secrets, self.settings.client_secret_id)

    @cached_property
    def submission_counts(self) -> SubmissionCounts:
        """Counters in the table `tasks`."""
        from relay.adapters.dynamodb.submission_counts import DynamoSubmissionCounts

        return DynamoSubmissionCounts(client("dynamodb"), self.settings.tasks_table)

    @cached_property
    def provider_ids(self) -> ProviderIds:
        """Items of the table `tasks`."""
        from relay.adapters.dynamodb.provider_ids import DynamoProviderIds

        return DynamoProviderIds(client("dynamodb"), self.settings.tasks_table)

    @cached_property
    def documents(self) -> DocumentStore:
        """Documents in the bucket."""
        from relay.adapters.s3.documents import S3DocumentStore

        return S3DocumentStore(client("s3"), self.settings.results_bucket)

    @cached_property
    def results(self) -> ResultStore:
        """Result files in the bucket."""
        from relay.adapters.s3.results import S3ResultStore

        return S3ResultStore(
            client("s3"),
            self.settings.results_bucket,
            largest=self.settings.max_result_bytes,
            url_seconds=self.settings.result_url_seconds,
            uploads=lambda: self._result_uploads,
        )

    @cached_property
    def uploads(self) -> UploadStore:
        """Clients' files in the bucket."""
        from relay.adapters.s3.uploads import S3UploadStore

        return S3UploadStore(client("s3"), self.settings.results_bucket)

    @cached_property
    def source(self) -> ResultSource:
        """The provider's result hosts, behind the SSRF guard."""
        from relay.adapters.http.guard import GuardedTransport
        from relay.adapters.http.results import HttpResultSource

        return HttpResultSource(GuardedTransport(self._guard, self._bulk))

    @cached_property
    def events(self) -> EventPublisher:
        """The event bus."""
        from relay.adapters.eventbridge import EventBridgePublisher

        return EventBridgePublisher(client("events"), self.settings.event_bus, divert=self._divert)

    @cached_property
    def resubmissions(self) -> Resubmissions:
        """The queue `resubmissions`."""
        from relay.adapters.sqs import SqsResubmissions

        return SqsResubmissions(client("sqs"), self.settings.resubmissions_queue_url)

    @cached_property
    def api(self) -> ProviderApi:
        """The provider, with the key from its secret."""
        from relay.adapters.http.provider import HttpProviderApi

        secret_id = self.settings.provider_secret_id
        return HttpProviderApi(
            self.settings.provider_url, partial(self._secrets.get, secret_id), renew=partial(self._secrets.renew, secret_id)
        )

    @cached_property
    def notices(self) -> Notices:
        """The function's log and metrics."""
        from relay.adapters.notices import LoggedNotices

        return LoggedNotices()

    @cached_property
    def tokens(self) -> CallbackTokens:
        """Callback tokens, keyed by the generated secret."""
        from relay.adapters.secrets.callback_tokens import HmacCallbackTokens

        return HmacCallbackTokens(self._secrets, self.settings.callback_secret_id)

    @cached_property
    def webhooks(self) -> DynamoWebhooks:
        """The table `webhooks`."""
        from relay.adapters.dynamodb.webhooks import DynamoWebhooks

        return DynamoWebhooks(client("dynamodb"), self.settings.webhooks_table)

    @cached_property
    def webhook_queue(self) -> WebhookQueue:
        """The queue of webhook retries and its dead letters."""
        from relay.adapters.sqs import SqsWebhooks

        return SqsWebhooks(
            client("sqs"),
            retries_url=self.settings.webhook_retries_queue_url,
            dead_letters_url=self.settings.webhook_dead_letters_url,
        )

    @cached_property
    def webhook_secrets(self) -> WebhookSecrets:
        """The tenants' signing secrets."""
        from relay.adapters.secrets.webhook_secrets import WebhookSecrets

        generation_of, ttl = self.webhooks.secret_generation, self.settings.secret_ttl
        return WebhookSecrets(self._secrets, self.settings.webhook_secret_id, generation_of, ttl=ttl)

    @cached_property
    def webhook_sender(self) -> WebhookSender:
        """Clients' webhook endpoints, behind the SSRF guard."""
        from relay.adapters.http.bounded import BoundedTransport
        from relay.adapters.http.guard import GuardedTransport
        from relay.adapters.http.webhooks import HttpWebhookSender

        timeout = self.settings.webhook_timeout
        transport = GuardedTransport(self._guard, BoundedTransport())
        return HttpWebhookSender(transport, self.webhook_secrets, timeout=timeout, now=now)

    def delay_archiving(self, receipt: str, seconds: int) -> None:
        """Make SQS deliver a message of the queue `archives` again in `seconds`."""
        queue = self.settings.archives_queue_url
        client("sqs").change_message_visibility(QueueUrl=queue, ReceiptHandle=receipt, VisibilityTimeout=seconds)

    def _divert(self, entry: Mapping[str, Any], reason: str) -> None:
        from relay.adapters.s3.diverted import DivertedEvents

        DivertedEvents(client("s3"), self.settings.results_bucket)(entry, reason)

    def bury_archiving(self, body: str) -> None:
        """Put a message of the queue `archives` to its dead letters."""
        client("sqs").send_message(QueueUrl=self.settings.archives_dead_letters_url, MessageBody=body)

    @cached_property
    def _result_uploads(self) -> HttpResultUploads:
        from relay.adapters.http.result_uploads import HttpResultUploads

        return HttpResultUploads(self._bulk)

    @cached_property
    def _bulk(self) -> BulkTransport:
        from relay.adapters.http.bulk import BulkTransport

        return BulkTransport()

    @cached_property
    def _guard(self) -> Guard:
        from relay.adapters.http.guard import Guard

        return Guard(allow_loopback=self.settings.allow_loopback, emulator_url=self.settings.aws_endpoint_url)

    @cached_property
    def _secrets(self) -> Secrets:
        from relay.adapters.secrets.cached import Secrets

        return Secrets(client("secretsmanager"), self.settings.secret_ttl)


@cache
def services() -> Services:
    """The process's services, configured by its environment."""
    return Services(Settings.from_environment())


def prepare(*names: str) -> None:
    """Create these adapters, also outside Lambda: before threads start, since each thread would create its own."""
    for name in names:
        getattr(services(), name)


def prepare_at_init(*names: str) -> None:
    """On Lambda, create these adapters during INIT: it has a whole processor whatever the function's memory, and the first
    request does not wait for AWS clients.

    Every function calls it last in its module: garbage collection starts here and ignores the objects that exist by now.
    """
    if on_lambda():
        prepare(*names)
        gc.freeze()
        gc.enable()
