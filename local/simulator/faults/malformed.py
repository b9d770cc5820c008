"""Malformed callback bodies, in several variants."""

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

VARIANTS: Final[dict[str, Callable[[dict[str, Any], bytes], bytes]]] = {
    "empty": lambda _, __: b"",
    "truncated": lambda _, content: content[: len(content) // 2],
    "html": lambda _, __: b"<html><body>502 Bad Gateway</body></html>",
    "array": lambda body, _: json.dumps([body]).encode(),
    "not_utf8": lambda _, content: content[:-1] + b',"note":"\xff\xfe"}',
    "no_status": lambda body, _: json.dumps({k: v for k, v in body.items() if k != "task_status"}).encode(),
    "no_task_id": lambda body, _: json.dumps({k: v for k, v in body.items() if k != "task_id"}).encode(),
    "wrong_types": lambda body, _: json.dumps(body | {"task_status": 7, "updated_at": "soon"}).encode(),
}


def spoil(body: dict[str, Any], content: bytes, variant: str | None, random: Random) -> bytes:
    """A malformed version of a callback's content. Without a variant, one is chosen at random."""
    return VARIANTS[variant or random.choice(list(VARIANTS))](body, content)
