"""The lines of the product that call the outside, read from its source."""

import ast
from dataclasses import dataclass

from tests.sweep.faults import PACKAGE, Call

_FILES = ("adapters/**/*.py", "bootstrap.py")
_ELSEWHERE = frozenset({
    # Requests to result hosts and webhook endpoints fail below the guard, as a whole.
    *(f"adapters/http/{name}.py" for name in ("bulk", "guard", "results", "webhooks")),
    # No snapshot that is read makes an event so large: tests/unit/adapters/test_events_and_stream.py.
    "adapters/s3/diverted.py",
})  # fmt: skip
_CALLERS = frozenset({"client", "_client", "http", "socket"})
_LOCAL = frozenset({"generate_presigned_url", "build_request", "close"})
"""Methods of clients that compute and call nobody."""


@dataclass(frozen=True, slots=True)
class Site:
    """One call in the source: from `first` to `last`."""

    file: str
    first: int
    last: int
    operation: str

    def __str__(self) -> str:
        return f"{self.file}:{self.first} {self.operation}"

    def is_of(self, call: Call) -> bool:
        """Whether the call was made here."""
        return call.file == self.file and self.first <= call.line <= self.last


def call_sites() -> list[Site]:
    """Every call of a method of a client: `self._client.put_item(`, `client("sqs").send_message(`, `http.put(` …"""
    files = {path.relative_to(PACKAGE).as_posix(): path for pattern in _FILES for path in PACKAGE.glob(pattern)}
    return [site for file in sorted(files.keys() - _ELSEWHERE) for site in sites_in(files[file].read_text(), file)]


def sites_in(source: str, file: str) -> list[Site]:
    """The sites of one module."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            operation = node.func.attr
            if _name(node.func.value) in _CALLERS and operation not in _LOCAL:
                found.append(Site(file, node.lineno, node.end_lineno or node.lineno, operation))
    return found


def _name(value: ast.expr) -> str:
    match value:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Call(func=ast.Name(id=name)):
            return name
    return ""
