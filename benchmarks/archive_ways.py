"""Measures one transfer of a file from a host into a bucket: `python -m benchmarks.archive_ways WAY URL [--hashed]`."""

import argparse
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import certifi

type Transfer = Callable[[], tuple[int, str]]
_CERTIFICATE = os.environ["AWS_CA_BUNDLE"]


def ours(url: str) -> Transfer:
    """What archive_results does with one file."""
    certifi.where = lambda: _CERTIFICATE  # this host's certificate is not from a public authority
    from benchmarks.offline import services as made

    services = made(results_bucket="bucket", allow_loopback=True, max_result_bytes=5 << 30)
    source, store = services.source, services.results
    services._result_uploads  # noqa: B018, SLF001 - made before the measurement, as in a warm function

    def transfer() -> tuple[int, str]:
        with source.open(url) as opened:
            file = store.store("results/task/0", opened.chunks(), size=opened.size)
        return file.bytes, file.sha256

    return transfer


def upload_fileobj(url: str, *, hashed: bool) -> Transfer:
    """boto3's managed upload of the open response, as in its documentation."""
    import boto3
    import urllib3

    s3, pool = boto3.client("s3"), urllib3.PoolManager(ca_certs=_CERTIFICATE)

    def transfer() -> tuple[int, str]:
        response = pool.request("GET", url, preload_content=False)
        reader = _Hashing(response)
        s3.upload_fileobj(reader if hashed else response, "bucket", "0.mp4")  # type: ignore[arg-type]
        return reader.count, reader.digest.hexdigest()

    return transfer


class _Hashing:
    """A file object that counts and hashes the bytes read from it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.count = 0
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        """The next bytes."""
        piece: bytes = self._file.read(size)
        self.count += len(piece)
        self.digest.update(piece)
        return piece


def read_all(url: str) -> Transfer:
    """Read the whole file into memory, then upload it."""
    import boto3
    import urllib3

    s3, pool = boto3.client("s3"), urllib3.PoolManager(ca_certs=_CERTIFICATE)

    def transfer() -> tuple[int, str]:
        body = pool.request("GET", url).data
        s3.put_object(Bucket="bucket", Key="0.mp4", Body=body)
        return len(body), hashlib.sha256(body).hexdigest()

    return transfer


def main() -> None:
    """Run one transfer and print its figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive_ways", description=__doc__)
    parser.add_argument("way", choices=["ours", "upload_fileobj", "read-all"])
    parser.add_argument("url")
    parser.add_argument("--hashed", action="store_true")
    options = parser.parse_args()
    if options.way == "ours":
        transfer = ours(options.url)
    elif options.way == "read-all":
        transfer = read_all(options.url)
    else:
        transfer = upload_fileobj(options.url, hashed=options.hashed)
    base, began, cpu = _peak(), time.monotonic(), time.process_time()
    size, sha256 = transfer()
    figures = {"cpu": time.process_time() - cpu, "seconds": time.monotonic() - began, "base": base}
    sys.stdout.write(json.dumps(figures | {"grown": _peak() - base, "bytes": size, "sha256": sha256}))


def _peak() -> float:
    """This process's own peak memory in MB. getrusage would include the parent's memory from before the exec."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e6  # type: ignore[index]


if __name__ == "__main__":
    main()
