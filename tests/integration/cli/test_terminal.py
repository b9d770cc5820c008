"""In a terminal: progress bars, pictures, colours unless NO_COLOR is set, and shell completion."""

import os
import pty

from tests.integration.cli.conftest import Program
from tests.integration.cli.front import Front
from tests.integration.cli.test_tasks import PICTURE, PROMPT, move
from tests.support.moto_world import MotoWorld
from tests.support.upstream import File


def run_in_a_terminal(program: Program, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run the program and return its exit code and everything that it printed."""
    terminal, inside = pty.openpty()
    with program.start_with_output(arguments, {"COLUMNS": "120", **environment}, inside) as running:
        os.close(inside)
        seen = b""
        while chunk := _read(terminal):
            seen += chunk
    os.close(terminal)
    return running.returncode, seen.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the program has ended
        return b""


def test_a_progress_bar_moves_while_a_task_runs(relay: Program, gateway: Front) -> None:
    move(gateway, "processing", "succeed", "stored")
    code, seen = run_in_a_terminal(relay, "submit", "text2video", *PROMPT, "--download", "clips")
    assert code == 0, seen
    assert "━" in seen
    assert seen.index("processing") < seen.index("stored  1 video")
    assert "\x1b[3" in seen
    assert "clips/" in seen.splitlines()[-1]


def test_no_color_disables_colours(relay: Program, gateway: Front) -> None:
    move(gateway, "processing", "failed")
    code, seen = run_in_a_terminal(relay, "submit", "text2video", *PROMPT, "--wait", NO_COLOR="1")
    assert code == 1
    assert "\x1b[3" not in seen


def test_pictures_are_shown_if_the_terminal_supports_them(relay: Program, world: MotoWorld) -> None:
    task_id = world.submitted("generations")
    url = world.outside.file("cat.png", File(body=PICTURE + bytes(100)))
    world.callback("succeed_images", task_id, task_result={"images": [{"index": 0, "url": url}]})
    world.archive(task_id)
    code, kitty = run_in_a_terminal(relay, "get", task_id, TERM="xterm-kitty")
    assert code == 0, kitty
    assert kitty.count("\x1b_Ga=T,f=100") == 1
    _, iterm = run_in_a_terminal(relay, "download", task_id, TERM_PROGRAM="iTerm.app")
    assert iterm.count("\x1b]1337;File=") == 1
    assert f"{task_id}-0.png" in iterm
    _, plain = run_in_a_terminal(relay, "download", task_id)
    assert "\x1b_G" not in plain
    assert "\x1b]" not in plain
    assert f"{task_id}-0.png" in plain


def test_a_shell_completes_operations_options_and_choices(relay: Program) -> None:
    def completed(words: str) -> list[str]:
        asked = {"_RELAY_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
        return relay.installed(**asked).out.split()

    assert completed("relay submit text2") == ["text2video"]
    assert completed("relay call t") == ["tts"]
    assert completed("relay submit text2video --asp") == ["--aspect-ratio"]
    assert completed("relay submit text2video --aspect-ratio ") == ["16:9", "9:16", "1:1"]
    assert completed("relay dlq show arch") == ["archives"]
