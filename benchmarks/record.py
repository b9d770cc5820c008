"""Keep the last run of each benchmark, and write its tables into docs/performance.md: `python -m benchmarks.record`."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS, Goal, Row

RECORDED = Path(__file__).parent / "recorded"
DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"
_PLACE = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_VERDICTS = {"stretch": "**stretch**", "met": "met", "missed": "**missed**"}


def main() -> None:
    """Copy results that are there, then fill the document from everything recorded."""
    RECORDED.mkdir(exist_ok=True)
    for path in RESULTS.glob("*.json"):
        (RECORDED / path.name).write_text(path.read_text())
    DOCUMENT.write_text(filled(DOCUMENT.read_text(), recorded()))


def recorded() -> dict[str, Any]:
    """The recorded runs by the benchmark's name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(RECORDED.glob("*.json"))}


def filled(document: str, runs: Mapping[str, Any]) -> str:
    """The document with the tables of each run between its `<!-- name -->` and `<!-- end -->`."""

    def fill(place: re.Match[str]) -> str:
        run = runs.get(place[2])
        return place[1] + (_shown(run) if run else "Not recorded yet.\n") + place[3]

    return _PLACE.sub(fill, document)


def _shown(run: Mapping[str, Any]) -> str:
    machine = run["machine"]
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['memory']} GiB"
    parts = [f"{run['at'][:16].replace('T', ' ')} UTC, {where}, CPython {run['versions']['python']}.\n"]
    for table in run["tables"]:
        rows = [Row(**{**row, "goal": Goal(**row["goal"]) if row["goal"] else None}) for row in map(_fields, table["rows"])]
        lines = [f"\n**{table['title']}**\n", "| what | floor | ours | ratio | goal | |", "|---|--:|--:|--:|---|---|"]
        for row in rows:
            *cells, last = row.cells()
            lines.append("| " + " | ".join([*cells, _VERDICTS.get(last, last)]) + " |")
        parts.append("\n".join(lines) + "\n")
        parts += [f"\n{note[:1].upper()}{note[1:]}.\n" for note in table["notes"]]
    return "".join(parts)


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"ratio", "verdict"}}


if __name__ == "__main__":
    main()
