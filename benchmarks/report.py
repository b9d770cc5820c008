"""The result of a benchmark: tables for the terminal, and the same as JSON in `benchmarks/results/`."""

import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
_VERSIONS = ("aws-lambda-powertools", "botocore", "httpx", "pydantic")
_HEADINGS = ("what", "baseline", "ours", "ratio", "goal", "")


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit for a row's ratio, or for the value itself if there is no baseline.

    The figure must be at most `target`, or with `at_least` at least `target`. `stretch` is a harder, optional target.
    """

    target: float
    stretch: float | None = None
    at_least: bool = False

    def outcome(self, value: float) -> str:
        """`stretch`, `met` or `missed`."""
        if self.stretch is not None and self._reached(value, self.stretch):
            return "stretch"
        return "met" if self._reached(value, self.target) else "missed"

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {self.target:,g}" + (f" ({sign} {self.stretch:,g})" if self.stretch is not None else "")

    def _reached(self, value: float, limit: float) -> bool:
        return value >= limit if self.at_least else value <= limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured figure: `ours` and its `baseline`, both in `unit`. A row without a goal is for information."""

    what: str
    ours: float
    baseline: float | None = None
    unit: str = ""
    goal: Goal | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """`ours` divided by the baseline; None without a baseline."""
        return self.ours / self.baseline if self.baseline else None

    @property
    def outcome(self) -> str:
        """Whether the goal is met; empty without a goal."""
        if self.goal is None:
            return ""
        return self.goal.outcome(self.ours if self.baseline is None else self.ours / self.baseline)

    def cells(self) -> tuple[str, ...]:
        """The cells of the table's row."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        baseline = "" if self.baseline is None else _shown(self.baseline, self.unit)
        return (self.what, baseline, _shown(self.ours, self.unit), ratio, str(self.goal or ""), self.outcome or self.note)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title. `notes` say how they were measured."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = field(default_factory=tuple)

    def __str__(self) -> str:
        lines = [_HEADINGS, *(row.cells() for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
        shown = [
            "  ".join(cell.ljust(width) if column in {0, 4, 5} else cell.rjust(width)
                      for column, (cell, width) in enumerate(zip(line, widths, strict=True))).rstrip()
            for line in lines
        ]  # fmt: skip
        shown.insert(1, "  ".join("─" * width for width in widths))
        asides = [f"{row.what}: {row.note}" for row in self.rows if row.note and row.outcome]
        return "\n".join([self.title, *(f"  {line}" for line in [*shown, *asides, *self.notes])])


def publish(name: str, tables: Iterable[Table], results: Path = RESULTS) -> None:
    """Print the tables and write `{name}.json` with the machine and the versions."""
    tables = list(tables)
    for table in tables:
        sys.stdout.write(f"\n{table}\n")
    document = {
        "benchmark": name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": {"python": platform.python_version()} | {package: version(package) for package in _VERSIONS},
        "tables": [_as_json(table) for table in tables],
    }
    results.mkdir(exist_ok=True)
    (results / f"{name}.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def machine() -> dict[str, Any]:
    """The machine: processor, cores, memory in GiB, system."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": os.process_cpu_count(),
        "memory": round(memory),
        "system": platform.platform(),
    }


def _as_json(table: Table) -> dict[str, Any]:
    rows = [asdict(row) | {"ratio": row.ratio, "outcome": row.outcome} for row in table.rows]
    return {"title": table.title, "rows": rows, "notes": list(table.notes)}


def _shown(value: float, unit: str) -> str:
    digits = 0 if value == int(value) or abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()
