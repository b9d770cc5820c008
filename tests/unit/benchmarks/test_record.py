"""The recorded runs and the document that shows them."""

import re

from benchmarks.record import DOCUMENT, filled, recorded


def test_the_document_shows_the_recorded_runs() -> None:
    document = DOCUMENT.read_text()
    assert filled(document, recorded()) == document, "run `make bench-record`"


def test_every_recorded_run_has_its_place_in_the_document() -> None:
    assert set(recorded()) <= set(re.findall(r"<!-- (\w+) -->", DOCUMENT.read_text()))


def test_a_run_is_shown_with_its_outcomes() -> None:
    row = {
        "what": "a",
        "ours": 3.0,
        "baseline": 2.0,
        "unit": "s",
        "goal": {"target": 2.0, "stretch": None, "at_least": False},
        "note": "",
    }
    run = {
        "at": "2026-11-25T01:02:03+00:00",
        "machine": {"processor": "x", "cores": 2, "memory": 4},
        "versions": {"python": "3.13.0"},
        "tables": [{"title": "t", "rows": [row | {"ratio": 1.5, "outcome": "met"}], "notes": ["so it was"]}],
    }
    shown = filled("<!-- a -->\nold\n<!-- end -->", {"a": run})
    assert "old" not in shown
    assert "| a | 2 s | 3 s | 1.50 | ≤ 2 | met |" in shown
    assert "So it was." in shown
