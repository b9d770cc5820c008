"""FakeWorld: the use cases over the fakes, one provider, one tenant, one clock."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from relay.adapters.secrets.cached import Secrets
from relay.adapters.secrets.callback_tokens import HmacCallbackTokens
from relay.config import Settings
from relay.domain.keys import SubmissionLimit
from relay.domain.task import Task
from relay.domain.webhook import Delivery, DeliveryOutcome
from relay.providers.base import Provider, ProviderResponse
from relay.providers.kling.translator import Kling
from relay.providers.reply import Reply
from relay.usecases.apply import Outcome as Applied
from relay.usecases.archive import archive
from relay.usecases.cancel import cancel
from relay.usecases.deliver import deliver
from relay.usecases.forward import Call, forward
from relay.usecases.publish import publish
from relay.usecases.receive import receive
from relay.usecases.reconcile import Reconciled, reconcile_one
from relay.usecases.resubmit import Resubmitted, resubmit
from relay.usecases.send import seconds_until_attempt
from relay.usecases.submit import Submission, Submitted, submit
from relay.usecases.upload import Upload, create_upload
from tests.support.fakes.calls import Calls
from tests.support.fakes.clock import VirtualClock
from tests.support.fakes.documents import FakeDocuments
from tests.support.fakes.events import FakeEvents
from tests.support.fakes.notices import FakeNotices
from tests.support.fakes.provider import FakeProviderApi
from tests.support.fakes.provider_ids import FakeProviderIds
from tests.support.fakes.relay import FakeRelay
from tests.support.fakes.resubmissions import FakeResubmissions
from tests.support.fakes.results import FakeResultSource, FakeResultStore
from tests.support.fakes.secrets import FakeSecretsManager
from tests.support.fakes.submission_counts import FakeSubmissionCounts
from tests.support.fakes.task_store import FakeTaskStore
from tests.support.fakes.uploads import FakeUploads
from tests.support.fakes.webhooks import FakeWebhookQueue, FakeWebhooks, FakeWebhookSender

PUBLIC_URL = "https://relay.example"
PROMPT = {"prompt": "a lighthouse in a storm"}
T2V = "videos/text2video"


def settings_of(**values: Any) -> Settings:
    """Settings with the defaults of the template and names of no importance."""
    names = {
        "tasks_table": "tasks",
        "api_keys_table": "api_keys",
        "results_bucket": "results",
        "event_bus": "bus",
        "resubmissions_queue_url": "https://sqs.example/resubmissions",
        "archives_queue_url": "https://sqs.example/archives",
        "archives_dead_letters_url": "https://sqs.example/archives-dead",
        "webhooks_table": "webhooks",
        "webhook_retries_queue_url": "https://sqs.example/webhook-retries",
        "webhook_dead_letters_url": "https://sqs.example/webhooks-dead",
        "webhook_secret_id": "webhook",
        "callback_secret_id": "callback",
        "client_secret_id": "client",
        "provider_secret_id": "provider",
    }
    return Settings(**{**names, **values})


class FakeWorld:
    """The fakes themselves are attributes; the use cases see them through `calls`."""

    def __init__(self, **settings: Any) -> None:
        self.provider: Provider = Kling()
        self.providers = {self.provider.name: self.provider}
        self.settings = settings_of(**settings)
        self.clock = VirtualClock()
        self.calls = Calls()
        self.tasks = FakeTaskStore()
        self.provider_ids = FakeProviderIds()
        self.documents = FakeDocuments()
        self.events = FakeEvents()
        self.api = FakeProviderApi(self.clock)
        self.resubmissions = FakeResubmissions()
        self.notices = FakeNotices()
        self.source = FakeResultSource()
        self.results = FakeResultStore()
        self.uploads = FakeUploads()
        self.webhooks = FakeWebhooks()
        self.webhook_queue = FakeWebhookQueue()
        self.sender = FakeWebhookSender()
        self.submission_counts = FakeSubmissionCounts()
        self.secrets_manager = FakeSecretsManager()
        secrets = Secrets(self.secrets_manager, self.settings.secret_ttl, lambda: self.clock() / 1000)
        self.tokens = HmacCallbackTokens(secrets, self.settings.callback_secret_id)

        watch = self.calls.watch
        self.relay = FakeRelay(
            settings=self.settings,
            clock=self.clock,
            providers=self.providers,
            tasks=watch("tasks", self.tasks),
            provider_ids=watch("ids", self.provider_ids),
            documents=watch("documents", self.documents),
            events=watch("events", self.events),
            api=watch("api", self.api),
            resubmissions=watch("resubmissions", self.resubmissions),
            notices=self.notices,
            source=watch("source", self.source),
            results=watch("results", self.results),
            tokens=watch("tokens", self.tokens),
            uploads=watch("uploads", self.uploads),
            webhooks=watch("webhooks", self.webhooks),
            webhook_queue=watch("webhook_queue", self.webhook_queue),
            webhook_sender=watch("sender", self.sender),
            submission_counts=watch("counts", self.submission_counts),
        )

    def submit(
        self,
        body: Mapping[str, Any] = PROMPT,
        *,
        operation: str = T2V,
        tenant: str = "acme",
        key: str | None = None,
        new_id: str | None = None,
        limit: SubmissionLimit | None = None,
    ) -> Submitted:
        """`POST /kling/v1/{operation}`."""
        submission = Submission(
            tenant=tenant,
            provider=self.provider.name,
            operation=operation,
            body=body,
            idempotency_key=key,
            public_url=PUBLIC_URL,
            limit=limit,
        )
        return submit(submission, self.relay, new_id=new_id or uuid.uuid4().hex)

    def upload(self, content: bytes, media_type: str, *, tenant: str = "acme") -> Upload:
        """`POST /uploads`, and the client's PUT."""
        body = {"media_type": media_type, "bytes": len(content)}
        upload = create_upload(tenant, body, self.relay, random=uuid.uuid4().hex[12:])
        self.uploads.files[upload.reference.key(tenant)] = content
        return upload

    def forward(
        self,
        operation: str,
        body: Mapping[str, Any] | None = None,
        query: str = "",
        *,
        limit: SubmissionLimit | None = None,
    ) -> ProviderResponse:
        """A request to a synchronous operation."""
        synchronous = self.provider.synchronous[operation]
        call = Call(tenant="acme", provider=self.provider.name, operation=synchronous, body=body, query=query, limit=limit)
        return forward(call, self.relay)

    def resubmit(self, task_id: str, attempt: int, **message: int) -> Resubmitted:
        """A message of the queue `resubmissions`: the task's present one in its time, or one with another `due_at`."""
        task = self.tasks.tasks.get(task_id)
        due_at = message.get("due_at", task.due_at if task else 0)
        if task and due_at == task.due_at and attempt == task.attempts:
            self.clock.advance(max(seconds_until_attempt(task, self.relay), 0))
        return resubmit(task_id, attempt, self.relay, due_at=due_at)

    def receive(self, task_id: str, body: bytes, token: str | None = None) -> Applied | Reply:
        """`POST /callbacks/{task_id}/{token}`, by default with the right token."""
        right = self.tokens.path(task_id, self.provider.name).partition("/")[2]
        return receive(task_id, right if token is None else token, body, {}, self.relay)

    def called_back(self, task_id: str) -> Applied | Reply:
        """The provider calls back with the task as it stands there, at the URL that it was given."""
        task = self.api.of(task_id)
        reference, token = task.callback_url.removeprefix(f"{PUBLIC_URL}/callbacks/").split("/")
        return self.receive(reference, task.callback(), token)

    def cancel(self, reference: str, *, tenant: str = "acme") -> Task:
        """`DELETE /tasks/{reference}`."""
        return cancel(tenant, reference, self.relay)

    def reconcile_one(self, task_id: str) -> Reconciled:
        """A look of the reconciler at one task."""
        return reconcile_one(task_id, self.relay)

    def archive(
        self, task_id: str, *, last_attempt: bool = False, seconds_left: Callable[[], float] = lambda: 900.0
    ) -> Task | None:
        """A message of the queue `archives`."""
        return archive(task_id, self.relay, last_attempt=last_attempt, seconds_left=seconds_left)

    def deliver(self, delivery: Delivery) -> DeliveryOutcome:
        """A message of the queue `webhooks`."""
        return deliver(delivery, self.relay)

    def publish(self) -> str | None:
        """The whole stream so far, in one batch."""
        return publish(self.tasks.records, self.relay.events)

    def task(self, task_id: str) -> Task:
        """The stored task."""
        return self.tasks.tasks[task_id]
