"""How much memory archiving one file takes: `python -m benchmarks.archive_memory [--bytes N] [--unknown-size]`.

The function's own adapters fetch the file from the provider's simulator and put it into a bucket that counts and forgets
the bytes; source and bucket run in other processes, so that the peak is the function's alone.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
from aiohttp import web

from local.simulator import running

GIB = 1 << 30
_KEY = "bench"


def measure(size: int, *, unknown_size: bool = False) -> dict[str, float]:
    """Archive one video of `size` bytes in a fresh process: `bytes`, `seconds`, `peak_mib`, and `base_mib` after imports."""
    receive, send = multiprocessing.get_context("spawn").Pipe(duplex=False)
    bucket = multiprocessing.get_context("spawn").Process(target=_bucket, args=(send,), daemon=True)
    bucket.start()
    try:
        with running(speed=1000.0, video_bytes=size) as provider:
            url = _result_url(provider.url, provider.headers)
            command = [sys.executable, "-m", "benchmarks.archive_memory", "--worker", url, "--bucket-url", receive.recv()]
            command += ["--unknown-size"] if unknown_size else []
            environment = {
                **os.environ,
                "AWS_ACCESS_KEY_ID": _KEY,
                "AWS_SECRET_ACCESS_KEY": _KEY,
                "AWS_DEFAULT_REGION": "us-east-1",
            }
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    finally:
        bucket.terminate()
        bucket.join()
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _result_url(provider_url: str, headers: dict[str, str]) -> str:
    """The URL of a finished video of the simulator."""
    with httpx.Client(base_url=provider_url, headers=headers, trust_env=False) as client:
        task = client.post("/v1/videos/text2video", json={"prompt": "a long film"}).json()["data"]
        deadline = time.monotonic() + 10
        while task["task_status"] != "succeed" and time.monotonic() < deadline:
            task = client.get(f"/v1/videos/text2video/{task['task_id']}").json()["data"]
    return str(task["task_result"]["videos"][0]["url"])


def _worker(url: str, bucket_url: str, *, unknown_size: bool) -> None:
    """The measured process: what archive_results does with one file."""
    os.environ["AWS_ENDPOINT_URL"] = bucket_url
    from relay.adapters.aws import client
    from relay.adapters.guard import Guard, GuardedTransport
    from relay.adapters.result_http import HttpResultSource
    from relay.adapters.results import S3ResultStore

    source = HttpResultSource(GuardedTransport(Guard(allow_loopback=True)))
    store = S3ResultStore(client("s3"), "bucket", largest=5 * GIB, url_seconds=60)
    base = _peak_mib()
    began = time.monotonic()
    with source.open(url) as opened:
        file = store.store("results/task/0", opened.chunks(), size=None if unknown_size else opened.size)
    seconds = time.monotonic() - began
    figures = {"bytes": file.bytes, "seconds": seconds, "peak_mib": _peak_mib(), "base_mib": base}
    sys.stdout.write(json.dumps(figures))


def _peak_mib() -> float:
    """This program's own peak: getrusage would count the parent's memory from before the exec."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def _bucket(ready: Connection) -> None:
    """An S3 that counts: PutObject and the calls of a multipart upload."""
    asyncio.run(_serve_bucket(ready))


async def _serve_bucket(ready: Connection) -> None:
    async def handle(request: web.Request) -> web.Response:
        async for _ in request.content.iter_chunked(1 << 20):
            pass
        if request.method == "POST":
            name = "CompleteMultipartUploadResult" if "uploadId" in request.query else "InitiateMultipartUploadResult"
            body = f"<{name}><Key>k</Key><UploadId>1</UploadId><ETag>e</ETag></{name}>"
            return web.Response(text=body, content_type="application/xml")
        return web.Response(headers={"ETag": '"e"'})

    app = web.Application(client_max_size=1 << 40)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    ready.send(f"http://127.0.0.1:{runner.addresses[0][1]}")
    await asyncio.Event().wait()


def main() -> None:
    """Print the figures, or be the measured process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive_memory", description=__doc__)
    parser.add_argument("--bytes", type=int, default=GIB)
    parser.add_argument("--unknown-size", action="store_true", help="as if Content-Length were missing: multipart")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--bucket-url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        _worker(options.worker, options.bucket_url, unknown_size=options.unknown_size)
        return
    figures = measure(options.bytes, unknown_size=options.unknown_size)
    rate = figures["bytes"] / figures["seconds"] / 1e6
    sys.stdout.write(
        f"{figures['bytes'] / GIB:.2f} GiB in {figures['seconds']:.1f} s ({rate:.0f} MB/s), "
        f"peak memory {figures['peak_mib']:.0f} MiB, {figures['base_mib']:.0f} MiB before\n"
    )


if __name__ == "__main__":
    main()
