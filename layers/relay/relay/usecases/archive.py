"""Archive the results of a succeeded task: every file from the provider's URL into our bucket."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from relay.domain.errors import ProviderError, ResultError, ResultGoneError, TaskConflictError, UnreadableSnapshotError
from relay.domain.task import Archive, Failure, FailureCode, Result, Status, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.ports import Clock, ProviderApi, ResultSource, ResultStore, TaskStore
    from relay.providers.base import Provider

_QUERY_TIMEOUT = 20
_RESERVE = 30.0
_LEAST_FOR_A_FILE = 60.0


class ArchivingError(Exception):
    """Some files are not stored; names them. Another attempt may help."""


def archive(
    task_id: str,
    *,
    last_attempt: bool,
    providers: Mapping[str, Provider],
    tasks: TaskStore,
    api: ProviderApi,
    source: ResultSource,
    store: ResultStore,
    clock: Clock,
    seconds_left: Callable[[], float],
) -> Task | None:
    """Store all files and mark the task; None when there is nothing to do.

    Raises ArchivingError when a file cannot be stored; on the last attempt the task is marked first, each file by itself, so
    that its event names what is stored and what is not. Where time runs out between two files, the next attempt goes on.
    """
    task = tasks.get(task_id)
    if task is None or task.status is not Status.SUCCEED or task.archive is Archive.STORED:
        return None
    renewed: dict[str, str] = {}
    results = []
    for number, result in enumerate(task.results):
        seconds = seconds_left() - _RESERVE
        if result.key is None and seconds < _LEAST_FOR_A_FILE:
            result = replace(result, error="no time was left in this attempt")  # noqa: PLW2901
        elif result.key is None:
            prefix = f"results/{task_id}/{number}"
            copy = partial(_copied, prefix=prefix, source=source, store=store, seconds=seconds)
            result = _stored(task, result, renewed, copy, provider=providers[task.provider], api=api)  # noqa: PLW2901
        results.append(result)
    errors = [f"{result.path}: {result.error}" for result in results if result.error]
    if not errors:
        return _settled(task_id, results, None, tasks=tasks, clock=clock)
    failure = Failure(code=FailureCode.ARCHIVE, message="; ".join(errors)[:1024])
    if last_attempt:
        _settled(task_id, results, failure, tasks=tasks, clock=clock)
    elif any(result.key for result in results):
        tasks.stored_so_far(task_id, tuple(replace(result, error=None) for result in results))
    raise ArchivingError(failure.message)


def _settled(task_id: str, results: list[Result], failure: Failure | None, *, tasks: TaskStore, clock: Clock) -> Task | None:
    try:
        return tasks.archived(task_id, tuple(results), at=clock(), failure=failure)
    except TaskConflictError:  # settled before, by another delivery of the same message or by one that was redriven
        return None


def _stored(
    task: Task,
    result: Result,
    renewed: dict[str, str],
    copy: Callable[[Result, str], Result],
    *,
    provider: Provider,
    api: ProviderApi,
) -> Result:
    try:
        try:
            return copy(result, result.url)
        except ResultGoneError:
            renewed.update({} if renewed else _renewed(task, provider, api))
            if renewed.get(result.path, result.url) == result.url:
                raise
            return copy(result, renewed[result.path])
    except ResultError as error:
        return replace(result, error=str(error)[:256])


def _copied(result: Result, url: str, *, prefix: str, source: ResultSource, store: ResultStore, seconds: float) -> Result:
    with source.open(url, seconds=seconds) as opened:
        file = store.store(prefix, opened.chunks(), size=opened.size)
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


def _renewed(task: Task, provider: Provider, api: ProviderApi) -> dict[str, str]:
    """Fresh URLs by path, from a query at the provider; none when it does not answer with the task."""
    request = provider.query_request(provider.operation(task.operation), task.provider_task_id or task.task_id)
    try:
        snapshot = provider.read_queried(api.send(request, timeout=_QUERY_TIMEOUT))
    except (ProviderError, UnreadableSnapshotError):
        return {}
    return {result.path: result.url for result in snapshot.results}
