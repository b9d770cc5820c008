"""Which terminals show pictures, and the escape codes for them."""

import base64
import re
from pathlib import Path

import pytest

from relay_cli.pictures import inline, protocol

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM_PROGRAM": "iTerm.app", "TMUX": "socket,1,0"}, None),
        ({"TERM_PROGRAM": "iTerm.app", "RELAY_PICTURES": "off"}, None),
        ({"TERM": "xterm-256color", "RELAY_PICTURES": "kitty"}, "kitty"),
    ],
)
def test_a_terminal_is_recognised_by_its_variables(environment: dict[str, str], expected: str | None) -> None:
    assert protocol(environment, is_terminal=True) == expected
    assert protocol(environment, is_terminal=False) is None


def test_kitty_gets_a_png_in_chunks(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(PNG + bytes(range(256)) * 40)
    codes = inline(picture, "kitty")
    assert codes
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", codes)
    assert "".join(f"\x1b_G{keys};{payload}\x1b\\" for keys, payload in parts) + "\n" == codes
    assert all(len(payload) <= 4096 for _, payload in parts)
    assert [keys.split(",")[-1] for keys, _ in parts] == ["m=1"] * (len(parts) - 1) + ["m=0"]
    assert "a=T" in parts[0][0]
    assert base64.b64decode("".join(payload for _, payload in parts)) == picture.read_bytes()


def test_iterm2_gets_the_whole_file(tmp_path: Path) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"\xff\xd8\xff" + bytes(5000))
    codes = inline(picture, "iterm2")
    assert codes
    assert codes.startswith("\x1b]1337;File=")
    arguments, _, payload = codes.removeprefix("\x1b]1337;File=").removesuffix("\a\n").partition(":")
    assert {"inline=1", "size=5003"} <= set(arguments.split(";"))
    assert base64.b64decode(payload) == picture.read_bytes()


def test_a_file_that_the_protocol_does_not_support_is_not_shown(tmp_path: Path) -> None:
    jpeg, other = tmp_path / "a.jpg", tmp_path / "a.bin"
    jpeg.write_bytes(b"\xff\xd8\xff")
    other.write_bytes(b"\x1b]0;a title\a")
    assert inline(jpeg, "kitty") is None
    assert inline(other, "iterm2") is None
    assert inline(other, "kitty") is None
