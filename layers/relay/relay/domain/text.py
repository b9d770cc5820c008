"""JSON that every service takes: DynamoDB, EventBridge and SQS differ in the texts that they refuse."""

import json
import re
from typing import Any

_UNFIT = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""Half of a character cannot be encoded. SQS refuses the other two: https://www.w3.org/TR/REC-xml/#charsets.

JSON escapes the control characters that SQS refuses too.
"""

NESTING_LIMIT = 100
"""Levels of objects and lists. Far more can be read in one place and not in another: each leaves the stack its own depth."""


def nests_too_deeply(document: Any) -> bool:
    """Whether a JSON document has more than NESTING_LIMIT levels."""
    level = [document]
    for _ in range(NESTING_LIMIT):
        level = [each for value in level for each in (value.values() if isinstance(value, dict) else value)]
        level = [each for each in level if isinstance(each, dict | list)]
    return bool(level)


def is_fit(document: Any) -> bool:
    """Whether all texts in a JSON document, names included, can be stored and sent."""
    return not _UNFIT.search(json.dumps(document, ensure_ascii=False))


def fitted(document: Any) -> Any:
    """A JSON document with U+FFFD for each unfit character."""
    return json.loads(_UNFIT.sub("\ufffd", json.dumps(document, ensure_ascii=False)))
