"""What the program prints of texts that it does not trust."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table
from rich.text import Text

from relay_cli.downloads import path_of
from relay_cli.failures import Failure
from relay_cli.output import Output
from relay_cli.saving import progress_bar
from relay_cli.tables import task_details, task_table

CONTROLS = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
HOSTILE = f"\x1b]52;c;cm0gLXJmIC8=\x07\x1b[2J\x9b2J{CONTROLS}[red]ü 猫"
TASK: dict[str, Any] = {
    "task_id": f"{'a' * 32}{HOSTILE}",
    "operation": HOSTILE,
    "external_task_id": HOSTILE,
    "provider_task_id": HOSTILE,
    "status": "failed",
    "status_message": HOSTILE,
    "archive": None,
    "version": 1,
    "attempts": 1,
    "failure": {"code": "provider", "message": HOSTILE},
    "results": [{"kind": HOSTILE, "url": HOSTILE, "bytes": 1, "media_type": HOSTILE, "error": HOSTILE}],
    "created_at": 0,
    "updated_at": 0,
}


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    """Both streams, without the line ends of the program."""
    found = capsys.readouterr()
    text = found.out + found.err
    assert "猫" in text
    return text.replace("\n", "")


def is_safe(text: str) -> bool:
    return not set(text) & set(CONTROLS)


def test_texts_of_others_print_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=False)
    table = Table(HOSTILE)
    table.add_row(HOSTILE)
    output.print_result({}, HOSTILE, Text(HOSTILE), table, task_table([TASK]), task_details(TASK))
    output.print_message(HOSTILE, style="dim")
    output.print_failure(Failure(HOSTILE, HOSTILE))
    text = printed(capsys)
    assert is_safe(text)
    assert text.count("[red]") == text.count("猫"), "a text is no markup either"


def test_json_says_everything_and_prints_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=True)
    output.print_result({"text": HOSTILE})
    output.print_failure(Failure(HOSTILE))
    found = capsys.readouterr()
    assert is_safe(found.out.rstrip("\n"))
    assert is_safe(found.err.rstrip("\n"))
    assert json.loads(found.out) == {"text": HOSTILE}
    assert json.loads(found.err)["error"]["message"] == HOSTILE


def test_in_a_terminal_only_the_programs_own_codes_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    output = Output(as_json=False)
    output.print_message(HOSTILE, style="red")
    text = capsys.readouterr().err.rstrip("\n")
    assert text.startswith("\x1b[31m")
    assert is_safe(text.replace("\x1b[31m", "").replace("\x1b[0m", "").replace("\n", ""))
    with progress_bar(output, HOSTILE, 10) as advance:
        advance(5)
    shown = capsys.readouterr().err
    assert "\x1b[2J" not in shown
    assert "\x1b]52" not in shown
    assert "\x9b" not in shown
    assert "[red]" in shown


def task_of(task_id: str, url: str) -> dict[str, Any]:
    return {"task_id": task_id, "results": [{"kind": "video", "url": url}]}


@pytest.mark.parametrize(
    "task_id", ["../../etc/passwd", "/etc/x", "", ".", "a" * 31, "A" * 32, f"{'a' * 32}\n", "a" * 33, "..\\x", "\x00" * 32]
)
def test_an_id_that_is_none_is_no_file_name(task_id: str) -> None:
    with pytest.raises(Failure, match="is not the id of a task"):
        path_of(task_of(task_id, "https://results.example/0.mp4"), 0, Path("folder"))


@pytest.mark.parametrize(
    ("url", "extension"),
    [
        ("https://results.example/0.webm", ".webm"),
        ("https://results.example/0.ﬁle", ".mp4"),
        ("https://results.example/0.a%2f", ".mp4"),
        ("https://results.example/0.\x1b[2J", ".mp4"),
        ("https://results.example/../..", ".mp4"),
    ],
)
def test_a_file_stays_in_its_folder(url: str, extension: str) -> None:
    assert path_of(task_of("a" * 32, url), 0, Path("folder")) == Path("folder") / f"{'a' * 32}-0{extension}"
