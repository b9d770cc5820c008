"""Every call that a function makes to the outside, recorded; and one of them made to fail as calls do."""

import copy
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import botocore.client
import httpx
from botocore.exceptions import ClientError, ReadTimeoutError

from relay.adapters.http.bulk import BulkTransport
from tests.support.cloudformation import ROOT

PACKAGE = ROOT / "layers" / "relay" / "relay"


class Crash(BaseException):
    """The process is gone."""


class Mode(StrEnum):
    """How a call fails."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    REFUSED = "throttled"
    """Nothing happened, and the caller is told so."""
    LOST = "answer lost"
    """It happened, and the caller is told of a failure."""
    REPEATED = "answer lost, repeated by the SDK"
    PARTIAL = "one entry not taken"
    UNREACHABLE = "no connection"
    TIMEOUT = "time-out, nothing happened"
    UNAVAILABLE = "HTTP 503"
    BROKEN = "broken off"
    """The answer's body ends in its middle."""


_CRASHES = (Mode.CRASH_BEFORE, Mode.CRASH_AFTER)
_AWS_READ = (*_CRASHES, Mode.REFUSED)
_AWS_WRITE = (*_AWS_READ, Mode.LOST, Mode.REPEATED)
_HTTP = (*_CRASHES, Mode.UNREACHABLE, Mode.TIMEOUT, Mode.LOST, Mode.UNAVAILABLE)
_DNS = (*_CRASHES, Mode.UNREACHABLE)
_READS = ("Get", "Query", "BatchGet", "List", "Describe", "Head", "Receive", "Scan")
_THROTTLES = {"dynamodb": "ProvisionedThroughputExceededException", "s3": "SlowDown"}


@dataclass(frozen=True, slots=True)
class Call:
    """One call, and the line of the product that makes it."""

    name: str
    file: str
    line: int
    modes: tuple[Mode, ...]

    @property
    def has_effect(self) -> bool:
        """Whether the outside is another after it; the provider counts what it is asked."""
        return self.modes not in {_AWS_READ, _DNS}


@dataclass(frozen=True, slots=True)
class Point:
    """The call number `number` of an invocation, and how it fails."""

    number: int
    mode: Mode


class Faults:
    """Watches the functions' calls; at most one of an invocation fails."""

    def __init__(self, outside: Callable[[httpx.Request], httpx.Response | None]) -> None:
        self._outside = outside
        self._lock = threading.Lock()
        self._nested = threading.local()
        self._watching = False
        self._crashed = False
        self._point: Point | None = None
        self.calls: list[Call] = []
        self.all_calls: set[Call] = set()

    @contextmanager
    def invocation(self, point: Point | None = None) -> Iterator[None]:
        """What happens inside is one function's; a crash ends it, and is not the caller's concern."""
        self.calls, self._point, self._crashed, self._watching = [], point, False, True
        try:
            yield
        finally:
            self._watching = False
            self.all_calls.update(self.calls)

    @property
    def is_reached(self) -> bool:
        """Whether the invocation came to the call that was to fail."""
        return self._point is None or len(self.calls) > self._point.number

    @contextmanager
    def installed(self, patch: Callable[[Any, str, Any], None]) -> Iterator[None]:
        """Between the product and botocore, httpx and the resolver; `patch` is monkeypatch.setattr."""
        aws, resolve = botocore.client.BaseClient._make_api_call, socket.getaddrinfo  # type: ignore[attr-defined]

        def call_aws(client: Any, operation: str, parameters: Any) -> Any:
            if not self._is_watched():
                return aws(client, operation, parameters)
            return self._aws(client, operation, lambda: aws(client, operation, copy.deepcopy(parameters)), parameters)

        def calling(http: Callable[[Any, httpx.Request], httpx.Response]) -> Callable[[Any, httpx.Request], httpx.Response]:
            def call_http(transport: Any, request: httpx.Request) -> httpx.Response:
                def perform() -> httpx.Response:
                    answer = self._outside(request)
                    return http(transport, request) if answer is None else answer

                return self._http(request, perform) if self._is_watched() else perform()

            return call_http

        def call_resolver(*arguments: Any, **options: Any) -> Any:
            if not self._is_watched():
                return resolve(*arguments, **options)
            return self._dns(lambda: resolve(*arguments, **options))

        patch(botocore.client.BaseClient, "_make_api_call", call_aws)
        for transport in (httpx.HTTPTransport, BulkTransport):
            patch(transport, "handle_request", calling(transport.handle_request))
        patch(socket, "getaddrinfo", call_resolver)
        yield

    def _is_watched(self) -> bool:
        return self._watching and not getattr(self._nested, "inside", False)

    def _perform[T](self, name: str, modes: tuple[Mode, ...], perform: Callable[[], T], fail: Callable[[Mode], T]) -> T:
        with self._lock:
            if self._crashed:
                raise Crash
            number = len(self.calls)
            self.calls.append(Call(name, *_site(), modes))
            mode = self._point.mode if self._point and self._point.number == number else None
            self._crashed = mode in _CRASHES
        if mode is Mode.CRASH_BEFORE:
            raise Crash
        self._nested.inside = True
        try:
            if mode is None:
                return perform()
            if mode is Mode.CRASH_AFTER:
                perform()
                raise Crash
            return fail(mode)
        finally:
            self._nested.inside = False

    def _aws(self, client: Any, operation: str, perform: Callable[[], Any], parameters: Any) -> Any:
        service = client.meta.service_model.service_name
        modes = _AWS_READ if operation.startswith(_READS) else _AWS_WRITE
        if operation == "PutEvents":
            modes = (*modes, Mode.PARTIAL)

        def fail(mode: Mode) -> Any:
            if mode is Mode.REFUSED:
                code = _THROTTLES.get(service, "ThrottlingException")
                raise ClientError({"Error": {"Code": code, "Message": "Rate exceeded"}}, operation)
            if mode is Mode.PARTIAL:
                parameters["Entries"].pop()
                answer = perform() if parameters["Entries"] else {"Entries": []}
                answer["Entries"].append({"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"})
                return answer | {"FailedEntryCount": 1}
            perform()
            if mode is Mode.REPEATED:
                return perform()
            raise ReadTimeoutError(endpoint_url=client.meta.endpoint_url)

        return self._perform(f"{service} {operation}", modes, perform, fail)

    def _http(self, request: httpx.Request, perform: Callable[[], httpx.Response]) -> httpx.Response:
        is_download = request.method == "GET" and request.url.path.startswith("/files/")
        is_hook = request.url.path.startswith("/hooks/")
        kind = "result" if is_download else "client" if is_hook else "bucket" if request.method == "PUT" else "provider"

        def fail(mode: Mode) -> httpx.Response:
            match mode:
                case Mode.UNREACHABLE:
                    raise httpx.ConnectError("Connection refused", request=request)
                case Mode.TIMEOUT:
                    raise httpx.ReadTimeout("The read operation timed out", request=request)
                case Mode.UNAVAILABLE:
                    return httpx.Response(503, content=b"<html>Service Unavailable</html>")
                case Mode.BROKEN:
                    return _broken(perform())
            perform().close()
            raise httpx.ReadTimeout("The read operation timed out", request=request)

        modes = (*_HTTP, Mode.BROKEN) if is_download else _HTTP
        return self._perform(f"{kind} {request.method}", modes, perform, fail)

    def _dns(self, perform: Callable[[], Any]) -> Any:
        def fail(_: Mode) -> Any:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

        return self._perform("resolver", _DNS, perform, fail)


class _HalfBody(httpx.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body[: len(self._body) // 2]
        raise httpx.ReadError("Connection reset by peer")


def _broken(whole: httpx.Response) -> httpx.Response:
    return httpx.Response(whole.status_code, headers=whole.headers, stream=_HalfBody(b"".join(whole.iter_raw())))


def _site() -> tuple[str, int]:
    """The innermost line of an adapter, or of the composition root, on the stack; a transport is not where a call begins."""
    frame = sys._getframe()
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PACKAGE) and frame.f_code.co_name != "handle_request":
            return path.relative_to(PACKAGE).as_posix(), frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]
    return "elsewhere", 0
