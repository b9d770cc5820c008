"""Saves the files of a task, with a progress bar, and prints their paths and pictures."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from relay_cli.downloads import SavedFile, path_of, save_file
from relay_cli.pictures import inline, protocol
from relay_cli.tables import megabytes

if TYPE_CHECKING:
    from relay_cli.output import Output


def save_files(output: "Output", task: dict[str, Any], folder: Path) -> list[SavedFile]:
    """Download every result of a task into a folder. Raises NotFound or Unavailable for a result that cannot be fetched."""
    files = []
    for number, result in enumerate(task["results"]):
        path = path_of(task, number, folder)
        with progress_bar(output, path.name, result.get("bytes")) as advance:
            files.append(save_file(result, path, advance=advance))
    return files


def print_files(output: "Output", files: list[SavedFile], *, paths: bool = True) -> None:
    """Print the path of each file unless `paths` is false. Images are also shown if the terminal supports it."""
    kind = protocol()
    for file in files:
        if paths:
            checked = "SHA-256 as stored" if file.verified else "SHA-256 unknown to the relay"
            output.print_message(f"{megabytes(file.bytes)}  {file.kind}  {checked}", style="dim")
            output.out.print(str(file.path), markup=False)
        codes = inline(file.path, kind) if kind and file.kind == "image" else None
        if codes:
            output.out.file.write(codes)


@contextmanager
def progress_bar(output: "Output", name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes the number of transferred bytes. In a terminal, it moves a progress bar."""
    if not output.is_live:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=output.err, transient=True) as progress:
        row = progress.add_task(name, total=total)
        yield lambda count: progress.advance(row, count)
