"""The load generator of the comparisons: POSTs over open connections. Each sends its next request after the response."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import ClientSession, ClientTimeout, TCPConnector

type Request = Callable[[int], tuple[str, bytes]]
"""Returns the URL and the body of a request, given its number."""


@dataclass(frozen=True, slots=True)
class Load:
    """Responses per second, and response times in ms."""

    rate: float
    p50: float
    p99: float


def posted(request: Request, *, requests: int, connections: int, headers: dict[str, str] | None = None) -> Load:
    """Send `requests` requests over `connections` connections; raises RuntimeError if a response is not 200."""
    return asyncio.run(_posted(request, requests, connections, {"Content-Type": "application/json"} | (headers or {})))


async def _posted(request: Request, requests: int, connections: int, headers: dict[str, str]) -> Load:
    numbers, times = iter(range(requests)), list[float]()
    async with ClientSession(
        connector=TCPConnector(limit=connections), timeout=ClientTimeout(60), headers=headers, trust_env=False
    ) as session:

        async def send() -> None:
            for number in numbers:
                url, body = request(number)
                began = time.perf_counter()
                async with session.post(url, data=body) as answer:
                    said = await answer.text()
                    if answer.status != 200:
                        raise RuntimeError(f"{url}: HTTP {answer.status} {said[:500]}")
                times.append((time.perf_counter() - began) * 1000)

        began = time.perf_counter()
        await asyncio.gather(*(send() for _ in range(connections)))
        seconds = time.perf_counter() - began
    times.sort()
    return Load(requests / seconds, times[len(times) // 2], times[int(len(times) * 0.99)])
