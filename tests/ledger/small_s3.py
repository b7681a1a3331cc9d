"""A small S3 of our own: what a ledger asks of one, and what a real one never does when it is wanted.

It keeps objects in memory and honours conditions, one request at a time. A test can set its clock, make it forget
conditions, or let it answer wrongly. Real servers are in `s3_server.py`; faults of the network are in `fault_proxy.py`.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "a-secret-key-of-a-test",
    "AWS_REGION": "us-east-1",
}
"""What the servers of the tests accept."""


class SmallS3:
    """One bucket called `led`. Use as a context manager.

    Attributes:
        objects: key → (body, seconds since 1970).
        skew: seconds that its clock is ahead of ours.
        heeds: whether it honours If-Match and If-None-Match.
        tags: whether it tells the tag of what it holds.
    """

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, float]] = {}
        self.skew = 0.0
        self.heeds = True
        self.tags = True
        self.requests: list[tuple[str, str]] = []
        self.guard = threading.RLock()
        handler = type("Handler", (_Handler,), {"s3": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    def __enter__(self) -> SmallS3:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environ(self) -> dict[str, str]:
        return {**KEYS, "AWS_ENDPOINT_URL": self.url, "HOME": "/nonexistent"}


class _Handler(BaseHTTPRequestHandler):
    s3: SmallS3
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        with self.s3.guard:
            self.s3.requests.append((self.command, key))
            if bucket != "led":
                self._fail(404, "NoSuchBucket")
            elif self.command == "POST":
                self._delete(body.decode())
            elif not key:
                self._list(parse_qs(parts.query).get("prefix", [""])[0])
            elif self.command == "PUT":
                self._put(key, body)
            elif key in self.s3.objects:
                found, when = self.s3.objects[key]
                self._send(200, found, {"ETag": tag(found), "Last-Modified": formatdate(when, usegmt=True)})
            else:
                self._fail(404, "NoSuchKey")

    def _put(self, key: str, body: bytes) -> None:
        there = self.s3.objects.get(key)
        wanted = self.headers.get("If-Match")
        if self.s3.heeds and there is not None and self.headers.get("If-None-Match") == "*":
            self._fail(412, "PreconditionFailed")
        elif self.s3.heeds and wanted and there is None:
            self._fail(404, "NoSuchKey")
        elif self.s3.heeds and wanted and there is not None and tag(there[0]) != wanted:
            self._fail(412, "PreconditionFailed")
        else:
            self.s3.objects[key] = (body, time.time() + self.s3.skew)
            self._send(200, b"", {"ETag": tag(body)})

    def _list(self, prefix: str) -> None:
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>{escape(tag(body))}</ETag><Size>{len(body)}</Size></Contents>"
            for key, (body, _) in sorted(self.s3.objects.items())
            if key.startswith(prefix)
        )
        text = f"<ListBucketResult><Name>led</Name><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        self._send(200, text.encode())

    def _delete(self, body: str) -> None:
        keys = re.findall(r"<Key>(.*?)</Key>", body)
        for key in keys:
            self.s3.objects.pop(unescape(key), None)
        rows = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        self._send(200, f"<DeleteResult>{rows}</DeleteResult>".encode())

    def _fail(self, status: int, code: str) -> None:
        self._send(status, f"<Error><Code>{code}</Code><Message>of the test</Message></Error>".encode())

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            if name != "ETag" or self.s3.tags:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def tag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
