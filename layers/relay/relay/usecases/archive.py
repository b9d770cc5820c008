"""Archive a succeeded task: copy every result file from the provider's URL into our bucket."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from relay.domain.errors import ProviderError, ResultError, ResultGoneError, TaskConflictError, UnreadableSnapshotError
from relay.domain.task import Archive, Failure, FailureCode, Result, Status, Task, is_storable
from relay.usecases.ask import ask_provider

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.ports import Relay

_RESERVE = 30.0
_LEAST_FOR_A_FILE = 60.0


class ArchivingError(Exception):
    """Some files are not stored; the message names them. Another attempt may help."""


def archive(task_id: str, relay: Relay, *, last_attempt: bool, seconds_left: Callable[[], float]) -> Task | None:
    """Store all files and mark the task; None when there is nothing to do.

    Raises ArchivingError when a file cannot be stored. On the last attempt the task is marked first, so that its event names
    the files that are stored and those that are not. When time runs out between two files, the next attempt continues.
    """
    task = relay.tasks.get(task_id)
    if task is None or task.status is not Status.SUCCEED or task.archive is Archive.STORED:
        return None
    fresh_urls: dict[str, str] = {}
    results = []
    unexpected: list[Exception] = []
    for number, result in enumerate(task.results):
        seconds = seconds_left() - _RESERVE
        if result.key is None and seconds < _LEAST_FOR_A_FILE:
            result = replace(result, error="no time was left in this attempt")  # noqa: PLW2901
        elif result.key is None:
            copy = partial(_copy_file, prefix=f"results/{task_id}/{number}", seconds=seconds, relay=relay)
            try:
                result = _store_file(task, result, fresh_urls, copy, relay)  # noqa: PLW2901
            except ResultError as error:
                result = replace(result, error=str(error)[:256])  # noqa: PLW2901
            except Exception as error:  # noqa: BLE001 - whatever it is, the other files are stored, and the last attempt is announced
                result = replace(result, error=f"the relay could not store the result: {type(error).__name__}")  # noqa: PLW2901
                unexpected.append(error)
        results.append(result)
    results = _storable(results, task)
    errors = [f"{result.path}: {result.error}" for result in results if result.error]
    if not errors:
        return _settle(task_id, results, None, relay)
    failure = Failure(code=FailureCode.ARCHIVE, message="; ".join(errors)[:1024])
    if last_attempt:
        _settle(task_id, results, failure, relay)
    elif any(result.key for result in results):
        relay.tasks.record_partial_results(task_id, tuple(replace(result, error=None) for result in results))
    raise ArchivingError(failure.message) from (unexpected[0] if unexpected else None)


def _storable(results: list[Result], task: Task) -> list[Result]:
    """The results; with the URLs that the task has, if those of two queries are together too large."""
    if is_storable(results):
        return results
    return [replace(result, url=before.url) for result, before in zip(results, task.results, strict=True)]


def _settle(task_id: str, results: list[Result], failure: Failure | None, relay: Relay) -> Task | None:
    try:
        return relay.tasks.record_archive(task_id, tuple(results), at=relay.clock(), failure=failure)
    except TaskConflictError:  # another delivery of the same message, or a redriven one, was faster
        return None


def _store_file(
    task: Task, result: Result, fresh_urls: dict[str, str], copy: Callable[[Result, str], Result], relay: Relay
) -> Result:
    """The result with its file stored. A URL that is dead is replaced once, by a query for the task."""
    try:
        return copy(result, result.url)
    except ResultGoneError:
        fresh_urls.update({} if fresh_urls else _query_fresh_urls(task, relay))
        if fresh_urls.get(result.path, result.url) == result.url:
            raise
        return copy(result, fresh_urls[result.path])


def _copy_file(result: Result, url: str, *, prefix: str, seconds: float, relay: Relay) -> Result:
    with relay.source.open(url, seconds=seconds) as opened:
        file = relay.results.store(prefix, opened.chunks(), size=opened.size)
    return replace(
        result,
        url=url,
        bucket=file.bucket,
        key=file.key,
        bytes=file.bytes,
        sha256=file.sha256,
        media_type=file.media_type,
        error=None,
    )


def _query_fresh_urls(task: Task, relay: Relay) -> dict[str, str]:
    """Fresh URLs by path; none when the provider does not answer with the task."""
    try:
        snapshot, _ = ask_provider(task, relay)
    except (ProviderError, UnreadableSnapshotError):
        return {}
    return {result.path: result.url for result in snapshot.results}
