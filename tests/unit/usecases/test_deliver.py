"""Delivering webhooks on a virtual clock: the schedule, its end, and who overtakes whom."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from relay.domain.errors import UnavailableError
from relay.domain.task import Archive, Failure, FailureCode, Status
from relay.domain.webhook import Answer, Delivery, DeliveryOutcome, origin_id, url_id
from tests.support.fakes.calls import Crash
from tests.support.fakes.fake_world import FakeWorld
from tests.support.fakes.webhooks import BROKEN, OK, SILENT
from tests.support.tasks import PROCESSING, SUCCEED, VIDEO, task_of

URL = "https://client.example/hook"
TASK = task_of(callback_url=URL)
STORED = replace(VIDEO, bucket="results", key="results/a/0.mp4", bytes=9, sha256="0" * 64, media_type="video/mp4")
SCHEDULE = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
DOWN = Answer(took_ms=80, http_status=503)


@pytest.fixture
def world() -> FakeWorld:
    """With a task that wants to be announced."""
    made = FakeWorld()
    made.tasks.create(TASK)
    return made


def now_processing(world: FakeWorld) -> Delivery:
    """The provider works on the task."""
    world.tasks.change(TASK.task_id, PROCESSING, at=world.clock())
    return Delivery.of_task(world.tasks.tasks[TASK.task_id])


def now_stored(world: FakeWorld) -> Delivery:
    """The task has succeeded, and its files are stored."""
    world.tasks.change(TASK.task_id, SUCCEED, at=world.clock())
    return Delivery.of_task(world.tasks.record_archive(TASK.task_id, (STORED,), at=world.clock()))


def run(world: FakeWorld, delivery: Delivery) -> list[tuple[float, DeliveryOutcome]]:
    """Play the queue until it is empty: (seconds since the start, outcome) of everything but the waits."""
    began, queue = world.clock(), [(world.clock(), delivery)]
    story: list[tuple[float, DeliveryOutcome]] = []
    for _ in range(2000):
        if not queue:
            return story
        at, next_one = queue.pop(0)
        world.clock.now = max(world.clock(), at)
        outcome = world.deliver(next_one)
        queue += [(world.clock() + delay * 1000, put) for put, delay in world.webhook_queue.messages]
        world.webhook_queue.messages.clear()
        queue.sort(key=lambda entry: entry[0])
        if outcome is not DeliveryOutcome.WAITING:
            story.append(((world.clock() - began) / 1000, outcome))
    raise AssertionError("no end")


def answers(world: FakeWorld, *given: Answer) -> None:
    """One after the other, the last one for ever."""
    rest = list(given)
    world.sender.answer = lambda _url, _body: rest.pop(0) if len(rest) > 1 else rest[0]


def attempts(world: FakeWorld) -> list[tuple[int, int | None, str | None]]:
    log = world.webhooks.log(TASK.task_id)
    assert log
    return [(attempt.version, attempt.http_status, attempt.error) for attempt in log.attempts]


def test_a_task_is_announced_as_the_protocol_has_it(world: FakeWorld) -> None:
    delivery = now_stored(world)
    assert world.deliver(delivery) is DeliveryOutcome.DELIVERED
    ((event_id, url, body),) = world.sender.sent
    assert (event_id, url) == (f"{TASK.task_id}:3", URL)
    told = json.loads(body)
    assert (told["task_id"], told["task_status"], told["updated_at"]) == (TASK.task_id, "succeed", world.clock())
    assert told["task_result"]["videos"][0]["url"] == "https://results.example/results/a/0.mp4?signature"
    assert attempts(world) == [(3, 200, None)]
    assert world.events.published == []


def test_a_success_whose_files_were_given_up_has_the_providers_urls(world: FakeWorld) -> None:
    world.tasks.change(TASK.task_id, SUCCEED, at=1)
    lost = Failure(code=FailureCode.ARCHIVE, message="HTTP 404")
    given_up = world.tasks.record_archive(TASK.task_id, (replace(VIDEO, error="HTTP 404"),), at=2, failure=lost)
    assert world.deliver(Delivery.of_task(given_up)) is DeliveryOutcome.DELIVERED
    assert json.loads(world.sender.sent[0][2])["task_result"]["videos"][0]["url"] == VIDEO.url


def test_an_intermediate_status_is_told_as_it_was_though_the_task_has_moved_on(world: FakeWorld) -> None:
    submitted = Delivery.of_task(TASK)
    processing = now_processing(world)
    stored = now_stored(world)
    for delivery in (submitted, processing, stored):
        assert world.deliver(delivery) is DeliveryOutcome.DELIVERED
    told = [json.loads(body) for _, _, body in world.sender.sent]
    assert [each["task_status"] for each in told] == ["submitted", "processing", "succeed"]
    assert ["task_result" in each for each in told] == [False, False, True]
    assert told[1]["updated_at"] == processing.updated_at


def test_a_task_without_a_callback_url_is_nobodys(world: FakeWorld) -> None:
    silent = task_of("f" * 32)
    world.tasks.create(silent)
    assert world.deliver(Delivery.of_task(silent)) is DeliveryOutcome.SUPERSEDED
    assert world.deliver(Delivery.of_task(task_of("e" * 32, callback_url=URL))) is DeliveryOutcome.SUPERSEDED
    assert world.sender.sent == []


def test_the_whole_schedule_then_a_dead_letter_and_an_event(world: FakeWorld) -> None:
    answers(world, BROKEN)
    story = run(world, Delivery.of_task(TASK))
    assert [outcome for _, outcome in story] == [DeliveryOutcome.RETRYING] * 9 + [DeliveryOutcome.UNDELIVERABLE]
    waits = [after - before for (before, _), (after, _) in pairwise(story)]
    assert len(waits) == len(SCHEDULE)
    for waited, planned in zip(waits, SCHEDULE, strict=True):
        assert planned * 0.9 <= waited <= planned * 1.1 + 1
    assert {event_id for event_id, _, _ in world.sender.sent} == {f"{TASK.task_id}:1"}
    (buried,) = world.webhook_queue.buried
    assert buried == replace(Delivery.of_task(TASK), attempt=11, first=11)
    (event,) = world.events.published
    assert (event.detail_type, event.detail["event_id"]) == ("Task Webhook Undeliverable", f"{TASK.task_id}:1:undeliverable")
    assert (event.detail["attempts"], event.detail["http_status"], event.detail["reason"]) == (10, 500, "HTTP 500")
    assert URL not in str(event.detail)
    assert attempts(world) == [(1, 500, None)] * 10


def test_a_dead_letter_that_is_redriven_begins_anew(world: FakeWorld) -> None:
    answers(world, BROKEN)
    run(world, Delivery.of_task(TASK))
    answers(world, BROKEN, OK)
    assert [outcome for _, outcome in run(world, world.webhook_queue.buried[0])] == [
        DeliveryOutcome.RETRYING,
        DeliveryOutcome.DELIVERED,
    ]
    assert world.deliver(world.webhook_queue.buried[0]) is DeliveryOutcome.SUPERSEDED


def test_a_redriven_delivery_has_the_whole_schedule_again(world: FakeWorld) -> None:
    answers(world, BROKEN)
    run(world, Delivery.of_task(TASK))
    story = run(world, world.webhook_queue.buried[0])
    assert [outcome for _, outcome in story] == [DeliveryOutcome.RETRYING] * 9 + [DeliveryOutcome.UNDELIVERABLE]
    assert SCHEDULE[0] * 0.9 <= story[1][0] <= SCHEDULE[0] * 1.1 + 1
    assert world.webhook_queue.buried[1].attempt == 21


def test_a_crash_between_the_dead_letter_and_its_conclusion_leaves_the_redrive_a_way(world: FakeWorld) -> None:
    """And though the message comes twice, as SQS may have it."""
    answers(world, BROKEN)
    last = replace(Delivery.of_task(TASK), attempt=10)
    assert world.deliver(last) is DeliveryOutcome.UNDELIVERABLE
    calls = list(world.calls.names)
    assert world.deliver(last) is DeliveryOutcome.SUPERSEDED
    other = task_of("b" * 32, callback_url=URL)
    world.tasks.create(other)
    world.calls.names.clear()
    world.calls.crash_after = calls.index("webhook_queue.bury")
    with pytest.raises(Crash):
        world.deliver(replace(Delivery.of_task(other), attempt=10))
    world.calls.crash_after = None
    assert "webhook_queue.bury" in world.calls.names
    world.clock.advance(360)
    answers(world, OK)
    assert world.deliver(world.webhook_queue.buried[-1]) is DeliveryOutcome.DELIVERED


def test_an_endpoint_that_does_not_answer_is_given_up_in_the_same_time(world: FakeWorld) -> None:
    answers(world, SILENT)
    story = run(world, Delivery.of_task(TASK))
    assert story[-1][1] is DeliveryOutcome.UNDELIVERABLE
    assert sum(SCHEDULE) * 0.9 <= story[-1][0] <= sum(SCHEDULE) * 1.15
    assert 8 <= len(world.sender.sent) <= 10
    assert [(each.detail["http_status"], each.detail_type) for each in world.events.published] == [
        (None, "Task Webhook Undeliverable")
    ]


def test_two_failures_then_success(world: FakeWorld) -> None:
    answers(world, BROKEN, SILENT, OK)
    story = run(world, Delivery.of_task(TASK))
    assert [outcome for _, outcome in story] == [DeliveryOutcome.RETRYING, DeliveryOutcome.RETRYING, DeliveryOutcome.DELIVERED]
    assert attempts(world) == [(1, 500, None), (1, None, "no answer in time"), (1, 200, None)]
    log = world.webhooks.log(TASK.task_id)
    assert log
    assert (log.outcome, log.due_at) == (DeliveryOutcome.DELIVERED, None)


@pytest.mark.parametrize("status", [301, 302, 400, 404, 500])
def test_anything_but_2xx_is_tried_again(world: FakeWorld, status: int) -> None:
    answers(world, Answer(took_ms=1, http_status=status), OK)
    assert [outcome for _, outcome in run(world, Delivery.of_task(TASK))] == [DeliveryOutcome.RETRYING, DeliveryOutcome.DELIVERED]


def test_410_stops_every_delivery_to_the_url(world: FakeWorld) -> None:
    answers(world, Answer(took_ms=50, http_status=410))
    assert [outcome for _, outcome in run(world, Delivery.of_task(TASK))] == [DeliveryOutcome.GONE]
    assert [event.detail["reason"] for event in world.events.published] == ["HTTP 410"]
    other = task_of("b" * 32, callback_url=URL)
    world.tasks.create(other)
    assert world.deliver(Delivery.of_task(other)) is DeliveryOutcome.GONE
    assert world.deliver(now_stored(world)) is DeliveryOutcome.GONE
    assert len(world.sender.sent) == 1
    assert len(world.events.published) == 1
    assert attempts(world)[-1] == (3, None, "the URL answered 410 before")
    foreign = task_of("c" * 32, callback_url=URL, tenant="rival")
    world.tasks.create(foreign)
    answers(world, OK)
    assert world.deliver(Delivery.of_task(foreign)) is DeliveryOutcome.DELIVERED


def test_410_counts_for_its_url_only(world: FakeWorld) -> None:
    answers(world, Answer(took_ms=50, http_status=410), OK)
    assert world.deliver(Delivery.of_task(TASK)) is DeliveryOutcome.GONE
    for number, url in enumerate((f"{URL}?task=1", URL + "/", "https://client.example/", "https://client.example")):
        other = task_of(f"{number:032x}", callback_url=url)
        world.tasks.create(other)
        assert world.deliver(Delivery.of_task(other)) is DeliveryOutcome.DELIVERED
    again = task_of("b" * 32, callback_url=URL)
    world.tasks.create(again)
    assert world.deliver(Delivery.of_task(again)) is DeliveryOutcome.GONE
    assert len(world.sender.sent) == 5


def test_a_url_for_each_task_at_a_dead_host_is_one_endpoint(world: FakeWorld) -> None:
    """As many requests at once as the messages allow would otherwise wait for it."""
    under_way: list[str] = []
    most = 0

    def hang(url: str, _body: bytes) -> Answer:
        nonlocal most
        under_way.append(url)
        most = max(most, len(under_way))
        if tasks:
            world.deliver(Delivery.of_task(tasks.pop()))
        under_way.pop()
        return SILENT

    tasks = [task_of(f"{number:032x}", callback_url=f"{URL}?task={number}") for number in range(50)]
    for task in tasks:
        world.tasks.create(task)
    world.sender.answer = hang
    while tasks:
        world.deliver(Delivery.of_task(tasks.pop()))
    assert (most, len(world.sender.sent)) == (1, 1)


@pytest.mark.parametrize(
    ("status", "asked", "least", "most"),
    [
        (429, 60, 60, 68),
        (503, 3600, 3600, 3962),
        (503, 10**8, 86_400, 95_042),
        (429, 0, 5, 7),
        (500, 60, 4, 7),
        (503, None, 4, 7),
    ],
)
def test_retry_after_is_honoured_within_bounds(world: FakeWorld, status: int, asked: int | None, least: int, most: int) -> None:
    answers(world, Answer(took_ms=5, http_status=status, retry_after=asked), OK)
    story = run(world, Delivery.of_task(TASK))
    assert [outcome for _, outcome in story] == [DeliveryOutcome.RETRYING, DeliveryOutcome.DELIVERED]
    assert least <= story[1][0] <= most


def test_retry_after_holds_back_other_deliveries_to_the_endpoint_too(world: FakeWorld) -> None:
    answers(world, Answer(took_ms=5, http_status=429, retry_after=60), OK)
    world.deliver(Delivery.of_task(TASK))
    other = task_of("b" * 32, callback_url=URL)
    world.tasks.create(other)
    world.webhook_queue.messages.clear()
    ((waited, outcome),) = run(world, Delivery.of_task(other))
    assert (outcome, 60 <= waited <= 70) == (DeliveryOutcome.DELIVERED, True)


def test_a_newer_version_supersedes_an_undelivered_older_one(world: FakeWorld) -> None:
    answers(world, BROKEN)
    world.deliver(Delivery.of_task(TASK))
    ((retry, _),) = world.webhook_queue.messages
    world.webhook_queue.messages.clear()
    answers(world, DOWN)
    world.deliver(now_stored(world))
    world.clock.advance(10)
    assert world.deliver(retry) is DeliveryOutcome.SUPERSEDED
    assert [event_id[-1] for event_id, _, _ in world.sender.sent] == ["1", "3"]


def test_nothing_intermediate_is_sent_after_a_terminal_status_was_taken(world: FakeWorld) -> None:
    processing = now_processing(world)
    assert world.deliver(now_stored(world)) is DeliveryOutcome.DELIVERED
    assert world.deliver(processing) is DeliveryOutcome.SUPERSEDED
    assert world.deliver(Delivery.of_task(TASK)) is DeliveryOutcome.SUPERSEDED
    assert len(world.sender.sent) == 1


def test_no_two_attempts_for_a_task_are_made_at_once(world: FakeWorld) -> None:
    """While `processing` is on its way, slowly, `succeed` waits for it."""
    processing = now_processing(world)
    stored = now_stored(world)
    seen: list[DeliveryOutcome] = []

    def slow(_url: str, body: bytes) -> Answer:
        if json.loads(body)["task_status"] == "processing":
            seen.append(world.deliver(stored))
        return OK

    trust(world)
    world.sender.answer = slow
    assert world.deliver(processing) is DeliveryOutcome.DELIVERED
    assert seen == [DeliveryOutcome.WAITING]
    ((again, delay),) = world.webhook_queue.messages
    assert delay in {1, 2}
    world.clock.advance(delay)
    assert world.deliver(again) is DeliveryOutcome.DELIVERED


def trust(world: FakeWorld, url: str = URL) -> None:
    """The endpoint answered promptly before."""
    first = task_of("d" * 32, callback_url=url)
    world.tasks.create(first)
    assert world.deliver(Delivery.of_task(first)) is DeliveryOutcome.DELIVERED
    world.sender.sent.clear()
    world.webhook_queue.messages.clear()


def test_a_repeated_message_is_delivered_once(world: FakeWorld) -> None:
    assert world.deliver(Delivery.of_task(TASK)) is DeliveryOutcome.DELIVERED
    assert world.deliver(Delivery.of_task(TASK)) is DeliveryOutcome.SUPERSEDED
    assert len(world.sender.sent) == 1


def test_of_two_retries_one_is_made(world: FakeWorld) -> None:
    answers(world, BROKEN)
    world.deliver(Delivery.of_task(TASK))
    ((retry, delay),) = world.webhook_queue.messages
    world.clock.advance(delay)
    assert world.deliver(retry) is DeliveryOutcome.RETRYING
    assert world.deliver(retry) is DeliveryOutcome.SUPERSEDED


def test_what_is_not_due_waits_in_hops(world: FakeWorld) -> None:
    far = replace(Delivery.of_task(TASK), due_at=world.clock() + 3_600_000)
    assert world.deliver(far) is DeliveryOutcome.WAITING
    assert world.webhook_queue.messages == [(far, 900)]
    assert world.calls.names == ["webhook_queue.put"]


def test_an_endpoint_that_nobody_knows_gets_one_request_at_a_time(world: FakeWorld) -> None:
    others = [task_of(f"{number:032x}", callback_url=URL) for number in range(3)]
    for other in others:
        world.tasks.create(other)
    seen: list[DeliveryOutcome] = []

    def during(_url: str, _body: bytes) -> Answer:
        seen.extend(world.deliver(Delivery.of_task(other)) for other in others if not seen)
        return OK

    world.sender.answer = during
    assert world.deliver(Delivery.of_task(TASK)) is DeliveryOutcome.DELIVERED
    assert seen[0] is DeliveryOutcome.WAITING
    world.clock.advance(5)
    assert world.deliver(world.webhook_queue.messages[0][0]) is DeliveryOutcome.DELIVERED


def test_a_trusted_endpoint_gets_all_at_once(world: FakeWorld) -> None:
    trust(world)
    other = task_of("b" * 32, callback_url=URL)
    world.tasks.create(other)
    seen: list[DeliveryOutcome] = []

    def during(_url: str, body: bytes) -> Answer:
        if json.loads(body)["task_id"] == TASK.task_id:
            seen.append(world.deliver(Delivery.of_task(other)))
        return OK

    world.sender.answer = during
    assert world.deliver(Delivery.of_task(TASK)) is DeliveryOutcome.DELIVERED
    assert seen == [DeliveryOutcome.DELIVERED]


def test_a_trusted_endpoint_that_falls_silent_is_trusted_no_more(world: FakeWorld) -> None:
    trust(world)
    answers(world, SILENT)
    world.deliver(Delivery.of_task(TASK))
    (endpoint,) = world.webhooks.endpoints.values()
    assert (endpoint.failures, endpoint.trusted_until) == (1, 0)


def test_a_lane_is_free_again_although_nothing_was_learnt(world: FakeWorld) -> None:
    slow = Answer(took_ms=30_000, http_status=500)
    answers(world, slow, slow, slow)
    for number in range(3):  # their ids share a lane
        other = task_of(f"{number:030x}00", callback_url=URL)
        world.tasks.create(other)
        assert world.deliver(Delivery.of_task(other)) is DeliveryOutcome.RETRYING


def test_a_trusted_endpoint_costs_no_write_of_its_own(world: FakeWorld) -> None:
    trust(world)
    world.calls.names.clear()
    world.deliver(Delivery.of_task(TASK))
    assert world.calls.names == ["tasks.get", "webhooks.endpoint", "webhooks.begin", "sender.post", "webhooks.conclude"]


def test_messages_for_an_endpoint_that_does_not_answer_are_put_off_without_a_request(world: FakeWorld) -> None:
    answers(world, SILENT)
    world.deliver(Delivery.of_task(TASK))
    others = [task_of(f"{number:032x}", callback_url=URL) for number in range(20)]
    for other in others:
        world.tasks.create(other)
        assert world.deliver(Delivery.of_task(other)) is DeliveryOutcome.WAITING
    assert len(world.sender.sent) == 1
    elsewhere = task_of("b" * 32, callback_url="https://other.example/")
    world.tasks.create(elsewhere)
    answers(world, OK)
    assert world.deliver(Delivery.of_task(elsewhere)) is DeliveryOutcome.DELIVERED


def test_an_endpoint_that_comes_back_gets_what_waited(world: FakeWorld) -> None:
    answers(world, SILENT)
    world.deliver(Delivery.of_task(TASK))
    other = task_of("b" * 32, callback_url=URL)
    world.tasks.create(other)
    answers(world, OK)
    world.webhook_queue.messages.clear()
    ((waited, outcome),) = run(world, Delivery.of_task(other))
    assert (outcome, waited < 10) == (DeliveryOutcome.DELIVERED, True)


@pytest.mark.parametrize("given", [OK, BROKEN, SILENT, Answer(took_ms=5, http_status=410)])
def test_a_crash_anywhere_repeats_a_request_and_loses_none(given: Answer) -> None:
    """The message comes again after its visibility timeout, and whatever was queued is delivered too."""
    calls = _calls_of(lambda world: answers(world, given))
    for number in range(len(calls)):
        for moment in ("crash_before", "crash_after"):
            world = FakeWorld()
            world.tasks.create(TASK)
            answers(world, given)
            setattr(world.calls, moment, number)
            with pytest.raises(Crash):
                world.deliver(Delivery.of_task(TASK))
            world.calls.crash_before = world.calls.crash_after = None
            queued = [delivery for delivery, _ in world.webhook_queue.messages]
            world.webhook_queue.messages.clear()
            if given is not OK and not given.is_gone:
                answers(world, OK)
            world.clock.advance(360)
            outcomes = [outcome for delivery in [Delivery.of_task(TASK), *queued] for _, outcome in run(world, delivery)]
            expected = DeliveryOutcome.GONE if given.is_gone else DeliveryOutcome.DELIVERED
            log = world.webhooks.log(TASK.task_id)
            assert log
            assert log.outcome is expected, (number, moment, outcomes)
            assert {event.detail["reason"] for event in world.events.published} == ({"HTTP 410"} if given.is_gone else set())
            assert {event_id for event_id, _, _ in world.sender.sent} == {f"{TASK.task_id}:1"}


def _calls_of(prepare: Callable[[FakeWorld], None]) -> list[str]:
    world = FakeWorld()
    world.tasks.create(TASK)
    prepare(world)
    world.deliver(Delivery.of_task(TASK))
    return list(world.calls.names)


def test_an_event_that_the_bus_does_not_take_is_told_again(world: FakeWorld) -> None:
    answers(world, Answer(took_ms=5, http_status=410))
    world.events.refusals.append({0})
    with pytest.raises(UnavailableError):
        world.deliver(Delivery.of_task(TASK))
    world.clock.advance(360)
    assert world.deliver(Delivery.of_task(TASK)) is DeliveryOutcome.GONE
    log = world.webhooks.log(TASK.task_id)
    assert log
    assert log.outcome is DeliveryOutcome.GONE


def test_results_stored_after_all_are_announced_again(world: FakeWorld) -> None:
    world.tasks.change(TASK.task_id, SUCCEED, at=1)
    lost = Failure(code=FailureCode.ARCHIVE, message="HTTP 404")
    world.deliver(Delivery.of_task(world.tasks.record_archive(TASK.task_id, (VIDEO,), at=2, failure=lost)))
    rescued = world.tasks.record_archive(TASK.task_id, (STORED,), at=3)
    assert rescued.archive is Archive.STORED
    assert world.deliver(Delivery.of_task(rescued)) is DeliveryOutcome.DELIVERED
    assert [event_id[-1] for event_id, _, _ in world.sender.sent] == ["3", "4"]


def test_a_delivery_survives_its_message() -> None:
    delivery = replace(Delivery.of_task(task_of(status=Status.FAILED, message="no")), attempt=3, waits=2, since=7, due_at=9)
    assert Delivery.of(json.loads(json.dumps(delivery.to_message()))) == delivery


def test_an_endpoint_is_a_tenants_origin() -> None:
    same = (
        URL,
        "https://client.example",
        "https://CLIENT.example./?a#b",
        "HTTPS://client.example:443/other",
        "https://client.example:443",
    )
    assert len({origin_id("a", url) for url in same}) == 1
    others = ("https://client.example:8443/hook", "http://client.example/hook", "https://client.example.org/hook")
    assert len({origin_id(tenant, url) for tenant in ("a", "b") for url in (URL, *others)}) == 8
    assert len({origin_id(tenant, url) for tenant, url in (("a", "http://[::1]:80/"), ("a", "http://[::1]/"))}) == 1


def test_a_url_that_is_gone_is_no_origin() -> None:
    urls = (URL, URL + "?", "https://client.example", "https://client.example:443")
    assert len({identity(tenant, url) for tenant in ("a", "b") for url in urls for identity in (origin_id, url_id)}) == 10
