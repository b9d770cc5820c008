"""Ten thousand callbacks that nobody who is entitled to has sent."""

import json
import random
import string

import pytest

from relay.domain.errors import CallbackNotAuthenticError
from relay.usecases.apply import Outcome
from tests.support.fakes.fake_world import FakeWorld

ALPHABET = string.ascii_letters + string.digits + "-_."
BODY = json.dumps({"task_id": "1", "task_status": "failed", "task_status_msg": "forged"}).encode()
OVERSIZED = b" " * 300_000 + BODY


def _forged(choice: random.Random, right: str, other: str) -> str:
    """A token that is not the right one: truncated, changed, longer, another task's, another provider's, or made up."""
    place = choice.randrange(len(right))
    kinds = (
        right[:place],
        right[:place] + choice.choice(ALPHABET.replace(right[place], "")) + right[place + 1 :],
        right + choice.choice(ALPHABET),
        other,
        right.replace("kling", choice.choice(["luma", "KLING", "", "kling.kling"])),
        "".join(choice.choices(ALPHABET, k=choice.randrange(200))),
        right[::-1],
        "kling." + "".join(choice.choices(string.printable, k=43)),
    )
    return choice.choice(kinds)


def test_ten_thousand_forged_callbacks_change_and_read_nothing(world: FakeWorld) -> None:
    choice = random.Random(7)  # noqa: S311 - repeatable
    task_id, other_id = (world.submit().task.task_id for _ in range(2))
    right, other = (world.tokens.path(each, "kling").partition("/")[2] for each in (task_id, other_id))
    before = dict(world.tasks.tasks)
    world.calls.names.clear()

    for _ in range(10_000):
        body = choice.choice([BODY, OVERSIZED, b"", b"{", choice.randbytes(40)])
        with pytest.raises(CallbackNotAuthenticError):
            world.receive(task_id, body, _forged(choice, right, other))

    assert world.tasks.tasks == before
    assert set(world.calls.names) == {"tokens.provider_of"}
    assert world.receive(task_id, BODY, right) is Outcome.APPLIED
