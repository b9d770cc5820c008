"""What every entry point shares: bodies, tenants, errors as envelopes, batches of messages."""

import base64
import json
from typing import Any

import pytest

from relay.domain.errors import (
    AuthenticationError,
    ClientError,
    IdempotencyKeyReusedError,
    ProviderBusyError,
    RequestTooLargeError,
    TaskNotFoundError,
    UnavailableError,
)
from relay.domain.text import NESTING_LIMIT
from relay.entrypoint.http import (
    REQUEST_LIMIT,
    VALUES_LIMIT,
    answer,
    api,
    body_of,
    envelope,
    header_of,
    json_object,
    status_of,
    tenant_of,
)
from relay.entrypoint.queue import each_message

UTF8 = '{"prompt":"Küste ✓"}'


def event_of(body: str | None, content_type: str | None = "application/json", *, encoded: bool = False) -> dict[str, Any]:
    headers = {} if content_type is None else {"content-type": content_type}
    return {"headers": headers, "body": body, "isBase64Encoded": encoded}


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
def test_a_header_is_found_however_it_is_written(name: str) -> None:
    assert header_of({"headers": {"accept": "*/*", name: "text/plain"}}, "content-type") == "text/plain"
    with pytest.raises(ClientError, match="expected application/json; got text/plain"):
        json_object({"headers": {name: "text/plain"}, "body": "{}"})


@pytest.mark.parametrize("event", [{}, {"headers": None}, {"headers": {}}, {"headers": {"accept": "*/*"}}])
def test_a_header_that_is_not_there_is_empty(event: dict[str, Any]) -> None:
    assert header_of(event, "content-type") == ""


# Bodies


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", " application/json ", None])
def test_a_json_object_is_taken(kind: str | None) -> None:
    assert json_object(event_of(UTF8, kind)) == {"prompt": "Küste ✓"}


def test_a_body_that_came_encoded_is_decoded() -> None:
    encoded = base64.b64encode(UTF8.encode()).decode()

    assert json_object(event_of(encoded, encoded=True)) == {"prompt": "Küste ✓"}
    assert body_of(event_of(encoded, encoded=True)) == UTF8.encode()


REFUSED: list[tuple[dict[str, Any], type[ClientError], int, str]] = [
    (event_of(None), ClientError, 400, "empty"),
    (event_of(""), ClientError, 400, "empty"),
    (event_of(" \n"), ClientError, 400, "empty"),
    (event_of("{"), ClientError, 400, "not JSON"),
    (event_of("prompt=a"), ClientError, 400, "not JSON"),
    (event_of("[" * 19_000), ClientError, 400, "nests too deeply"),
    (event_of("[" * 100_000), RequestTooLargeError, 413, "too many values"),
    (event_of('{"n":' + "9" * 5000 + "}"), ClientError, 400, "not JSON"),
    (event_of("[]"), ClientError, 400, "not a JSON object"),
    (event_of("null"), ClientError, 400, "not a JSON object"),
    (event_of('"text"'), ClientError, 400, "not a JSON object"),
    (event_of(base64.b64encode(b"\xff\xfe{}").decode(), encoded=True), ClientError, 400, "not UTF-8"),
    (event_of('{"a":"\ud800"}'), ClientError, 400, "not UTF-8"),
    (event_of("{}", "text/plain"), ClientError, 400, "got text/plain"),
    (event_of("{}", ""), ClientError, 400, "expected application/json"),
    (event_of("{}", "multipart/form-data; boundary=x"), ClientError, 400, "got multipart/form-data"),
    (event_of("x" * (REQUEST_LIMIT + 1)), RequestTooLargeError, 413, "POST /uploads"),
    (event_of("ä" * (REQUEST_LIMIT // 2 + 1)), RequestTooLargeError, 413, "POST /uploads"),
    (event_of('{"n":[' + "{}," * (REQUEST_LIMIT // 3 - 9) + "0]}"), RequestTooLargeError, 413, "too many values"),
    (event_of('{"n":[' + "0," * VALUES_LIMIT + "0]}"), RequestTooLargeError, 413, "too many values"),
    (event_of('{"n":{' + '"a":0,' * VALUES_LIMIT + '"a":0}}'), RequestTooLargeError, 413, "too many values"),
    (event_of('{"n":' + "[" * NESTING_LIMIT + "]" * NESTING_LIMIT + "}"), ClientError, 400, "nests too deeply"),
    (event_of('{"n":' * (NESTING_LIMIT + 1) + "0" + "}" * (NESTING_LIMIT + 1)), ClientError, 400, "nests too deeply"),
    (event_of('{"n":' + "[" * 9_991 + "]" * 9_991 + "}"), ClientError, 400, "nests too deeply"),
]


@pytest.mark.parametrize(
    "body",
    [
        '{"n":[' + "0," * (VALUES_LIMIT - 2) + "0]}",
        '{"n":' + "[" * (NESTING_LIMIT - 1) + "]" * (NESTING_LIMIT - 1) + "}",
        '{"n":' * NESTING_LIMIT + "0" + "}" * NESTING_LIMIT,
    ],
)
def test_a_body_with_the_most_values_and_levels_is_taken(body: str) -> None:
    assert json_object(event_of(body)) == json.loads(body)


def test_too_many_values_are_refused_before_the_body_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.entrypoint.http.json.loads", lambda _: pytest.fail("parsed"))
    with pytest.raises(RequestTooLargeError):
        json_object(event_of('{"n":[' + "0," * VALUES_LIMIT + "0]}"))


@pytest.mark.parametrize(("event", "kind", "status", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_json_object_is_refused_for_what_it_is(
    event: dict[str, Any], kind: type[ClientError], status: int, message: str
) -> None:
    with pytest.raises(ClientError, match=message) as caught:
        json_object(event)

    assert type(caught.value) is kind
    assert (status_of(caught.value), caught.value.code) == (status, 1200)


def test_a_body_of_the_largest_size_is_taken() -> None:
    frame = '{"a":""}'
    body = frame.replace('""', json.dumps("x" * (REQUEST_LIMIT - len(frame))))

    assert len(json_object(event_of(body))["a"]) == REQUEST_LIMIT - len(frame)


def test_a_long_content_type_is_cut() -> None:
    with pytest.raises(ClientError) as caught:
        json_object(event_of("{}", "x" * 5000))

    assert len(caught.value.message) < 200


def test_an_event_without_headers_has_a_json_body() -> None:
    assert json_object({"headers": None, "body": "{}"}) == {}


# Tenants


def authorized(context: object) -> dict[str, Any]:
    return {"requestContext": {"authorizer": {"lambda": context}}}


def test_the_tenant_is_the_authorizers() -> None:
    assert tenant_of(authorized({"tenant": "acme"})) == "acme"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({}, 1001),
        ({"requestContext": {}}, 1001),
        (authorized(None), 1001),
        (authorized({}), 1001),
        (authorized({"code": None}), 1001),
        (authorized({"tenant": ""}), 1001),
        (authorized({"code": "1004", "message": "Authorization: expired"}), 1004),
        (authorized({"code": "1002", "message": "Authorization: unknown"}), 1002),
    ],
)
def test_nobody_is_refused_with_the_code_that_fits(event: dict[str, Any], code: int) -> None:
    with pytest.raises(AuthenticationError, match="Authorization") as caught:
        tenant_of(event)

    assert (status_of(caught.value), caught.value.code) == (401, code)


def test_an_authorizer_that_failed_is_no_refusal() -> None:
    with pytest.raises(UnavailableError) as caught:
        tenant_of(authorized({"code": "5000", "message": "the authorizer failed"}))

    assert status_of(caught.value) == 500


# Envelopes and errors


def test_an_envelope_has_data_only_when_there_is_some() -> None:
    assert envelope("r", code=1200, message="no") == {"code": 1200, "message": "no", "request_id": "r"}
    assert envelope("r", []) == {"code": 0, "message": "SUCCEED", "request_id": "r", "data": []}


def test_an_answer_is_payload_2_0() -> None:
    assert answer(200, {"message": "✓"}) == {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": '{"message":"✓"}',
        "isBase64Encoded": False,
    }


def resolved(error: Exception | None, path: str = "/there") -> tuple[int, dict[str, Any]]:
    """Status and body of a route that raises `error`."""
    app = api()

    @app.get("/there")
    def there() -> dict[str, str]:
        if error:
            raise error
        return {"a": "b"}

    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "requestContext": {"requestId": "the-request", "stage": "$default", "http": {"method": "GET", "path": path}},
        "isBase64Encoded": False,
    }
    found = app.resolve(event, None)  # type: ignore[arg-type]
    return found["statusCode"], json.loads(found["body"])


def test_a_route_answers() -> None:
    assert resolved(None) == (200, {"a": "b"})


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ClientError("the ✓ reason"), 400, 1200),
        (TaskNotFoundError("the ✓ reason"), 404, 1203),
        (IdempotencyKeyReusedError("the ✓ reason"), 422, 1201),
        (AuthenticationError("the ✓ reason", 1001), 401, 1001),
    ],
)
def test_a_client_error_is_an_envelope_with_its_status(error: ClientError, status: int, code: int) -> None:
    assert resolved(error) == (status, {"code": code, "message": "the ✓ reason", "request_id": "the-request"})


@pytest.mark.parametrize(
    "error", [ProviderBusyError("secret"), ValueError("secret"), KeyError("secret"), RecursionError("secret")]
)
def test_any_other_error_is_ours_and_tells_nothing(error: Exception) -> None:
    status, body = resolved(error)

    assert (status, body["code"], body["request_id"]) == (500, 5000, "the-request")
    assert "secret" not in body["message"]


def test_a_path_that_does_not_exist_is_an_envelope_too() -> None:
    status, body = resolved(None, "/elsewhere")

    assert (status, body["code"]) == (404, 1202)


# Batches


def batch(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"r{number}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "3"},
            }
            for number, body in enumerate(bodies)
        ]
    }


def test_every_message_is_processed_with_its_number_of_receives() -> None:
    seen: list[tuple[Any, int]] = []

    answered = each_message(batch('{"a":1}', '{"a":2}'), lambda body, receives: seen.append((body, receives)))

    assert seen == [({"a": 1}, 3), ({"a": 2}, 3)]
    assert answered == {"batchItemFailures": []}


def test_a_message_that_fails_is_named_and_stops_no_other() -> None:
    seen: list[int] = []
    put_off: list[tuple[str, int]] = []

    def process(body: dict[str, Any], _receives: int) -> None:
        if body["a"] == 1:
            raise ProviderBusyError("later")
        seen.append(body["a"])

    answered = each_message(
        batch('{"a":0}', '{"a":1}', "no JSON", "{}", '{"a":2}'),
        process,
        put_off=lambda receipt, receives: put_off.append((receipt, receives)),
    )

    assert answered == {"batchItemFailures": [{"itemIdentifier": f"m{number}"} for number in (1, 2, 3)]}
    assert seen == [0, 2]
    assert put_off == [("r1", 3), ("r2", 3), ("r3", 3)]


def test_without_a_wish_a_message_that_fails_comes_back_when_the_queue_likes() -> None:
    assert each_message(batch("no JSON"), lambda _body, _receives: None) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\uDFFF"', '"\\ufffe"', '"\\uFFFF"', '"\ufffe"', '"\uffff"'])
@pytest.mark.parametrize("body", ['{"a": TEXT}', "{TEXT: 1}", '{"a": [{"b": {TEXT: 1}}]}'])
def test_characters_that_cannot_be_stored_or_sent_are_refused(body: str, text: str) -> None:
    with pytest.raises(ClientError, match="surrogate"):
        json_object(event_of(body.replace("TEXT", text)))


@pytest.mark.parametrize("text", ["\\ud83d\\udc08", "\\u4e2d", "\\u0001", "\ufffd", "🐈"])
def test_other_characters_are_taken(text: str) -> None:
    assert json_object(event_of(f'{{"a": "{text}"}}')) == {"a": json.loads(f'"{text}"')}
