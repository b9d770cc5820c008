"""The files of a task brought to this machine, with a bar while they come and pictures where the terminal shows them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from relay_cli.downloads import Saved, place_of, save
from relay_cli.pictures import inline, protocol
from relay_cli.tables import megabytes

if TYPE_CHECKING:
    from relay_cli.output import Output


def saved(output: "Output", task: dict[str, Any], folder: Path) -> list[Saved]:
    """Download every result that there is; says so for each."""
    found = []
    for number, result in enumerate(task["results"]):
        path = place_of(task, number, folder)
        with bar(output, path.name, result.get("bytes")) as advance:
            found.append(save(result, path, advance=advance))
    return found


def shown(output: "Output", files: list[Saved], *, paths: bool = True) -> None:
    """A path for each file; a picture where it can be seen."""
    kind = protocol()
    for file in files:
        if paths:
            checked = "SHA-256 as stored" if file.verified else "SHA-256 unknown to the relay"
            output.story(f"{megabytes(file.bytes)}  {file.kind}  {checked}", style="dim")
            output.out.print(str(file.path), markup=False)
        codes = inline(file.path, kind) if kind and file.kind == "image" else None
        if codes:
            output.out.file.write(codes)


@contextmanager
def bar(output: "Output", name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """What a transfer tells of its bytes; a bar for whoever watches."""
    if not output.is_live:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=output.err, transient=True) as progress:
        row = progress.add_task(name, total=total)
        yield lambda count: progress.advance(row, count)
