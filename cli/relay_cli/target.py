"""Where the relay is: a URL and a key, a CloudFormation stack, or the one that `make up` started."""

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
_LOCAL_KEY, _LOCAL_SECRET = "defaultkey", "defaultsecret"  # the emulator's own account owner: local/stack.py
_NOWHERE = "name a relay: --url and --key, or --stack, or run `make up` in a checkout"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One relay, as the options name it; the environment and `.local/stack.json` fill in what they leave out.

    API: --url, --stack, RELAY_URL, RELAY_STACK, the local stack: the first that is given. Key: --key, RELAY_KEY, the local
    stack's own where that is the API. AWS: --stack, RELAY_STACK, the local stack unless a URL names another relay.
    """

    url: str | None = None
    key: str | None = None
    stack: str | None = None
    profile: str | None = None
    region: str | None = None

    @cached_property
    def api_url(self) -> str:
        """The base URL of the HTTP API; raises Failure when nothing says it, or when a key would travel in the clear."""
        if url := self.url or (None if self.stack else os.environ.get("RELAY_URL")):
            return _checked(url)
        if name := self.stack or os.environ.get("RELAY_STACK"):
            return self._stack(name).outputs()["ApiUrl"].rstrip("/")
        if self._local:
            return str(self._local["gateway_url"])
        raise NotFound("no relay is named", _NOWHERE)

    @cached_property
    def api_key(self) -> str:
        """The key for it; raises Unauthorized when there is none."""
        if key := self.key or os.environ.get("RELAY_KEY"):
            return key
        if self._local and self.api_url == self._local["gateway_url"]:
            return str(self._local["api_key"])
        raise Unauthorized("no key is given", "set RELAY_KEY or --key; the operator makes one: relay keys create --tenant NAME")

    @cached_property
    def aws(self) -> "Stack":
        """The CloudFormation stack; its clients are led to it by the environment. Raises Failure when none is named."""
        if name := self.stack or os.environ.get("RELAY_STACK"):
            return self._stack(name)
        if not self._local:
            raise NotFound("no stack is named", "this command works on AWS: add --stack NAME, or run `make up` in a checkout")
        url = self.url or os.environ.get("RELAY_URL")
        if url and _checked(url) != self._local["gateway_url"]:
            raise NotFound(f"{url} is not the local stack's", "this command works on AWS: add --stack NAME")
        os.environ.update(
            AWS_ENDPOINT_URL=self._local["aws_endpoint_url"],
            AWS_DEFAULT_REGION=self._local["region"],
            AWS_ACCESS_KEY_ID=_LOCAL_KEY,
            AWS_SECRET_ACCESS_KEY=_LOCAL_SECRET,
        )
        return self._stack(self._local["stack_name"])

    @property
    def is_local(self) -> bool:
        """Whether AWS is the emulator of `make up`."""
        return not (self.stack or os.environ.get("RELAY_STACK")) and self._local is not None

    @cached_property
    def _local(self) -> dict[str, Any] | None:
        """`.local/stack.json` of this folder or of the nearest one above it."""
        for folder in (Path.cwd(), *Path.cwd().parents):
            path = folder / ".local" / "stack.json"
            if path.is_file():
                found: dict[str, Any] = json.loads(path.read_text())
                return found
        return None

    def _stack(self, name: str) -> "Stack":
        from relay.adapters.aws import client
        from relay_cli.operator.stack import Stack

        if self.profile:
            os.environ["AWS_PROFILE"] = self.profile
        if region := self.region or os.environ.get("AWS_REGION"):
            os.environ["AWS_DEFAULT_REGION"] = region  # the only one that botocore reads
        return Stack(name, client)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Refused(f"{url!r} is not an http or https URL", "--url takes the stack's output ApiUrl")
    if parts.scheme == "http" and not is_loopback(url):
        raise Refused(f"{url} would carry the key unencrypted", "use https")
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether a URL stays on this machine."""
    return urlsplit(url).hostname in _LOOPBACK
