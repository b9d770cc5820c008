"""JSON of a provider: read without trust in its encoding, its texts and its depth."""

import json
from typing import Any

_FEW_LEVELS = 100
"""Brackets that cannot nest too deeply."""


def document_of(body: bytes) -> Any:
    """The document, with texts that every service takes (not half an emoji, where a message was cut); None if unreadable."""
    try:
        document = parsed(body.decode(json.detect_encoding(body), "surrogatepass"))
        if json.dumps(document, ensure_ascii=False, allow_nan=False).isascii():  # 1e999 was read as infinity
            return document
        from relay.domain.text import fitted  # every cold start would pay for it

        return fitted(document)
    except (ValueError, RecursionError):
        return None


def parsed(text: str) -> Any:
    """JSON; raises ValueError if it is none or nests too deeply, and RecursionError if it does so beyond reading."""
    document = json.loads(text, parse_constant=_refuse_constant)
    if text.count("[") + text.count("{") > _FEW_LEVELS:
        from relay.domain.text import nests_too_deeply  # every cold start would pay for it

        if nests_too_deeply(document):
            raise ValueError("too many levels")
    return document


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
