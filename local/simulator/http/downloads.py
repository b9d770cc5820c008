"""Serves the result files, with ranges and validators, and injects the faults of a file host."""

import asyncio
from collections.abc import Iterator
from hashlib import sha256

from aiohttp import web

from local.simulator.account.account import Account
from local.simulator.account.results import signature
from local.simulator.account.tasks import Medium, Task
from local.simulator.media import MediaFile

_OTHER_BODY = "<html><body>This is not the file that you are looking for.</body></html>"


class Downloads:
    """GET and HEAD /results/{task_id}/{name}."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        """The only route. aiohttp adds HEAD to GET."""
        return [web.get("/results/{task_id}/{name}", self.download)]

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Serve the file, if the URL was issued and still works."""
        task = self._account.ledger.holder(request.match_info["task_id"])
        medium = task.medium(request.match_info["name"]) if task else None
        if task is None or medium is None:
            return web.Response(status=404)
        generation = request.query.get("v", "")
        if not generation.isdecimal() or not self._is_signed(request, task, medium, int(generation)):
            return web.Response(status=403)
        if int(generation) < task.dead_below:
            self._account.faults.injected["result_dead"] += 1
            return web.Response(status=task.dead_status)
        if fault := task.fault("result_wrong_type"):
            params = self._account.faults.count(fault).params
            media_type = params.get("media_type", medium.open().media_type)
            return web.Response(text=params.get("body", _OTHER_BODY), content_type=media_type)
        return await self._serve(request, task, medium)

    def _is_signed(self, request: web.Request, task: Task, medium: Medium, generation: int) -> bool:
        return request.query.get("s") == signature(self._account.seed, task.id, medium.name, generation)

    async def _serve(self, request: web.Request, task: Task, medium: Medium) -> web.StreamResponse:
        media = medium.open()
        etag = f'"{sha256(f"{medium.seed}/{medium.size}".encode()).hexdigest()[:32]}"'
        headers = {"Accept-Ranges": "bytes", "ETag": etag, "Content-Type": media.media_type}
        if request.headers.get("If-None-Match") in (etag, "*"):
            return web.Response(status=304, headers=headers)
        try:
            asked = _requested_range(request, media.size, etag)
        except ValueError:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{media.size}"})
        start, stop = asked or (0, media.size)
        response = web.StreamResponse(headers=headers)
        if asked:
            response.set_status(206)
            response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{media.size}"
        return await self._send(request, response, task, media, start, stop)

    async def _send(
        self, request: web.Request, response: web.StreamResponse, task: Task, media: MediaFile, start: int, stop: int
    ) -> web.StreamResponse:
        larger = task.fault("result_larger") if request.method == "GET" else None
        if larger is None:
            response.content_length = stop - start
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        if cut := task.fault("result_truncated"):
            stop = min(start + self._account.faults.count(cut).params.get("at_byte", (stop - start) // 2), stop)
        await self._write(response, task, media.read(start, stop))
        if larger:
            extra = self._account.faults.count(larger).params.get("extra_bytes", media.size)
            await self._write(response, task, media.read(0, min(extra, media.size)))
        if cut and request.transport:
            request.transport.close()
        return response

    async def _write(self, response: web.StreamResponse, task: Task, pieces: Iterator[bytes]) -> None:
        slow = task.fault("result_slow")
        if slow is None:
            for piece in pieces:
                await response.write(piece)
            return
        params = self._account.faults.count(slow).params
        await asyncio.sleep(params.get("delay_seconds", 0))
        rate = params.get("bytes_per_second", 0)
        step = max(rate // 20, 1) if rate else 65_536
        for piece in pieces:
            for at in range(0, len(piece), step):
                await response.write(piece[at : at + step])
                await asyncio.sleep(step / rate if rate else 0)


def _requested_range(request: web.Request, size: int, etag: str) -> tuple[int, int] | None:
    """The bytes [start, stop) of the Range header; None without a usable one. Raises ValueError if it cannot be satisfied."""
    asked = request.http_range
    if (asked.start is None and asked.stop is None) or request.headers.get("If-Range", etag) != etag:
        return None
    start = asked.start or 0
    start = max(size + start, 0) if start < 0 else start
    stop = min(asked.stop or size, size)
    if start >= stop:
        raise ValueError("not satisfiable")
    return start, stop
