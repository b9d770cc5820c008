"""Measures how fifty dead clients delay a healthy one: `python -m benchmarks.webhook_fairness [--rounds 3]`.

Use case, sender, guard and signatures are the product's, over HTTP on loopback. The event source mappings are modelled as in
the template: batches of ten in threads, and WebhookConcurrency. The tables are in memory. A dead endpoint accepts a connection
and never answers. A delay is the time from the message in the queue to the client's response.
"""

import argparse
import hashlib
import heapq
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.report import Goal, Row, Table, publish
from relay.adapters.http.bounded import BoundedTransport
from relay.adapters.http.guard import Guard, GuardedTransport
from relay.adapters.http.webhooks import HttpWebhookSender
from relay.adapters.secrets.cached import Secrets
from relay.adapters.secrets.webhook_secrets import WebhookSecrets
from relay.bootstrap import now
from relay.domain.task import Task
from relay.domain.webhook import Delivery, Endpoint
from relay.providers.kling.translator import Kling
from relay.usecases.deliver import deliver
from tests.support.fakes.events import FakeEvents
from tests.support.fakes.fake_world import settings_of
from tests.support.fakes.relay import FakeRelay
from tests.support.fakes.secrets import FakeSecretsManager
from tests.support.fakes.webhooks import FakeWebhooks
from tests.support.tasks import task_of

DEAD = 50
_SECONDS = 12.0
_EVERY = 0.05
_BACKLOG = 4
_GHOSTS_EACH = 3
"""Messages for dead endpoints per message for the healthy one. Before that, each dead endpoint gets _BACKLOG messages."""
_BATCH = 10
_CONCURRENCY = 100
_TIMEOUT = 6
"""Seconds, instead of 15. Then the first attempts at all dead endpoints end within a run of 12 s."""
_ANSWERS_AFTER = 0.1
_SCHEDULE = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)


class Locked:
    """A fake whose calls are atomic, like those of a table."""

    def __init__(self, inner: object) -> None:
        self._inner = inner
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            with self._lock:
                return getattr(self._inner, name)(*arguments, **named)

        return call


class Trusting(FakeWebhooks):
    """Trusts every endpoint, as if the relay kept no endpoint records. Each gets a request for every message."""

    def endpoint(self, endpoint_id: str) -> Endpoint:  # noqa: ARG002 - the same for all endpoints
        return Endpoint(trusted_until=2**60)


class Mapping:
    """A queue and its event source mapping: up to _CONCURRENCY invocations, each with a batch of up to ten."""

    def __init__(self, process: Callable[[Delivery], object]) -> None:
        self._process = process
        self._waiting: list[tuple[float, int, Delivery]] = []
        self._changed = threading.Condition()
        self._count = 0
        self._running = 0
        self._stopped = False
        self._invocations = ThreadPoolExecutor(_CONCURRENCY)
        self._poller = threading.Thread(target=self._poll, daemon=True)
        self._poller.start()

    def put(self, delivery: Delivery, delay: float = 0) -> None:
        """Send a message."""
        with self._changed:
            self._count += 1
            heapq.heappush(self._waiting, (time.monotonic() + delay, self._count, delivery))
            self._changed.notify()

    def _poll(self) -> None:
        while batch := self._received():
            self._invocations.submit(self._invoke, batch)

    def _received(self) -> list[Delivery]:
        """The next batch; empty after stop()."""
        with self._changed:
            while not self._stopped:
                left = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if left is not None and left <= 0 and self._running < _CONCURRENCY:
                    self._running += 1
                    due = time.monotonic()
                    batch: list[Delivery] = []
                    while self._waiting and self._waiting[0][0] <= due and len(batch) < _BATCH:
                        batch.append(heapq.heappop(self._waiting)[2])
                    return batch
                self._changed.wait(left if left is not None and left > 0 else None)
        return []

    def _invoke(self, batch: list[Delivery]) -> None:
        with ThreadPoolExecutor(len(batch)) as threads:
            list(threads.map(self._process, batch))
        with self._changed:
            self._running -= 1
            self._changed.notify()

    def stop(self) -> None:
        """Start no more batches and wait for the running ones."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._poller.join()
        self._invocations.shutdown()


class Relay:
    """deliver_webhooks on two mappings, and the times at which each event was put and answered."""

    def __init__(self, webhooks: FakeWebhooks) -> None:
        self.put_at: dict[str, float] = {}
        self.answered_at: dict[str, float] = {}
        self._tasks: dict[str, Task] = {}
        secrets = WebhookSecrets(Secrets(FakeSecretsManager(), 300), "webhook", lambda _: (0, {}), ttl=300)
        transport = GuardedTransport(Guard(allow_loopback=True), BoundedTransport())
        self._relay = FakeRelay(
            settings=settings_of(webhook_retry_seconds=",".join(map(str, _SCHEDULE))),
            clock=now,
            providers={Kling.name: Kling()},
            tasks=self._tasks,
            webhooks=Locked(webhooks),
            webhook_sender=HttpWebhookSender(transport, secrets, timeout=_TIMEOUT, now=now),
            webhook_queue=self,
            events=FakeEvents(),
        )
        self._first, self._retries = Mapping(self._deliver), Mapping(self._deliver)

    def announce(self, task: Task) -> None:
        """Put the message that the rule would send."""
        self._tasks[task.task_id] = task
        delivery = Delivery.of_task(task)
        self.put_at[delivery.event_id] = time.monotonic()
        self._first.put(delivery)

    def _deliver(self, delivery: Delivery) -> None:
        outcome = deliver(delivery, self._relay)
        if outcome.value == "delivered":
            self.answered_at[delivery.event_id] = time.monotonic()

    def put(self, delivery: Delivery, *, now: int) -> None:
        """Put into the queue of retries, with a delay in whole seconds as in SQS."""
        self._retries.put(delivery, min(900, max(0, -((now - delivery.due_at) // 1000))))

    def bury(self, delivery: Delivery) -> None:
        """Fails: no webhook becomes a dead letter within a run."""
        raise AssertionError(delivery)

    def stop(self) -> None:
        """End the run."""
        self._first.stop()
        self._retries.stop()


@contextmanager
def healthy() -> Iterator[str]:
    """An endpoint that answers after 100 ms."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            time.sleep(_ANSWERS_AFTER)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@contextmanager
def dead() -> Iterator[str]:
    """An endpoint whose connections nobody accepts."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def run(webhooks: FakeWebhooks, *, with_dead: bool, number: int) -> list[float]:
    """The delays in ms of a healthy client's webhooks, twenty a second; `with_dead`: while fifty clients are dead."""
    relay = Relay(webhooks)
    with ExitStack() as stack:
        url = stack.enter_context(healthy())
        ghosts = [stack.enter_context(dead()) for _ in range(DEAD)] if with_dead else []
        relay.announce(_task(number, "known", url))  # so that the endpoint has answered before
        time.sleep(0.5)
        for count in range(_BACKLOG):
            for ghost, address in enumerate(ghosts):
                relay.announce(_task(number, f"ghost {ghost} {count}", address))
        began, wanted = time.monotonic(), []
        for count in range(round(_SECONDS / _EVERY)):
            time.sleep(max(0, began + count * _EVERY - time.monotonic()))
            task = _task(number, f"healthy {count}", url)
            wanted.append(f"{task.task_id}:1")
            relay.announce(task)
            if ghosts:
                for again in range(_GHOSTS_EACH):
                    address = ghosts[(count * _GHOSTS_EACH + again) % DEAD]
                    relay.announce(_task(number, f"ghost again {count} {again}", address))
        time.sleep(_TIMEOUT + 1)
        relay.stop()
    late = time.monotonic()
    return [(relay.answered_at.get(event, late) - relay.put_at[event]) * 1000 for event in wanted]


def _task(number: int, name: str, url: str) -> Task:
    return replace(task_of(hashlib.sha256(f"{number} {name}".encode()).hexdigest()[:32]), callback_url=url)


def main() -> int:
    """Alternate rounds without and with dead clients; returns 1 if the healthy client's p99 more than doubles."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webhook_fairness", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    alone: list[float] = []
    beside: list[float] = []
    for number in range(rounds):
        alone += run(FakeWebhooks(), with_dead=False, number=2 * number)
        beside += run(FakeWebhooks(), with_dead=True, number=2 * number + 1)
    naive = run(Trusting(), with_dead=True, number=1000)
    baseline, ours, unguarded = (statistics.quantiles(delays, n=100) for delays in (alone, beside, naive))
    rows = [
        Row(what="healthy client's delay, p50, with 50 dead clients", baseline=baseline[49], ours=ours[49], unit="ms"),
        Row(
            what="healthy client's delay, p99, with 50 dead clients",
            baseline=baseline[98],
            ours=ours[98],
            unit="ms",
            goal=Goal(2),
        ),
        Row(what="the same p99 without endpoint records", baseline=baseline[98], ours=unguarded[98], unit="ms"),
    ]
    notes = (
        f"baseline: without dead clients, alternating, {len(alone)} deliveries each; the timeout is {_TIMEOUT} s instead of 15 s",
        f"{DEAD * _BACKLOG:,} messages for dead endpoints at once, then {_GHOSTS_EACH / _EVERY:.0f} a second",
        f"{1 / _EVERY:.0f} a second for the healthy client, which answers after {_ANSWERS_AFTER * 1000:.0f} ms",
    )
    publish("webhook_fairness", [Table("Fairness of webhooks", rows, notes)])
    return int(rows[1].outcome == "missed")


if __name__ == "__main__":
    raise SystemExit(main())
