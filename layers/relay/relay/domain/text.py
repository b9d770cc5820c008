"""Text that every service takes: DynamoDB, EventBridge and SQS differ in what they refuse."""

import json
import re
from typing import Any

_UNFIT = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""Half of a character cannot be encoded. SQS refuses the other two: https://www.w3.org/TR/REC-xml/#charsets.

JSON escapes the control characters that SQS refuses too.
"""


def is_fit(document: Any) -> bool:
    """Whether all texts in a JSON document, names included, can be stored and sent."""
    return not _UNFIT.search(json.dumps(document, ensure_ascii=False))


def fitted(document: Any) -> Any:
    """A JSON document with U+FFFD for each unfit character."""
    return json.loads(_UNFIT.sub("\ufffd", json.dumps(document, ensure_ascii=False)))
