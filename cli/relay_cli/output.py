"""Output: results go to standard output, messages and failures to standard error. With --json, both are JSON documents."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment

if TYPE_CHECKING:
    from rich.console import RenderableType

    from relay_cli.failures import Failure

_PLAIN_WIDTH = 1000  # columns; wide enough that lines in a file or pipe are never cut or wrapped
_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) != "\n"}
_ESCAPED = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


class SafeConsole(Console):
    """A console that prints no control character of a text: a relay or a provider could command the terminal with it."""

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        return super()._render_buffer(
            each if each.control else Segment(each.text.translate(_CONTROLS), each.style) for each in buffer
        )


def as_json(document: object) -> str:
    """JSON on one line; control characters in texts are escaped."""
    return json.dumps(document, ensure_ascii=False).translate(_ESCAPED)


class Output:
    """The two output streams of a command. In a terminal, rich uses colours unless NO_COLOR is set; elsewhere it does not."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.out = SafeConsole(markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
        self.err = SafeConsole(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)

    @property
    def is_live(self) -> bool:
        """Whether progress bars may be shown: standard error is a terminal and --json is not set."""
        return self.err.is_terminal and not self.as_json

    def print_result(self, document: Mapping[str, Any] | list[Any], *texts: "RenderableType") -> None:
        """Print the result of the command: `document` with --json, otherwise `texts`."""
        if self.as_json:
            self.print_document(document)
        else:
            for text in texts:
                self.out.print(text, markup=False)

    def print_document(self, document: object) -> None:
        """Print one JSON document, on a line."""
        self.out.out(as_json(document))

    def print_message(self, text: str, *, style: str = "") -> None:
        """Print a message about the progress of the command; nothing with --json."""
        if not self.as_json:
            self.err.print(text, markup=False, style=style)

    def print_failure(self, failure: "Failure") -> None:
        """Print what is wrong, and on a second line what to do about it."""
        if self.as_json:
            self.err.out(as_json(failure.document()))
            return
        self.err.print(f"relay: {failure.message}", markup=False, style="red")
        if failure.advice:
            self.err.print(f"  {failure.advice}", markup=False)
