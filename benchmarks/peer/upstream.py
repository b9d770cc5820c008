"""A stub of OpenAI's video API: a video that is ready at once, with 256 MiB of content: `python upstream.py PORT`."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT_BYTES = 268_435_456
_BLOCK = b"\0\0\0\x18ftypmp42" + bytes(65_524)
_VIDEO = {"id": "video_1", "object": "video", "created_at": 1, "status": "completed", "model": "sora-2", "progress": 100,
          "seconds": "4", "size": "720x1280"}  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    """POST /v1/videos, GET /v1/videos/{id}, GET /v1/videos/{id}/content."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer with the video."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._say()

    def do_GET(self) -> None:
        """Answer with the video, or with its content."""
        if not self.path.endswith("/content"):
            self._say()
            return
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", str(CONTENT_BYTES))
        self.end_headers()
        for _ in range(CONTENT_BYTES // len(_BLOCK)):
            self.wfile.write(_BLOCK)

    def _say(self) -> None:
        body = json.dumps(_VIDEO).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
