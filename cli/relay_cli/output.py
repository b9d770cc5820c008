"""What a command says: results on standard output, the story on standard error, and with --json one document for each."""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from rich.console import RenderableType

    from relay_cli.failures import Failure


_PLAIN_WIDTH = 1000  # nothing is cut or folded in a file or a pipe


class Output:
    """Colour and movement for a terminal, plain text elsewhere and with NO_COLOR (rich's own doing)."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.out = Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)

    @property
    def is_live(self) -> bool:
        """Whether the story may move: somebody watches."""
        return self.err.is_terminal and not self.as_json

    def result(self, document: Mapping[str, Any] | list[Any], *shown: "RenderableType") -> None:
        """The command's answer: `document` for a machine, `shown` for people."""
        if self.as_json:
            self.out.out(json.dumps(document, ensure_ascii=False))
        else:
            for each in shown:
                self.out.print(each, markup=False)

    def story(self, text: str, *, style: str = "") -> None:
        """What happens on the way; not with --json."""
        if not self.as_json:
            self.err.print(text, markup=False, style=style)

    def failure(self, failure: "Failure") -> None:
        """One line of what is wrong, and one of what to do."""
        if self.as_json:
            self.err.out(json.dumps(failure.document(), ensure_ascii=False))
            return
        self.err.print(f"relay: {failure.message}", markup=False, style="red")
        if failure.advice:
            self.err.print(f"  {failure.advice}", markup=False)
