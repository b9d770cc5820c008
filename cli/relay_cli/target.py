"""Target: the relay that a command works on. It is a URL with a key, a CloudFormation stack, or the stack of `make up`."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from relay_cli.failures import NotFound, Refused, Unauthorized

if TYPE_CHECKING:
    from relay_cli.operator.stack import Stack

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_LOCAL_KEY, _LOCAL_SECRET = "defaultkey", "defaultsecret"  # the owner of the emulator's account: local/stack.py
_HOW_TO_CONFIGURE = "set --url and --key, or --stack; or run `make up` in a checkout and use its stack"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One relay. The options come first; environment variables and `.local/stack.json` fill in what is missing.

    - API URL: the first of --url, --stack, RELAY_URL, RELAY_STACK and the local stack.
    - Key: the first of --key and RELAY_KEY. The local stack gets its own key or --key: RELAY_KEY may be that of another relay.
    - AWS stack: the first of --stack, RELAY_STACK and the local stack. A URL of another relay rules out the local stack.
    """

    url: str | None = None
    key: str | None = None
    stack: str | None = None
    profile: str | None = None
    region: str | None = None

    @cached_property
    def api_url(self) -> str:
        """The base URL of the HTTP API, without a trailing slash.

        Raises NotFound if no relay is configured, and Refused for a URL that is invalid or would send the key unencrypted.
        """
        if url := self.url or (None if self.stack else os.environ.get("RELAY_URL")):
            return _checked(url)
        if name := self.stack or os.environ.get("RELAY_STACK"):
            return self._stack(name).outputs()["ApiUrl"].rstrip("/")
        if self._local:
            return self._local_url
        raise NotFound("no relay is configured", _HOW_TO_CONFIGURE)

    @cached_property
    def api_key(self) -> str:
        """The key for the HTTP API. Raises Unauthorized if there is none."""
        named = self.url or self.stack or os.environ.get("RELAY_URL") or os.environ.get("RELAY_STACK")
        if key := self.key or (named and os.environ.get("RELAY_KEY")):
            return key
        if self._local and self.api_url == self._local_url:
            return str(self._local["api_key"])
        raise Unauthorized(
            "no key is set", "set RELAY_KEY or --key; an operator creates a key with: relay keys create --tenant NAME"
        )

    @cached_property
    def aws(self) -> "Stack":
        """The CloudFormation stack. For the local stack, this sets the AWS_ variables to the emulator.

        Raises NotFound if no stack is configured.
        """
        if name := self.stack or os.environ.get("RELAY_STACK"):
            return self._stack(name)
        if not self._local:
            raise NotFound("no stack is configured", "this command needs AWS: add --stack NAME, or run `make up` in a checkout")
        url = self.url or os.environ.get("RELAY_URL")
        if url and _checked(url) != self._local_url:
            raise NotFound(f"{url} is not the URL of the local stack", "this command needs AWS: add --stack NAME")
        os.environ.pop("AWS_SESSION_TOKEN", None)
        os.environ.update(
            AWS_ENDPOINT_URL=self._local["aws_endpoint_url"],
            AWS_DEFAULT_REGION=self._local["region"],
            AWS_ACCESS_KEY_ID=_LOCAL_KEY,
            AWS_SECRET_ACCESS_KEY=_LOCAL_SECRET,
        )
        return self._stack(self._local["stack_name"])

    @property
    def is_local(self) -> bool:
        """Whether the commands use the emulator of `make up` instead of AWS."""
        return not (self.stack or os.environ.get("RELAY_STACK")) and self._local is not None

    @property
    def _local_url(self) -> str:
        """The URL of the local stack, which is on this machine; raises Refused for another one."""
        url = _checked(str((self._local or {}).get("gateway_url")))
        if not is_loopback(url):
            raise Refused(f"the local stack's URL {url} is not on this machine", "delete .local/stack.json")
        return url

    @cached_property
    def _local(self) -> dict[str, Any] | None:
        """The content of `.local/stack.json` in this folder or the nearest folder above it; None if there is none."""
        for folder in (Path.cwd(), *Path.cwd().parents):
            path = folder / ".local" / "stack.json"
            if path.is_file():
                described: dict[str, Any] = json.loads(path.read_text())
                return described
        return None

    def _stack(self, name: str) -> "Stack":
        from relay.adapters.aws import client
        from relay_cli.operator.stack import Stack

        if self.profile:
            os.environ["AWS_PROFILE"] = self.profile
        if region := self.region or os.environ.get("AWS_REGION"):
            os.environ["AWS_DEFAULT_REGION"] = region  # botocore does not read AWS_REGION
        return Stack(name, client)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Refused(f"{url!r} is not an http or https URL", "use the stack's output ApiUrl")
    if parts.scheme == "http" and not is_loopback(url):
        raise Refused(f"{url} would send the key unencrypted", "use an https URL")
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Return whether a URL points to this machine."""
    return urlsplit(url).hostname in _LOOPBACK
