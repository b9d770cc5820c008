"""Pictures in the terminal, with kitty's graphics protocol or iTerm2's inline images."""

import base64
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

_KITTY_CHUNK = 4096  # the protocol's limit on the payload of one escape code
_LARGEST = 10 * 1024 * 1024  # bytes
_COLUMNS = 40
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"


def protocol(environment: Mapping[str, str] = os.environ, *, is_terminal: bool | None = None) -> str | None:
    """Return the protocol of this terminal, `kitty` or `iterm2`; None if it cannot show pictures.

    RELAY_PICTURES (`kitty`, `iterm2` or `off`) overrides the detection. Inside tmux and screen the answer is None, because
    neither forwards these protocols by default.
    """
    if not (sys.stdout.isatty() if is_terminal is None else is_terminal):
        return None
    if (choice := environment.get("RELAY_PICTURES")) is not None:
        return choice if choice in {"kitty", "iterm2"} else None
    if "TMUX" in environment or environment.get("TERM", "").startswith(("screen", "tmux")):
        return None
    program = environment.get("TERM_PROGRAM", "")
    if "KITTY_WINDOW_ID" in environment or environment.get("TERM") == "xterm-kitty" or program == "ghostty":
        return "kitty"
    return "iterm2" if program in {"iTerm.app", "WezTerm"} or "KONSOLE_VERSION" in environment else None


def inline(path: Path, kind: str) -> str | None:
    """Return the escape codes that show a picture; None if it is over 10 MiB or the protocol does not support its format."""
    if path.stat().st_size > _LARGEST:
        return None
    data = path.read_bytes()
    if kind == "kitty":
        return "".join(_kitty(data)) + "\n" if data.startswith(_PNG) else None
    if not data.startswith((_PNG, _JPEG)):
        return None
    name = base64.b64encode(path.name.encode()).decode()
    arguments = f"name={name};size={len(data)};width={_COLUMNS};preserveAspectRatio=1;inline=1"
    return f"\x1b]1337;File={arguments}:{base64.b64encode(data).decode()}\a\n"


def _kitty(data: bytes) -> Iterator[str]:
    """Yield escape codes that transmit and display (a=T) a PNG (f=100). Every chunk except the last has m=1."""
    text = base64.b64encode(data).decode()
    for start in range(0, len(text), _KITTY_CHUNK):
        more = int(start + _KITTY_CHUNK < len(text))
        keys = f"a=T,f=100,c={_COLUMNS},q=2,m={more}" if start == 0 else f"m={more}"
        yield f"\x1b_G{keys};{text[start : start + _KITTY_CHUNK]}\x1b\\"
