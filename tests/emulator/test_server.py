"""The emulator behind a socket: broken connections, closing, concurrency."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from reconciler.emulator import Emulator, running, serve
from tests.emulator import builds, wire


def _send(url, asked):
    connection = wire.connect(url)
    try:
        return wire.send_over_socket(connection, asked)
    finally:
        connection.close()


def _raw(url: str, data: bytes) -> bytes:
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(data)
        received = b""
        while part := connection.recv(65536):
            received += part
        return received


@pytest.mark.parametrize("kind", ["reset", "lost-answer"])
def test_a_connection_is_really_closed(kind):
    emulator = Emulator()
    emulator.set_faults([{"kind": kind, "at": [0]}])
    with running(emulator) as url, pytest.raises(http.client.RemoteDisconnected):
        _send(url, wire.request("POST", "/openapi/build", body=builds.plain()))
    assert len(emulator.state()["builds"]) == (kind == "lost-answer")


def test_a_truncated_body_is_really_cut_off():
    emulator = Emulator()
    emulator.set_faults([{"kind": "truncated", "at": [0]}])
    with running(emulator) as url, pytest.raises(http.client.IncompleteRead) as cut:
        _send(url, wire.request("POST", "/openapi/build", body=builds.plain()))
    assert cut.value.partial == b'{"message"'


def test_a_hanging_request_never_answers_and_does_not_keep_the_server_from_closing():
    emulator = Emulator()
    emulator.set_faults([{"kind": "timeout", "at": [0]}])
    server = serve(emulator)
    server.start()
    connection = wire.connect(server.url)
    connection.timeout = 0.2
    with pytest.raises(TimeoutError):
        wire.send_over_socket(connection, wire.request("POST", "/openapi/build"))
    start = time.monotonic()
    server.close()
    assert time.monotonic() - start < 1
    connection.close()


def test_a_server_can_be_closed_twice_and_without_having_served():
    server = serve(Emulator())
    server.close()
    server.close()


def test_an_idle_connection_ends_with_the_server():
    emulator = Emulator()
    with running(emulator) as url:
        connection = wire.connect(url)
        assert wire.send_over_socket(connection, wire.request("GET", "/nope")).status == 404
    assert connection.sock.recv(1) == b""
    connection.close()


def test_one_connection_carries_many_requests_and_a_head_has_no_body():
    with running(Emulator()) as url:
        connection = wire.connect(url)
        for method, status in (("GET", 400), ("HEAD", 405), ("PATCH", 405), ("GET", 400)):
            answer = wire.send_over_socket(connection, wire.request(method, "/openapi/build"))
            assert answer.status == status
            assert int(answer.headers["content-length"]) > 0
            assert bool(answer.body) == (method != "HEAD")
        connection.close()


def test_bodies_in_chunks_and_bytes_that_are_no_ascii_are_read():
    emulator = Emulator()
    body = json.dumps(builds.plain(name="构")).encode()
    head = (
        f"POST /openapi/build?x=1 HTTP/1.1\r\nAuthorization: Bearer {wire.token()}\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    ).encode()
    chunks = b"".join(b"%x;x\r\n%s\r\n" % (len(part), part) for part in (body[:9], body[9:]))
    ask = f"GET /openapi/build/构/detail?projectKey=yaml&token={wire.token()} HTTP/1.0\r\n\r\n".encode()
    with running(emulator) as url:
        assert b" 200 OK" in _raw(url, head + chunks + b"0\r\n\r\n")
        assert b" 200 OK" in _raw(url, ask)


def test_a_client_that_goes_away_is_not_spoken_of(capfd):
    with running(Emulator()) as url:
        address = urlsplit(url)
        for data in (b"", b"nonsense\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"):
            with socket.create_connection((address.hostname, address.port)) as connection:
                connection.sendall(data)
        assert _send(url, wire.request("GET", "/nope")).status == 404
    assert capfd.readouterr() == ("", "")


def test_the_doors_answer_over_http():
    with running(Emulator(control=True)) as url:
        asked = wire.request("PUT", "/_emulator/state", body={"builds": [builds.made_in_the_page()]})
        assert _send(url, asked).body == b"{}"
        assert len(json.loads(_send(url, wire.request("GET", "/_emulator/state")).body)["builds"]) == 1


def test_of_many_that_take_the_same_name_at_once_one_gets_it():
    emulator = Emulator()
    barrier = threading.Barrier(8)

    def create(_: int) -> int:
        barrier.wait()
        return builds.create(emulator, builds.plain()).status

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(create, range(8))) == [200] + [400] * 7
