"""Inputs near to real ones: documents, bodies and raw HTTP responses, all of them determined by a random.Random."""

import copy
import gzip
import json
from random import Random
from typing import Any

_DEEP, _MANY, _LONG, FILES = "@deep@", "@many@", "@long@", "@files@"
"""Texts that stand for a value too costly to copy; `text_of` writes it. FILES: a list of results."""
_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e308, 10**30, 2**31, 2**63, float("nan"), float("inf"), "", " ", "0", "-1", "1e9", "NaN",
    "\0", "\ud800", "\ufffe", "\uffff", "\x1b[31m", "\u202e", "猫", "😀" * 50, "a\r\nX: y", "x" * 300, "x" * 5000, [], {}, [[]],
    [{}], [None], {"": ""}, {"url": "https://a.example/b"}, {"x/y": [{"url": "https://a.example/b"}], "x": [1]}, "https://",
    "https://xn--a.com/x", "http://[::1]/", "https://a.example/" + "u" * 4070, "../../etc/passwd", "task_result", "succeed",
    "SUCCEEDED", "failed", "queued", "{}", '{"videos":[{"url":"https://a.example/b"}]}', "2026-01-01", 1722769557708,
    "1722769557708", _DEEP, _MANY, _LONG, FILES,
)  # fmt: skip
_NAMES = (
    "", "0", "url", "id", "index", "duration", "task_id", "task_status", "task_result", "task_info", "videos", "images", "x/y",
    "a.b", "__proto__", "\ud800", "猫_url", "n" * 300, "data", "code", "message", "error", "external_task_id", "callback_url",
)  # fmt: skip
_HEADER_VALUES = (
    b"", b"0", b"-1", b"9" * 30, b"abc", b"\xff\xfe", "attachment; filename=\"猫.mp4\"".encode(), b"a, b", b"x" * 9000, b"\x01",
    b"Wed, 21 Oct 2147483648 07:28:00 GMT", b"Wed, 21 Oct 2015 07:28:00 GMT", b"3600", b"120", b"gzip", b"deflate", b"br",
    b"chunked", b"identity", b"text/html; charset=utf-16", b"session=1; Path=/", b"session=\xff; Domain=.apps.example; Path=/",
    b"http://other.apps.example/", b"/", b"//[", b"https://xn--a.com/x",
)  # fmt: skip
_HEADERS = (b"Retry-After", b"Content-Type", b"Set-Cookie", b"Location", b"Content-Disposition", b"ETag", b"X", b"Date")
_FRAMING = (b"Content-Encoding", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Content-Range")
_STATUSES = (200, 201, 202, 204, 206, 301, 302, 304, 400, 401, 402, 403, 404, 408, 409, 410, 418, 422, 429, 500, 501, 502, 503,
             504, 520, 599, 999)  # fmt: skip
_JUNK = (b"\xff", b"\xef\xbb\xbf", b"\0", b"\\ud800", b"\\", b'"', b"{", b"]", b",", b"\r\n", b"1e999", "猫".encode())


def mutated(document: Any, random: Random, others: tuple[Any, ...] = ()) -> Any:
    """A copy with up to five changes. Values of `others` may come in."""
    changed = copy.deepcopy(document)
    for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3, 5))):
        places = list(_places(changed))
        if not places:
            return copy.deepcopy(random.choice(_ODD))
        holder, name = random.choice(places)
        _change(holder, name, random, others)
    return changed


def _places(value: Any) -> Any:
    pending = [value]
    while pending:
        holder = pending.pop()
        if isinstance(holder, dict | list):
            for name in holder if isinstance(holder, dict) else range(len(holder)):
                yield holder, name
                pending.append(holder[name])


def _change(holder: Any, name: Any, random: Random, others: tuple[Any, ...]) -> None:
    match random.randrange(8):
        case 0:
            del holder[name]
        case 1 if isinstance(holder, dict):
            holder[random.choice(_NAMES)] = holder.pop(name)
        case 2 if isinstance(holder, dict):
            holder[random.choice(_NAMES)] = copy.deepcopy(random.choice(_ODD))
        case 3 if isinstance(holder[name], list) and len(holder[name]) < 1000:
            holder[name] *= random.choice((2, 3, 64, 65, 200))
        case 4 if others:
            holder[name] = copy.deepcopy(random.choice(others))
        case 5:
            holder[name] = random.choice(([holder[name]], {"url": holder[name]}, json.dumps(_finite(holder[name]))))
        case _:
            holder[name] = copy.deepcopy(random.choice(_ODD))


def _finite(value: Any) -> Any:
    return value if isinstance(value, str | dict | list) else str(value)


def text_of(document: Any, random: Random) -> bytes:
    """The document as JSON, sometimes damaged. One in fifty is large or nests deeply."""
    is_large = random.random() < 0.02
    if is_large and isinstance(document, dict):
        document = {**document, random.choice(_NAMES): random.choice((_DEEP, _MANY, _LONG))}
    raw = json.dumps(document, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    deep = random.choice((9_991, 50_000)) if is_large else random.choice((3, 50, 101, 900))
    many = random.choice((20_001, 85_000, 1_500_000)) if is_large else random.choice((2, 65, 300))
    long = random.choice((100_000, 5_100_000)) if is_large else random.choice((65, 256, 4097))
    item = random.choice((b"{}", b"[]", b'{"url":"https://a.example/b"}' if many < 1000 else b"{}"))
    for mark, value in (
        (_DEEP, b"[" * deep + b"]" * deep),
        (_MANY, b"[" + (item + b",") * many + b"0]"),
        (_LONG, b'"' + b"x" * long + b'"'),
        (FILES, _files(random)),
    ):
        raw = raw.replace(f'"{mark}"'.encode(), value, 1)
    return damaged(raw, random) if random.random() < 0.15 else raw


def _files(random: Random) -> bytes:
    url = "https://a.example/".ljust(random.choice((40, 2000, 4040, 4096, 4097)), "u")
    return json.dumps([{"url": url, "id": str(number)} for number in range(random.choice((1, 9, 63, 64, 65)))]).encode()


def damaged(raw: bytes, random: Random) -> bytes:
    """With bytes cut out, put in or repeated."""
    for _ in range(random.choice((1, 1, 2, 5))):
        start = random.randrange(len(raw) + 1)
        end = min(len(raw), start + random.choice((0, 1, 1, 10, 1000)))
        match random.randrange(4):
            case 0:
                raw = raw[:start]
            case 1:
                raw = raw[:start] + raw[end:]
            case 2:
                raw = raw[:end] + raw[start:]
            case _:
                raw = raw[:start] + random.choice(_JUNK) + raw[end:]
    return raw


def response(body: bytes, random: Random, status: int = 200) -> bytes:
    """A raw HTTP response with this body: mostly well framed, with odd headers, sometimes damaged."""
    headers = [
        (random.choice(_HEADERS if random.random() < 0.9 else _FRAMING), random.choice(_HEADER_VALUES))
        for _ in range(random.choice((0, 0, 1, 1, 2, 4)))
    ] + [(b"Content-Type", b"application/json")]
    if random.random() < 0.05:
        body = gzip.compress(body)
        headers.append((b"Content-Encoding", b"gzip"))
    match random.randrange(10):
        case 0:
            pieces = [body[at : at + 1000] for at in range(0, len(body), 1000)]
            body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
            headers.append((b"Transfer-Encoding", b"chunked"))
        case 1:
            pass
        case _:
            headers.append((b"Content-Length", b"%d" % (len(body) + random.choice((0,) * 40 + (1, -1)))))
    random.shuffle(headers)
    status = random.choice(_STATUSES) if random.random() < 0.2 else status
    early = random.choice((b"",) * 12 + (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"))
    head = b"HTTP/1.1 %d %s\r\n" % (status, random.choice((b"OK", b"", b"\xff", "猫".encode())))
    raw = early + head + b"".join(b"%s: %s\r\n" % header for header in headers) + b"\r\n" + body
    return damaged(raw, random) if random.random() < 0.1 else raw
