"""The composition root: each adapter is made on first use, so that a function pays only for what it uses."""

from __future__ import annotations

import gc
import json
import secrets
import time
import uuid
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any, cast

from relay.adapters.aws import client
from relay.config import Settings, on_lambda
from relay.providers.kling.translator import Kling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.adapters.dynamodb.api_keys import DynamoApiKeys
    from relay.adapters.dynamodb.webhooks import DynamoWebhooks
    from relay.adapters.http.bulk import BulkTransport
    from relay.adapters.http.guard import Guard
    from relay.adapters.http.result_uploads import HttpResultUploads
    from relay.adapters.secrets.cached import Secrets
    from relay.adapters.secrets.key_pairs import HmacKeyPairs
    from relay.adapters.secrets.webhook_secrets import WebhookSecrets
    from relay.domain.keys import ClientKey
    from relay.domain.task import Task
    from relay.domain.webhook import Delivery
    from relay.domain.webhook import Outcome as WebhookOutcome
    from relay.ports import (
        CallbackTokens,
        DocumentStore,
        EventPublisher,
        ProviderApi,
        Record,
        Resubmissions,
        ResultSource,
        ResultStore,
        SubmissionCounts,
        TaskStore,
        UploadStore,
        WebhookQueue,
        WebhookSender,
    )
    from relay.providers.base import Provider, ProviderResponse
    from relay.usecases.apply import Outcome
    from relay.usecases.forward import Call
    from relay.usecases.reconcile import Reconciled
    from relay.usecases.resubmit import Resubmitted
    from relay.usecases.submit import Submission, Submitted
    from relay.usecases.upload import Upload


def now() -> int:
    """Unix time in ms."""
    return time.time_ns() // 1_000_000


class _Later:
    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)


def later[T](make: Callable[[], T]) -> T:
    """What `make` gives, made when it is first used: most callbacks need neither bucket nor bus, and to make a client takes as
    long as a dozen of its calls."""
    return cast("T", _Later(make))


class Services:
    """The use cases, with what they need on AWS."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.providers: Mapping[str, Provider] = {provider.name: provider for provider in (Kling(),)}
        """Every provider that tasks can be of, by the name in them. All are reached through CometAPI, with one key."""

    @property
    def provider(self) -> Provider:
        """The one whose paths the API has."""
        return self.providers[Kling.name]

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
        """In the table `tasks` too."""
        from relay.adapters.dynamodb.submission_counts import DynamoSubmissionCounts

        return DynamoSubmissionCounts(client("dynamodb"), self.settings.tasks_table)

    @cached_property
    def documents(self) -> DocumentStore:
        """The bucket's documents."""
        from relay.adapters.s3.documents import S3DocumentStore

        return S3DocumentStore(client("s3"), self.settings.results_bucket)

    @cached_property
    def results(self) -> ResultStore:
        """The bucket's result files."""
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
        """The bucket's files from clients."""
        from relay.adapters.s3.uploads import S3UploadStore

        return S3UploadStore(client("s3"), self.settings.results_bucket)

    @cached_property
    def _result_uploads(self) -> HttpResultUploads:
        from relay.adapters.http.result_uploads import HttpResultUploads

        return HttpResultUploads(self._bulk)

    @cached_property
    def _bulk(self) -> BulkTransport:
        from relay.adapters.http.bulk import BulkTransport

        return BulkTransport()

    @cached_property
    def source(self) -> ResultSource:
        """The provider's result hosts, under guard."""
        from relay.adapters.http.guard import GuardedTransport
        from relay.adapters.http.results import HttpResultSource

        return HttpResultSource(GuardedTransport(self._guard, self._bulk))

    @cached_property
    def events(self) -> EventPublisher:
        """The bus."""
        from relay.adapters.eventbridge import EventBridgePublisher

        return EventBridgePublisher(client("events"), self.settings.event_bus)

    @cached_property
    def resubmissions(self) -> Resubmissions:
        """The queue of the same name."""
        from relay.adapters.sqs import SqsResubmissions

        return SqsResubmissions(client("sqs"), self.settings.resubmissions_queue_url)

    @cached_property
    def api(self) -> ProviderApi:
        """The provider, with the key from its secret."""
        from relay.adapters.http.provider import HttpProviderApi

        return HttpProviderApi(self.settings.provider_url, partial(self._secrets.get, self.settings.provider_secret_id))

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
        """The queue of retries, and the dead letters."""
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
        """The clients' endpoints, under guard."""
        from relay.adapters.http.guard import GuardedTransport
        from relay.adapters.http.webhooks import BoundedTransport, HttpWebhookSender

        timeout = self.settings.webhook_timeout
        transport = GuardedTransport(self._guard, BoundedTransport(timeout))
        return HttpWebhookSender(transport, self.webhook_secrets, timeout=timeout, now=now)

    @cached_property
    def _guard(self) -> Guard:
        from relay.adapters.http.guard import Guard

        return Guard(allow_loopback=self.settings.allow_loopback, emulator_url=self.settings.aws_endpoint_url)

    @cached_property
    def _secrets(self) -> Secrets:
        from relay.adapters.secrets.cached import Secrets

        return Secrets(client("secretsmanager"), self.settings.secret_ttl)

    def try_archiving_later(self, receipt: str, delay: int) -> None:
        """Have a message of the queue `archives` delivered again in `delay` seconds."""
        queue = self.settings.archives_queue_url
        client("sqs").change_message_visibility(QueueUrl=queue, ReceiptHandle=receipt, VisibilityTimeout=delay)

    def authenticate(self, authorization: str) -> ClientKey:
        """See usecases/authenticate.py."""
        from relay.usecases.authenticate import authenticate

        return authenticate(authorization, keys=self.api_keys, pairs=lambda: self.key_pairs)

    def submit(self, submission: Submission) -> Submitted:
        """See usecases/submit.py."""
        from relay.usecases.submit import submit

        return submit(
            submission,
            provider=self.provider,
            settings=self.settings,
            tasks=self.tasks,
            documents=self.documents,
            api=self.api,
            tokens=self.tokens,
            resubmissions=self.resubmissions,
            uploads=self.uploads,
            counts=self.submission_counts,
            clock=now,
            new_id=uuid.uuid4().hex,
        )

    def forward(self, call: Call) -> ProviderResponse:
        """See usecases/forward.py."""
        from relay.usecases.forward import forward

        return forward(
            call,
            provider=self.provider,
            settings=self.settings,
            api=self.api,
            uploads=self.uploads,
            counts=self.submission_counts,
            clock=now,
        )

    def create_upload(self, tenant: str, body: Mapping[str, Any]) -> Upload:
        """See usecases/upload.py."""
        from relay.usecases.upload import create_upload

        return create_upload(tenant, body, uploads=self.uploads, clock=now, random=secrets.token_hex(10))

    def resubmit(self, task_id: str, attempt: int) -> Resubmitted:
        """See usecases/resubmit.py."""
        from relay.usecases.resubmit import resubmit

        return resubmit(
            task_id,
            attempt,
            providers=self.providers,
            settings=self.settings,
            tasks=self.tasks,
            documents=self.documents,
            api=self.api,
            tokens=self.tokens,
            resubmissions=self.resubmissions,
            uploads=self.uploads,
            clock=now,
        )

    def receive(self, task_id: str, token: str, body: bytes) -> Outcome:
        """See usecases/receive.py."""
        from relay.usecases.receive import receive

        return receive(
            task_id,
            token,
            body,
            providers=self.providers,
            tokens=self.tokens,
            tasks=self.tasks,
            documents=later(lambda: self.documents),
            events=later(lambda: self.events),
            clock=now,
        )

    def publish(self, records: list[Record]) -> str | None:
        """See usecases/publish.py."""
        from relay.usecases.publish import publish

        return publish(records, events=self.events)

    def archive(self, task_id: str, *, last_attempt: bool, seconds_left: Callable[[], float]) -> Task | None:
        """See usecases/archive.py."""
        from relay.usecases.archive import archive

        return archive(
            task_id,
            last_attempt=last_attempt,
            providers=self.providers,
            tasks=self.tasks,
            api=self.api,
            source=self.source,
            store=self.results,
            clock=now,
            seconds_left=seconds_left,
        )

    def reconcile(self, time_left: Callable[[], int]) -> dict[str, int]:
        """See usecases/reconcile.py."""
        from relay.usecases.reconcile import reconcile

        # Made here, once: the threads would each make their own, and a botocore session is not made for that.
        _ = self.documents, self.api, self.resubmissions
        return reconcile(self.reconcile_one, tasks=self.tasks, clock=now, time_left=time_left)

    def reconcile_one(self, task_id: str) -> Reconciled:
        """See usecases/reconcile.py."""
        from relay.usecases.reconcile import reconcile_one

        return reconcile_one(
            task_id,
            providers=self.providers,
            settings=self.settings,
            tasks=self.tasks,
            documents=self.documents,
            api=self.api,
            resubmissions=self.resubmissions,
            clock=now,
        )

    def prepare_delivering(self) -> None:
        """Make what every delivery needs, once: ten threads would each make their own."""
        _ = self.tasks, self.webhook_sender, self.webhook_queue

    def deliver(self, delivery: Delivery) -> WebhookOutcome:
        """See usecases/deliver.py."""
        from relay.usecases.deliver import deliver

        return deliver(
            delivery,
            schedule=self.settings.webhook_schedule,
            body_of=self.webhook_body,
            tasks=self.tasks,
            webhooks=self.webhooks,
            sender=self.webhook_sender,
            queue=self.webhook_queue,
            events=self.events,
            clock=now,
        )

    def webhook_body(self, task: Task) -> bytes:
        """The task object of the provider's callback protocol, with URLs that live for WEBHOOK_URL_SECONDS."""
        seconds = self.settings.webhook_url_seconds
        urls = {each.path: self.results.url(each, seconds=seconds) if each.key else each.url for each in task.results}
        return json.dumps(self.providers[task.provider].view(task, urls), separators=(",", ":"), ensure_ascii=False).encode(
            "utf-8", "replace"
        )

    def urls(self, task: Task) -> dict[str, str]:
        """Where each result can be downloaded now: presigned once it is stored, the provider's URL before."""
        return {result.path: self.results.url(result) if result.key else result.url for result in task.results}


@cache
def services() -> Services:
    """The process's services, from its environment."""
    return Services(Settings.from_environment())


def prepare(*names: str) -> None:
    """Make these of the process's services at import on Lambda: until then it lends a function a whole processor, whatever its
    memory, and the first request does not wait for AWS clients to be made.

    Every function calls it, last: the garbage collector begins here, and leaves out what there is by now.
    """
    if on_lambda():
        for name in names:
            getattr(services(), name)
        gc.freeze()
        gc.enable()
