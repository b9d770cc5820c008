"""Every provider, by its name and by the paths that the API serves for it. A provider is loaded on first use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from relay.domain.errors import UnknownOperationError

if TYPE_CHECKING:
    from relay.providers.base import Provider, Route


class Entry(NamedTuple):
    """A provider: `prefixes` of its own paths, and how a client may send its key below them.

    `schemes` of the Authorization header, in lower case. Its package exports the translator as `PROVIDER`.
    """

    prefixes: tuple[str, ...]
    schemes: tuple[str, ...] = ("bearer",)


# One line per provider, in the order in which they are asked for paths below SHARED.
ENTRIES: Mapping[str, Entry] = {
    "kling": Entry(("/kling/", "/account/")),
    "replicate": Entry(("/replicate/",), schemes=("bearer", "token")),
}
SHARED = "/v1/"
"""Clients of several providers send their requests below it: each path belongs to the first provider that knows it."""


class Providers(Mapping[str, "Provider"]):
    """The providers by name."""

    def __init__(self) -> None:
        self._loaded: dict[str, Provider] = {}

    def __getitem__(self, name: str) -> Provider:
        if name not in self._loaded:
            if name not in ENTRIES:
                raise KeyError(name)
            self._loaded[name] = import_module(f"relay.providers.{name}.translator").PROVIDER
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(ENTRIES)

    def __len__(self) -> int:
        return len(ENTRIES)


PROVIDERS = Providers()


def schemes_for(path: str) -> tuple[str, ...]:
    """The schemes of the Authorization header that clients may use for a path, in lower case."""
    owner = names_for(path)[:1]
    return ENTRIES[owner[0]].schemes if owner and not path.startswith(SHARED) else ("bearer",)


def names_for(path: str) -> list[str]:
    """The providers that may serve a path: the one with this prefix, or each that is asked below the shared one."""
    owner = next((name for name, entry in ENTRIES.items() if path.startswith(entry.prefixes)), None)
    return [owner] if owner else list(ENTRIES) if path.startswith(SHARED) else []


def routed(method: str, path: str, parameters: Mapping[str, str]) -> tuple[Provider, Route]:
    """The provider that serves a client's request, and what the request wants; raises UnknownOperationError."""
    refusal = None
    for name in names_for(path):
        try:
            return PROVIDERS[name], PROVIDERS[name].route(method, path, parameters)
        except UnknownOperationError as error:
            refusal = refusal or error
    raise refusal or unknown_path()


def unknown_path() -> UnknownOperationError:
    """No provider serves the path."""
    prefixes = ", ".join(f"{entry.prefixes[0]}…" for entry in ENTRIES.values())
    return UnknownOperationError(f"no such path: send requests to {prefixes} or {SHARED}…, list tasks with GET /tasks")
