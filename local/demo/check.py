"""Checks a task of the demo against the simulator's own records, not only against the relay's."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from local.demo.plan import Step
from local.gateway import Download


@dataclass(slots=True)
class Run:
    """A step that was submitted, and what was observed of it."""

    step: Step
    task_id: str
    submitted_at: int
    events: list[dict[str, Any]] = field(default_factory=list)
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    task: dict[str, Any] = field(default_factory=dict)
    truth: list[dict[str, Any]] = field(default_factory=list)
    downloads: list[Download] = field(default_factory=list)
    objects: dict[str, int] = field(default_factory=dict)
    """The keys in the bucket, with sizes in bytes."""


def problems(run: Run) -> list[str]:
    """What is missing or wrong. An empty list if nothing is."""
    found = [*_events(run), *_callbacks(run)]
    if run.task.get("status") != run.step.final_status:
        found.append(f"status {run.task.get('status')}, expected {run.step.final_status}")
    if run.step.final_status == "succeed":
        found += _files(run)
    return [f"{run.step.title}: {problem}" for problem in found]


def _events(run: Run) -> list[str]:
    versions = [event["detail"]["version"] for event in run.events]
    kinds = Counter(event["detail-type"] for event in run.events)
    found = []
    if versions != list(range(1, len(versions) + 1)):
        found.append(f"the events' versions {versions} are not contiguous")
    if versions and versions[-1] != run.task.get("version"):
        found.append(f"the last event is version {versions[-1]}, the task {run.task.get('version')}")
    if not versions:
        found.append("no event")
    stored = 1 if run.step.final_status == "succeed" else 0
    if kinds["Task Results Stored"] != stored:
        found.append(f"{kinds['Task Results Stored']} events Task Results Stored, expected {stored}")
    return found


def _callbacks(run: Run) -> list[str]:
    answered = [callback for callback in run.callbacks if callback["status"] == 200]
    if run.step.final_status not in {callback["task_status"] for callback in answered}:
        return [f"no callback with status {run.step.final_status} was accepted"]
    return []


def _files(run: Run) -> list[str]:
    served = [(file["bytes"], file["sha256"]) for file in run.truth]
    fetched = [(len(download.content), download.sha256) for download in run.downloads]
    reported = [(result.get("bytes"), result.get("sha256")) for result in run.task["results"]]
    found = []
    if not served:
        found.append("the provider served no file")
    if fetched != served:
        found.append("the downloaded bytes are not those that the provider served")
    if reported != served:
        found.append("the task's sizes and SHA-256 are not those of the files that the provider served")
    found += [
        f"no object {result.get('key')} of {result.get('bytes')} bytes"
        for result in run.task["results"]
        if run.objects.get(result.get("key", "")) != result.get("bytes")
    ]
    if f"results/{run.task_id}/callback.json" not in run.objects:
        found.append("the callback was not stored")
    return found
