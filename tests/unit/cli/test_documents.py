"""docs/cli.md and the recording in the README match the program."""

import json
import re
import subprocess
import sys

from typer.main import get_command

from local.docs import cli_reference, recording
from relay_cli.app import app
from relay_cli.operations import SYNCHRONOUS, short_names
from tests.support.cloudformation import ROOT


def test_the_reference_is_fresh() -> None:
    script = "from local.docs import cli_reference as it; print(it.render(it.DOCUMENT.read_text()), end='')"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == cli_reference.DOCUMENT.read_text(), "run make cli-docs"


def test_every_command_in_a_document_exists() -> None:
    commands = {name: set(getattr(group, "commands", {})) for name, group in vars(get_command(app))["commands"].items()}
    commands |= {"submit": set(short_names()), "call": set(short_names(SYNCHRONOUS))}
    text = "".join(
        (ROOT / name).read_text() for name in ("README.md", "docs/cli.md", "docs/local.md", "docs/webhooks.md", "docs/events.md")
    )
    shown = re.findall(r"(?:`|^)(?:\$ )?relay ([a-z]+)(?: ([a-z][\w|/-]*))?", text, re.MULTILINE)
    assert {command for command, _ in shown} >= {"submit", "list", "watch", "doctor", "tail", "dlq", "replay"}
    for command, inner in shown:
        assert command in commands
        assert not commands[command] or set(inner.split("|")) <= commands[command] | {""}


def test_every_command_is_tested_through_the_installed_script() -> None:
    text = "".join(path.read_text() for path in (ROOT / "tests" / "integration" / "cli").glob("test_*.py"))
    started = [
        tuple(re.findall(r'"([^"]+)"', words)) for words in re.findall(r'\.(?:installed|start)\(((?:"[\w-]+"(?:, )?)+)', text)
    ]
    for path in cli_reference.paths(get_command(app)):
        words = path[:1] if path[0] in {"submit", "call"} else path
        assert any(each[: len(words)] == words for each in started), f"relay {' '.join(path)}"


def test_the_recording_in_the_readme_is_whole() -> None:
    found = recording.BLOCK.search((ROOT / "README.md").read_text())
    assert found
    command, *told = found[2].splitlines()
    assert command == recording.prompt()
    *story, path = told
    task_id = path.removeprefix("clips/").removesuffix("-0.mp4")
    assert re.fullmatch("[0-9a-f]{32}", task_id)
    phases = [line.split()[3] for line in story if f"s  {task_id}  " in line]
    assert phases[0] == "submitted"
    assert phases[-1] == "stored"
    assert "SHA-256 as stored" in story[-1]


def test_the_cast_is_an_asciicast_of_the_same_command() -> None:
    head, *pieces = [json.loads(line) for line in recording.CAST.read_text().splitlines()]
    assert head["version"] == 2
    assert head["title"] == recording.prompt()
    times = [time for time, _, _ in pieces]
    assert times == sorted(times)
    assert {kind for _, kind, _ in pieces} == {"o"}
    text = "".join(text for _, _, text in pieces)
    assert text.startswith(recording.prompt())
    assert "processing" in text
    assert re.search(r"clips/[0-9a-f]{32}-0\.mp4\r\n$", text)
