"""A client of the admin endpoints, for tests and demos."""

import ssl
import time
from types import TracebackType
from typing import Any, Self

import httpx

_POLL_SECONDS = 0.005


class Controls:
    """Controls the simulator at `url`. Every method raises httpx.HTTPStatusError for a wrong request."""

    def __init__(self, url: str, api_key: str = "") -> None:
        self.url, self.api_key = url, api_key
        no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # avoids loading certificates, which plain HTTP does not need
        self._client = httpx.Client(base_url=url, timeout=30, trust_env=False, verify=no_tls)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._client.close()

    @property
    def headers(self) -> dict[str, str]:
        """The headers that a request to the provider's API needs."""
        return {"Authorization": f"Bearer {self.api_key}"}

    def state(self, *, hashes: bool = True) -> dict[str, Any]:
        """Tasks, callbacks, faults, settings, and how often each task was paid for."""
        return self._ask("GET", f"state?hashes={int(hashes)}")

    def task(self, identifier: str) -> dict[str, Any]:
        """One task by its id or external_task_id, with its callbacks."""
        return self._ask("GET", f"tasks/{identifier}")

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings. Returns all of them."""
        return self._ask("POST", "settings", changes)

    def fault(self, name: str, **rule: Any) -> int:
        """Add a fault rule and return its number. Fields: params, next, probability, operation, external_task_id, task_id, at."""
        return int(self._ask("POST", "faults", {"fault": name, **rule})["rules"][0]["rule"])

    def clear_faults(self) -> None:
        """Remove every rule."""
        self._ask("DELETE", "faults")

    def advance(self, identifier: str, **to: str) -> dict[str, Any]:
        """Move a task to the next status, or to `status` with `message`."""
        return self._ask("POST", f"tasks/{identifier}/advance", to)

    def kill_urls(self, identifier: str, *, status: int = 404, times: int = 1) -> None:
        """Make the URLs issued so far for a task fail."""
        self._ask("POST", f"tasks/{identifier}/kill-urls", {"status": status, "times": times})

    def reset(self, *, keep_settings: bool = False) -> None:
        """Start again from the seed."""
        self._ask("POST", "reset", {"keep_settings": keep_settings})

    def settle(self, timeout: float = 10.0) -> dict[str, Any]:
        """Wait until the simulator is idle. Returns its state; raises TimeoutError after `timeout` seconds."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self._ask("GET", "idle")["idle"]:
                return self.state()
            time.sleep(_POLL_SECONDS)
        raise TimeoutError("the simulator is still busy")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self._client.request(method, f"/_admin/{path}", json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found
