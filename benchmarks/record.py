"""Keeps the last run of each benchmark and writes its tables into docs/performance.md: `python -m benchmarks.record`."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

from benchmarks.report import RESULTS, Goal, Row

RECORDED = Path(__file__).parent / "recorded"
DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"
_PLACE = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_WIDTH = 120
_OUTCOMES = {"stretch": "**stretch**", "met": "met", "missed": "**missed**"}


def main() -> None:
    """Copy the new results to `benchmarks/recorded`, then write all recorded tables into the document."""
    RECORDED.mkdir(exist_ok=True)
    for path in RESULTS.glob("*.json"):
        (RECORDED / path.name).write_text(path.read_text())
    DOCUMENT.write_text(filled(DOCUMENT.read_text(), recorded()))


def recorded() -> dict[str, Any]:
    """The recorded runs, by the name of the benchmark."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(RECORDED.glob("*.json"))}


def filled(document: str, runs: Mapping[str, Any]) -> str:
    """The document, with each run's tables between `<!-- name -->` and `<!-- end -->`."""

    def tables(place: re.Match[str]) -> str:
        run = runs.get(place[2])
        return place[1] + (_shown(run) if run else "Not recorded yet.\n") + place[3]

    return _PLACE.sub(tables, document)


def _shown(run: Mapping[str, Any]) -> str:
    machine = run["machine"]
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['memory']} GiB"
    parts = [f"{run['at'][:16].replace('T', ' ')} UTC, {where}, CPython {run['versions']['python']}.\n"]
    for table in run["tables"]:
        rows = [Row(**{**row, "goal": Goal(**row["goal"]) if row["goal"] else None}) for row in map(_fields, table["rows"])]
        lines = [f"\n**{table['title']}**\n", "| what | baseline | ours | ratio | goal | |", "|---|--:|--:|--:|---|---|"]
        for row in rows:
            *cells, last = row.cells()
            lines.append("| " + " | ".join([*cells, _OUTCOMES.get(last, last)]) + " |")
        parts.append("\n".join(lines) + "\n")
        parts += [f"\n{_paragraph(note)}\n" for note in table["notes"]]
    return "".join(parts)


def _paragraph(note: str) -> str:
    """The note as a sentence, wrapped like the rest of the document."""
    return fill(f"{note[:1].upper()}{note[1:]}.", _WIDTH, break_long_words=False, break_on_hyphens=False)


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"ratio", "outcome"}}


if __name__ == "__main__":
    main()
