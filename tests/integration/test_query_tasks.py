"""GET: single tasks by either id, pages, and what has no other route."""

import itertools
from typing import Any
from urllib.parse import quote

import pytest

from tests.aws.http_api import arrived
from tests.integration.test_submit_task import CASES
from tests.support.moto_world import Answer, MotoWorld, event, video, with_path, with_tenant
from tests.support.upstream import File, refusal


@pytest.fixture(autouse=True)
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock is a millisecond later, so that the order of tasks is that of their creation."""
    ticks = itertools.count(1_722_769_557_708)
    monkeypatch.setattr("relay.bootstrap.now", lambda: next(ticks))


def get(world: MotoWorld, path: str, query: dict[str, str] | None = None, tenant: str | None = "acme") -> Answer:
    case = "single" if path.count("/") > 3 else "tasks"
    payload = with_path(event(f"query_tasks.{case}"), path, query or {})
    if not query:
        del payload["queryStringParameters"]
    return world.http("query_tasks", with_tenant(payload, tenant))


def test_a_task_is_shown_as_the_provider_shows_it(world: MotoWorld) -> None:
    task_id = world.submitted()
    for prefix in ("/kling/v1", "/v1"):
        answer = get(world, f"{prefix}/videos/text2video/{task_id}")
        assert (answer.status, answer.code, answer.message) == (200, 0, "SUCCEED")
        task = world.task(task_id)
        assert answer.data == {
            "task_id": task_id,
            "task_status": "submitted",
            "task_status_msg": "",
            "task_info": {},
            "created_at": task.created_at,
            "updated_at": task.updated_at,
        }


def test_the_sample_payload_asks_for_its_own_task(world: MotoWorld) -> None:
    payload = event("query_tasks.single")
    task_id = payload["rawPath"].rsplit("/", 1)[-1]
    answer = world.http("query_tasks", payload)
    assert (answer.status, answer.code) == (404, 1203)
    assert task_id in answer.message


@pytest.mark.parametrize("reference", ["order 7", "a#b", "猫", "50%", "a%20b", '"', "back\\slash", "🎬", "a+b", "a%2Fb"])
def test_any_id_of_a_client_finds_its_task(world: MotoWorld, reference: str) -> None:
    task_id = world.submitted(external_task_id=reference)
    encoded = quote(reference, safe="")
    for base in ("", "/relay"):
        payload = with_tenant(event("query_tasks.tasks"), "acme")
        own = arrived(payload, "GET /{proxy+}", f"/tasks/{encoded}", base=base)
        assert world.http("query_tasks", own).data["task_id"] == task_id
        native = arrived(payload, "GET /{proxy+}", f"/v1/videos/text2video/{encoded}", base=base)
        assert world.http("query_tasks", native).data["task_id"] == task_id
        cancel = arrived(payload, "DELETE /{proxy+}", f"/tasks/{encoded}", base=base)
        assert world.http("cancel_task", cancel).data["task_id"] == task_id


def test_a_succeeded_task_has_the_providers_urls_until_its_files_are_stored(world: MotoWorld) -> None:
    url = world.outside.file("a.mp4", File(body=video(100)))
    task_id = world.succeeded(url)
    path = f"/kling/v1/videos/text2video/{task_id}"
    assert get(world, path).data["task_result"]["videos"] == [{"id": "video-0", "url": url, "duration": "5.1"}]
    world.archive(task_id)
    stored = get(world, path).data["task_result"]["videos"][0]
    assert stored["url"] != url
    assert f"/results/{task_id}/0.mp4?" in stored["url"]
    assert (stored["id"], stored["duration"]) == ("video-0", "5.1")


def test_a_failed_task_says_why(world: MotoWorld) -> None:
    task_id = world.submitted()
    world.callback("failed", task_id)
    data = get(world, f"/kling/v1/videos/text2video/{task_id}").data
    assert (data["task_status"], data["task_status_msg"]) == ("failed", "Failure to pass the risk control system")
    assert "task_result" not in data


@pytest.mark.parametrize("external", ["order-1", "a b", "%41", "Bestellung+7"])
def test_a_task_is_found_by_its_external_id(world: MotoWorld, external: str) -> None:
    task_id = world.submitted(external_task_id=external)
    answer = get(world, f"/kling/v1/videos/text2video/{external}")
    assert answer.data["task_id"] == task_id
    assert answer.data["task_info"] == {"external_task_id": external}
    assert get(world, f"/tasks/{external}").data["external_task_id"] == external


def test_after_a_refusal_the_external_id_leads_to_the_task_after_it(world: MotoWorld) -> None:
    body = {"prompt": "a cat", "external_task_id": "order-1"}
    world.outside.next_answers = [(400, refusal(1301, "content security policy"))]
    world.submit(body=body)
    task_id = world.submit(body=body).data["task_id"]
    assert get(world, "/kling/v1/videos/text2video/order-1").data["task_id"] == task_id


def test_our_own_view_says_more(world: MotoWorld) -> None:
    task_id = world.succeeded(world.outside.file("a.mp4", File(body=video(100))))
    world.archive(task_id)
    data = get(world, f"/tasks/{task_id}").data
    assert (data["status"], data["version"], data["archive"], data["attempts"]) == ("succeed", 3, "stored", 1)
    assert (data["operation"], data["provider"], data["failure"]) == ("videos/text2video", "kling", None)
    (result,) = data["results"]
    assert (result["bytes"], result["media_type"], result["key"]) == (100, "video/mp4", f"results/{task_id}/0.mp4")
    assert result["url"].startswith("http://127.0.0.1:")
    assert {"tenant", "fingerprint", "request", "idempotency_key"}.isdisjoint(data)


# ── what there is not ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/kling/v1/videos/text2video/{}", "/v1/videos/text2video/{}", "/tasks/{}"])
def test_an_unknown_task_and_a_foreign_one_look_the_same(world: MotoWorld, path: str) -> None:
    task_id = world.submitted(external_task_id="order-1")
    for reference, tenant in ((task_id, "umbrella"), ("order-1", "umbrella"), ("nothing", "acme")):
        answer = get(world, path.format(reference), tenant=tenant)
        assert (answer.status, answer.code) == (404, 1203)
        assert answer.message == f"no task {reference}: check the id, and that it was created with the same key"


def test_a_task_is_not_found_below_another_operation(world: MotoWorld) -> None:
    task_id = world.submitted()
    answer = get(world, f"/kling/v1/videos/image2video/{task_id}")
    assert (answer.status, answer.code) == (404, 1203)


def test_the_claim_of_an_idempotency_key_is_no_task(world: MotoWorld) -> None:
    world.submit(body={"prompt": "a", "external_task_id": "order-1"}, idempotency_key="key-1")
    (claim,) = [
        item["task_id"]["S"] for item in world.dynamodb.scan(TableName="tasks")["Items"] if "version" not in item
    ]  # fmt: skip
    assert get(world, f"/tasks/{claim}").status == 404
    assert len(get(world, "/tasks").data["tasks"]) == 1


@pytest.mark.parametrize("path", ["/kling/v1/music/generations/1", "/kling/v1/music/generations", "/v1/videos/Text2Dream/1"])
def test_an_operation_that_cannot_be_is_404(world: MotoWorld, path: str) -> None:
    answer = get(world, path)
    assert (answer.status, answer.code) == (404, 1202)
    assert answer.message.startswith(f"no operation {'/'.join(path.split('/v1/')[1].split('/')[:2])}: the operations are ")


@pytest.mark.parametrize(("case", "operation"), [*CASES.items(), ("unknown_operation", "general/custom-voices")])
def test_every_operation_is_found_by_either_id_and_listed_newest_first(world: MotoWorld, case: str, operation: str) -> None:
    ids = [world.submitted(case, external_task_id=f"order/{number}") for number in range(2)]
    for prefix in ("/kling/v1/", "/v1/"):
        for reference in (ids[0], "order/0") if case != "unknown_operation" else (ids[0],):
            assert get(world, f"{prefix}{operation}/{reference}").data["task_id"] == ids[0]
        pages = [get(world, f"{prefix}{operation}", {"pageNum": str(n), "pageSize": "1"}).data for n in (1, 2, 3)]
        shown = [(task["created_at"], task["task_id"]) for page in pages for task in page]
        assert [len(page) for page in pages] == [1, 1, 0]
        assert {task_id for _, task_id in shown} == set(ids)
        assert shown == sorted(shown, reverse=True)


def test_a_task_of_an_operation_that_nobody_ever_used_is_not_there(world: MotoWorld) -> None:
    answer = get(world, "/kling/v1/videos/text2dream/1")
    assert (answer.status, answer.code) == (404, 1203)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"])
def test_an_unknown_path_is_404_for_every_method_and_for_everybody(world: MotoWorld, method: str) -> None:
    payload = event("query_tasks.unknown_path")
    answer = world.http("query_tasks", with_path(payload, payload["rawPath"], method=method))
    assert (answer.status, answer.code) == (404, 1202)
    assert answer.message.startswith("no such path")


@pytest.mark.parametrize("path", ["/tasks", "/tasks/1", "/v1/videos/text2video", "/kling/v1/videos/text2video/1"])
@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1004])
def test_without_a_tenant_there_is_nothing_to_see(world: MotoWorld, path: str, code: int) -> None:
    payload = with_tenant(with_path(event("query_tasks.tasks"), path), None, code=str(code), message="Authorization: no")
    answer = world.http("query_tasks", payload)
    assert (answer.status, answer.code) == (401, code)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health_is_for_everybody(world: MotoWorld, method: str) -> None:
    answer = world.http("query_tasks", with_path(event("query_tasks.health"), "/health", method=method))
    assert (answer.status, answer.data) == (200, {"status": "ok"})


# ── pages ──────────────────────────────────────────────────────────────────────────────────────────────────────────

LIST = "/kling/v1/videos/text2video"


def ids(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["task_id"] for entry in entries]


def test_a_list_is_newest_first_and_in_pages(world: MotoWorld) -> None:
    made = [world.submitted() for _ in range(5)]
    world.submitted("image2video")
    world.submit(tenant="umbrella")
    newest = made[::-1]
    assert ids(get(world, LIST).data) == newest
    assert ids(get(world, "/v1/videos/text2video", {"pageNum": "1", "pageSize": "500"}).data) == newest
    pages = [ids(get(world, LIST, {"pageNum": str(number), "pageSize": "2"}).data) for number in (1, 2, 3, 4)]
    assert pages == [newest[:2], newest[2:4], newest[4:], []]


def test_the_sample_payload_lists_the_tasks(world: MotoWorld) -> None:
    task_id = world.submitted()
    assert ids(world.http("query_tasks", event("query_tasks.list")).data) == [task_id]
    assert ids(world.http("query_tasks", event("query_tasks.tasks")).data["tasks"]) == [task_id]


def test_an_empty_list_is_a_list(world: MotoWorld) -> None:
    assert get(world, LIST).body["data"] == []
    assert get(world, "/tasks").data == {"tasks": [], "cursor": None}


def test_the_cursor_leads_through_all_tasks_of_the_tenant(world: MotoWorld) -> None:
    made = [world.submitted(case) for case in ("text2video", "image2video", "generations", "text2video", "text2video")]
    world.submit(tenant="umbrella")
    seen: list[str] = []
    cursor: str | None = None
    for size in (2, 2, 1):
        page = get(world, "/tasks", {"limit": "2"} | ({"cursor": cursor} if cursor else {})).data
        assert len(page["tasks"]) == size
        seen += ids(page["tasks"])
        cursor = page["cursor"]
    assert (seen, cursor) == (made[::-1], None)


def test_tasks_are_filtered_by_operation_and_status(world: MotoWorld) -> None:
    first, second, picture = world.submitted(), world.submitted(), world.submitted("generations")
    world.callback("failed", first)
    assert ids(get(world, "/tasks", {"status": "failed"}).data["tasks"]) == [first]
    assert ids(get(world, "/tasks", {"status": "submitted"}).data["tasks"]) == [picture, second]
    assert ids(get(world, "/tasks", {"operation": "images/generations"}).data["tasks"]) == [picture]
    both = {"status": "submitted", "operation": "videos/text2video"}
    assert ids(get(world, "/tasks", both).data["tasks"]) == [second]


def test_another_tenants_cursor_shows_nothing_of_that_tenant(world: MotoWorld) -> None:
    mine = [world.submitted() for _ in range(3)]
    cursor = get(world, "/tasks", {"limit": "1"}).data["cursor"]
    theirs = get(world, "/tasks", {"cursor": cursor}, tenant="umbrella")
    assert not set(mine) & set(ids(theirs.data["tasks"]))


BAD_PARAMETERS = [
    (LIST, "pageNum", "0", "pageNum: expected 1 to 1000; got 0"),
    (LIST, "pageNum", "1001", "pageNum: expected 1 to 1000; got 1001"),
    (LIST, "pageNum", "-1", "pageNum: expected a whole number; got '-1'"),
    (LIST, "pageNum", "one", "pageNum: expected a whole number; got 'one'"),
    (LIST, "pageNum", "1.0", "pageNum: expected a whole number; got '1.0'"),
    (LIST, "pageNum", "\u0661", "pageNum: expected a whole number; got '\u0661'"),
    (LIST, "pageNum", "", "pageNum: expected a whole number; got ''"),
    (LIST, "pageSize", "0", "pageSize: expected 1 to 500; got 0"),
    (LIST, "pageSize", "501", "pageSize: expected 1 to 500; got 501"),
    (LIST, "pageSize", "9" * 50, f"pageSize: expected a whole number; got '{'9' * 40}'"),
    ("/tasks", "limit", "0", "limit: expected 1 to 100; got 0"),
    ("/tasks", "limit", "101", "limit: expected 1 to 100; got 101"),
    ("/tasks", "limit", "ten", "limit: expected a whole number; got 'ten'"),
    ("/tasks", "status", "done", "status: expected one of submitted, processing, succeed, failed; got 'done'"),
    ("/tasks", "status", "SUCCEED", "status: expected one of submitted, processing, succeed, failed; got 'SUCCEED'"),
    ("/tasks", "status", "", "status: expected one of submitted, processing, succeed, failed; got ''"),
    ("/tasks", "cursor", "", "cursor: expected the cursor of an earlier answer"),
    ("/tasks", "cursor", "abc", "cursor: expected the cursor of an earlier answer"),
    ("/tasks", "cursor", "1722769557708#", "cursor: expected the cursor of an earlier answer"),
    ("/tasks", "cursor", "1722769557708#a b", "cursor: expected the cursor of an earlier answer"),
    ("/tasks", "cursor", "1722769557708#a\n", "cursor: expected the cursor of an earlier answer"),
    ("/tasks", "operation", "videos", "operation: expected one of images/generations, "),
]


@pytest.mark.parametrize(("path", "name", "value", "message"), BAD_PARAMETERS)
def test_a_bad_parameter_is_named(world: MotoWorld, path: str, name: str, value: str, message: str) -> None:
    answer = get(world, path, {name: value})
    assert (answer.status, answer.code) == (400, 1201)
    assert answer.message.startswith(message)
