"""The emulator behind `httpx.MockTransport`: a server without a socket."""

from __future__ import annotations

from typing import Protocol

import httpx

from reconciler.emulator import Request, Response


class Server(Protocol):
    """What answers: an emulator, or something in front of one."""

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        ...


def transport_to(server: Server) -> httpx.MockTransport:
    """Return a transport that hands every request to the emulator."""

    def handle(request: httpx.Request) -> httpx.Response:
        url = request.url.raw_path.decode("ascii")
        path, _, query = url.partition("?")
        response = server.handle(Request(request.method, path, query, dict(request.headers), request.content))
        if response.broken == "timeout":
            raise httpx.ReadTimeout("no answer", request=request)
        if response.broken in ("reset", "lost-answer", "truncated"):
            raise httpx.RemoteProtocolError("peer closed connection", request=request)
        return httpx.Response(response.status, headers=response.headers, content=response.body)

    return httpx.MockTransport(handle)
