"""The words of providers and gateways for a status, by their meaning."""

from __future__ import annotations

from relay.domain.task import Status

_WORDS = {
    Status.SUBMITTED: "submitted starting queued queueing pending waiting created accepted not_start not_started init"
    " initialized",
    Status.PROCESSING: "processing in_progress running started working generating",
    Status.SUCCEED: "succeed succeeded success successful completed complete done finished finish",
    Status.FAILED: "failed failure fail error errored canceled cancelled expired rejected timeout timed_out aborted",
}
_STATUSES = {word: status for status, words in _WORDS.items() for word in words.split()}


def status_of(word: object) -> Status | None:
    """The status that a word means, whatever its case, spaces and hyphens; None if the word is unknown."""
    if not isinstance(word, str):
        return None
    return _STATUSES.get(word.strip().lower().replace("-", "_").replace(" ", "_"))
