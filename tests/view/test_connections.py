"""Clients that hold a connection without using it are hung up on; the others are answered."""

import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import uvicorn

from msfusion_sdk.view import connections
from msfusion_sdk.view.app import Viewer
from msfusion_sdk.view.catalog import Catalog
from msfusion_sdk.view.serve import ADDRESS, _listening

from ..patience import patient

pytestmark = pytest.mark.slow


@pytest.fixture
def port(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a viewer that waits a second for a request."""
    monkeypatch.setattr(connections, "HEAD_S", 1.0)
    viewer = Viewer(catalog)
    protocol = connections.BoundedProtocol
    config = uvicorn.Config(viewer.app, http=protocol, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    with _listening(0) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()
    viewer.close()


def answers(port: int) -> bool:
    with urllib.request.urlopen(f"http://{ADDRESS}:{port}/", timeout=patient(60)) as answer:
        return bool(answer.status == 200)


def hung_up(client: socket.socket) -> bool:
    client.settimeout(patient(60))
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_half_a_request_is_hung_up_on(port: int) -> None:
    clients = [socket.create_connection((ADDRESS, port)) for _ in range(50)]
    for client in clients:
        client.send(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    assert answers(port)
    assert all(map(hung_up, clients))
    for client in clients:
        client.close()


def test_a_client_that_sends_a_byte_now_and_then_is_no_exception(port: int) -> None:
    with socket.create_connection((ADDRESS, port)) as client:
        begun = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - begun < patient(60):
                client.send(b"G")
                time.sleep(0.1)
        assert time.monotonic() - begun < patient(60)


def test_more_connections_than_allowed_do_not_block_the_others(port: int) -> None:
    clients = []
    for _ in range(300):
        try:
            clients.append(socket.create_connection((ADDRESS, port)))
        except OSError:
            break
    assert sum(map(hung_up, clients[::10])) == len(clients[::10])
    for client in clients:
        client.close()
    assert answers(port)


def test_it_listens_on_this_machine_alone() -> None:
    with _listening(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_a_head_that_never_ends_is_refused(port: int) -> None:
    with socket.create_connection((ADDRESS, port)) as client:
        client.settimeout(patient(60))
        try:
            client.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 200_000)
            answer = client.recv(100)
        except ConnectionError:
            answer = b""
        assert not answer or b" 400 " in answer


def test_the_static_files_are_there(cohort: Path, port: int) -> None:
    with urllib.request.urlopen(f"http://{ADDRESS}:{port}/static/view.js") as answer:
        assert answer.status == 200
