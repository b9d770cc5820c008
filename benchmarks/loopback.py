"""Two TLS hosts on loopback, each in its own process: one generates result files, the other is an S3 that discards them."""

import datetime as dt
import hashlib
import ipaddress
import multiprocessing
import random
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_MIB = 1 << 20
_HEAD = b"\0\0\0\x18ftypmp42"
_CHUNK_SIZE = re.compile(rb"[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Their base URLs, and the file with the certificate to trust."""

    source: str
    bucket: str
    certificate: Path


@contextmanager
def running(folder: Path) -> Iterator[Hosts]:
    """Run both hosts with one certificate, which is made in `folder`."""
    certificate = certificate_in(folder)
    context = multiprocessing.get_context("spawn")
    processes, urls = [], []
    for handler in (_Source, _Bucket):
        receive, send = context.Pipe(duplex=False)
        process = context.Process(target=_serve, args=(handler, certificate, send), daemon=True)
        process.start()
        processes.append(process)
        urls.append(f"https://127.0.0.1:{receive.recv()}")
    try:
        yield Hosts(urls[0], urls[1], certificate)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def file_path(size: int, *, announced: bool = True) -> str:
    """The path of a video of `size` bytes at the source, with or without Content-Length."""
    return f"/{size}.mp4" + ("" if announced else "?chunked=1")


def digest_of(size: int) -> str:
    """The SHA-256 of that video, in hex."""
    digest = hashlib.sha256()
    for piece in _content(size):
        digest.update(piece)
    return digest.hexdigest()


def _content(size: int) -> Iterator[memoryview]:
    block = memoryview(_HEAD + random.Random(7).randbytes(_MIB - len(_HEAD)))  # noqa: S311 - no secret
    while size > 0:
        yield block[: min(size, _MIB)]
        size -= _MIB


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: Any) -> None:
        """Logs nothing, so that the measurement does not wait for a terminal."""

    def _answer(self, body: bytes = b"", **headers: str) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Source(_Handler):
    """GET /{size}.mp4[?chunked=1]"""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        size, chunked = int(url.path.strip("/").partition(".")[0]), bool(url.query)
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(size))))
        self.end_headers()
        for piece in _content(size):
            if chunked:
                self.wfile.write(b"%x\r\n" % len(piece))
            self.wfile.write(piece)
            if chunked:
                self.wfile.write(b"\r\n")
        if chunked:
            self.wfile.write(b"0\r\n\r\n")


class _Bucket(_Handler):
    """Answers PutObject and the calls of a multipart upload. It discards the content."""

    def do_PUT(self) -> None:
        coded = "aws-chunked" in self.headers.get("content-encoding", "")
        for _ in self._chunked() if coded else self._plain(self._length()):
            pass
        self._answer(ETag='"e"')

    def do_POST(self) -> None:
        for _ in self._plain(self._length()):
            pass
        completed = "uploadId" in parse_qs(urlsplit(self.path).query)
        name = "CompleteMultipartUploadResult" if completed else "InitiateMultipartUploadResult"
        self._answer(f"<{name}><Key>k</Key><UploadId>1</UploadId><ETag>e</ETag></{name}>".encode())

    def _length(self) -> int:
        return int(self.headers.get("content-length", 0))

    def _plain(self, size: int) -> Iterator[memoryview]:
        buffer = memoryview(bytearray(_MIB))
        while size > 0:
            read = self.rfile.readinto(buffer[: min(size, _MIB)])
            if not read:
                return
            size -= read
            yield buffer[:read]

    def _chunked(self) -> Iterator[memoryview]:
        """The payload of `aws-chunked`. The trailer is read but not checked."""
        while size := int(_CHUNK_SIZE.match(self.rfile.readline())[0], 16):  # type: ignore[index]
            yield from self._plain(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    context: ssl.SSLContext

    def get_request(self) -> tuple[Any, Any]:
        """Accept without the TLS handshake, which happens in the connection's own thread."""
        connection, address = super().get_request()
        return self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address


def _serve(handler: type[_Handler], certificate: Path, ready: Connection) -> None:
    server = _Server(("127.0.0.1", 0), handler)
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.context.load_cert_chain(certificate)
    ready.send(server.server_address[1])
    server.serve_forever()


def certificate_in(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, valid for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "loopback.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(pem))
    return path
