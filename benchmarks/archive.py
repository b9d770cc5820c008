"""The cost of archiving a file, compared with `upload_fileobj` and reading it whole: `python -m benchmarks.archive [--quick]`.

A source host generates the bytes and a bucket discards them. Both use TLS on loopback with one certificate, in processes of
their own. Each transfer runs in a fresh interpreter, so CPU and peak memory are those of the transfer alone.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import prices, share
from benchmarks.artefacts import python_path
from benchmarks.loopback import Hosts, digest_of, file_path, running
from benchmarks.report import Goal, Row, Table, publish
from local.stack import ROOT

MIB, GIB = 1 << 20, 1 << 30
_ROUNDS = {64 * MIB: 5, 256 * MIB: 3, GIB: 2, 5 * GIB: 1}
_MEMORY_SIZES = (256, 512, 1024, 1769)
"""Memory sizes of the function in MB. They decide its share of a processor. 128 MB are not measured."""
_USUAL_BYTES = 20e6
_NAIVE_LIMIT = GIB
"""The largest file that is read whole: 5 GiB would need too much memory."""
_WAYS = ("upload_fileobj", "upload_fileobj, hashed", "read-all", "ours", "ours, no length")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One transfer: CPU seconds, elapsed seconds, MB of memory before it (`base`), and MB added at its peak (`grown`)."""

    cpu: float
    seconds: float
    base: float
    grown: float
    bytes: int
    sha256: str


def measure(way: str, size: int, hosts: Hosts, python_path: str, processor: float = 1.0) -> Figures:
    """Run one transfer of `size` bytes in a new interpreter that gets the share `processor` of a processor.

    `python_path` contains the product. The other ways do not use it.
    """
    url = hosts.source + file_path(size, announced=way != "ours, no length")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": python_path if way.startswith("ours") else str(ROOT),
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": hosts.bucket,
        "AWS_CA_BUNDLE": str(hosts.certificate),
    }
    command = [sys.executable, "-m", "benchmarks.archive_ways", way.partition(",")[0], url]
    command += ["--hashed"] if way.endswith("hashed") else []
    done = share.run(command, environment, processor)
    if done.returncode:
        raise RuntimeError(f"{way}, {size} bytes:\n{done.stderr[-2000:]}")
    return Figures(**json.loads(done.stdout))


def main() -> None:
    """Measure every way at every size, alternating between the ways."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="64 MiB only, once")
    options = parser.parse_args()
    rounds = {64 * MIB: 1} if options.quick else _ROUNDS
    figures: dict[tuple[int, str], list[Figures]] = {}
    built = python_path()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as hosts:
        for size, times in rounds.items():
            digest = digest_of(size)
            for _ in range(times):
                for way in _WAYS:
                    if way != "read-all" or size <= _NAIVE_LIMIT:
                        found = measure(way, size, hosts, built)
                        _check(way, found, size, digest)
                        figures.setdefault((size, way), []).append(found)
        small = {memory: measure("ours", 64 * MIB, hosts, built, share.share_of(memory)) for memory in _MEMORY_SIZES}
    publish("archive", [_cpu(figures), _memory(figures), _speed(figures), _memory_sizes(small)])


def _check(way: str, found: Figures, size: int, digest: str) -> None:
    if way.startswith("ours") and (found.bytes, found.sha256) != (size, digest):
        raise RuntimeError(f"{way}: stored {found.bytes} bytes with SHA-256 {found.sha256}; expected {size} with {digest}")


def _cpu(figures: dict[tuple[int, str], list[Figures]]) -> Table:
    rows = []
    for size in _sizes(figures):
        plain = _median(figures, size, "upload_fileobj", "cpu")
        hashed = _median(figures, size, "upload_fileobj, hashed", "cpu")
        for way in _WAYS[2:]:
            if (size, way) in figures:
                ours = _median(figures, size, way, "cpu")
                goal = Goal(0.65, 0.40) if way == "ours" else None
                rows.append(Row(what=f"{_name(size)}, {way}", baseline=plain, ours=ours, unit="s", goal=goal))
                if way == "ours":
                    rows.append(
                        Row(what=f"{_name(size)}, ours, baseline with SHA-256", baseline=hashed, ours=ours, unit="s", goal=goal)
                    )
    notes = ("baseline: boto3's upload_fileobj reading from urllib3, without SHA-256; `baseline with SHA-256` also computes one",)
    return Table("archive: CPU", rows, notes)


def _memory(figures: dict[tuple[int, str], list[Figures]]) -> Table:
    rows = []
    for size in _sizes(figures):
        for way in (way for way in _WAYS if (size, way) in figures and not way.endswith("hashed")):
            grown = max(found.grown for found in figures[size, way])
            goal = Goal(32, 10) if way.startswith("ours") else None
            rows.append(Row(what=f"{_name(size)}, {way}", ours=grown, unit="MB", goal=goal))
    base = statistics.median(found.base for (_, way), all_found in figures.items() if way == "ours" for found in all_found)
    return Table(
        "archive: peak memory above the memory before the transfer", rows, (f"our process before the transfer: {base:.0f} MB",)
    )


def _speed(figures: dict[tuple[int, str], list[Figures]]) -> Table:
    rows = [
        Row(what=f"{_name(size)}, {way}", ours=size / 1e6 / _median(figures, size, way, "seconds"), unit="MB/s")
        for size in _sizes(figures)
        for way in _WAYS
        if (size, way) in figures
    ]
    return Table("archive: speed", rows, ("source, bucket and transfer share two cores; on Lambda the network is the limit",))


def _memory_sizes(figures: dict[int, Figures]) -> Table:
    rows = []
    for memory, found in figures.items():
        speed = found.bytes / found.seconds
        seconds = _USUAL_BYTES / min(speed, prices.NETWORK_BYTES_PER_SECOND)
        dollars = seconds * memory / 1024 * prices.LAMBDA_GB_SECOND * 1e6
        note = f"a file of 20 MB in {seconds * 1000:.0f} ms, ${dollars:.2f} a million"
        rows.append(
            Row(what=f"{memory} MB: {share.share_of(memory):.0%} of a processor", ours=speed / 1e6, unit="MB/s", note=note)
        )
    network = f"the network is assumed to carry {prices.NETWORK_BYTES_PER_SECOND / 1e6:.0f} MB/s"
    notes = (f"64 MiB; the process is stopped whenever it exceeds its share; {network}",)
    return Table("archive: by the function's memory size", rows, notes)


def _sizes(figures: Iterable[tuple[int, str]]) -> list[int]:
    return sorted({size for size, _ in figures})


def _median(figures: dict[tuple[int, str], list[Figures]], size: int, way: str, figure: str) -> float:
    return float(statistics.median(getattr(found, figure) for found in figures[size, way]))


def _name(size: int) -> str:
    return f"{size // GIB} GiB" if size >= GIB else f"{size // MIB} MiB"


if __name__ == "__main__":
    main()
