"""The report of a benchmark: outcomes, the table, the JSON."""

import json
from pathlib import Path

import pytest

from benchmarks.measure import interleaved
from benchmarks.report import Goal, Row, Table, publish


@pytest.mark.parametrize(
    ("value", "goal", "outcome"),
    [
        (1.0, Goal(1.15, 0.9), "met"),
        (0.9, Goal(1.15, 0.9), "stretch"),
        (1.16, Goal(1.15, 0.9), "missed"),
        (1500, Goal(1000, 2000, at_least=True), "met"),
        (2000, Goal(1000, 2000, at_least=True), "stretch"),
        (999, Goal(1000, 2000, at_least=True), "missed"),
        (0, Goal(0), "met"),
    ],
)
def test_a_goal_has_a_target_and_perhaps_a_stretch(value: float, goal: Goal, outcome: str) -> None:
    assert goal.outcome(value) == outcome


def test_a_goal_is_for_the_ratio_if_there_is_a_baseline() -> None:
    assert Row(what="start", ours=230, baseline=200, goal=Goal(1.15)).outcome == "met"
    assert Row(what="start", ours=231, baseline=200, goal=Goal(1.15)).outcome == "missed"
    assert Row(what="calls", ours=2, goal=Goal(1)).outcome == "missed"


def test_what_is_published_is_a_table_and_its_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        Row(what="start", ours=1234.5, baseline=1000, unit="ms", goal=Goal(1.15, 0.9), note="argued"),
        Row(what="calls", ours=1, goal=Goal(1)),
    ]
    publish("example", [Table("Example", rows, ["medians of 9"])], tmp_path)

    assert capsys.readouterr().out.splitlines()[1:] == [
        "Example",
        "  what   baseline      ours  ratio  goal",
        "  ─────  ────────  ────────  ─────  ──────────────  ──────",
        "  start  1,000 ms  1,234 ms   1.23  ≤ 1.15 (≤ 0.9)  missed",
        "  calls                   1         ≤ 1             met",
        "  start: argued",
        "  medians of 9",
    ]
    table = json.loads((tmp_path / "example.json").read_text())["tables"][0]
    assert [row["outcome"] for row in table["rows"]] == ["missed", "met"]
    assert table["rows"][0]["ratio"] == 1.2345


def test_variants_run_in_turns_and_the_first_round_does_not_count() -> None:
    ran: list[str] = []

    def figure(name: str) -> float:
        ran.append(name)
        return len(ran)

    medians = interleaved({"a": lambda: figure("a"), "b": lambda: figure("b")}, rounds=3)

    assert "".join(ran) == "abababab"
    assert medians == {"a": 5, "b": 6}
