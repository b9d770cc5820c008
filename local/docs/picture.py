"""The demo's picture: what `make demo` prints, as an SVG of a terminal. `make recording` draws it from a real run."""

import io
import re
from pathlib import Path

from rich.console import Console, RenderableType

_WIDTH = 104
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def draw(path: Path, *shown: RenderableType) -> None:
    """Write an SVG of a terminal in which these were printed. It names no font to fetch: a page that shows it loads nothing."""
    console = Console(record=True, file=io.StringIO(), width=_WIDTH, force_terminal=True, color_system="truecolor")
    for each in shown:
        console.print(each)
    path.write_text(_FONTS.sub("", console.export_svg(title="make demo", unique_id="demo")))
