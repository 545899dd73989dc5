"""Web servers at loopback, as good and as bad as those of the world."""

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

__all__ = ["Served", "cutting", "served"]


@dataclass
class Served:
    """What a server has, how it behaves, and what it was asked."""

    files: dict[str, bytes]
    """By path, without the first slash."""
    ranges: bool = True
    etag: bool = True
    time: bool = True
    lists: bool = True
    cuts: int = 0
    """Connections that are still to be cut."""
    cut_after: int = 50_000
    """Bytes that come through before."""
    needs: str = ""
    """A query without which it refuses."""
    authorization: str = ""
    """A header without which it refuses."""
    status: int = 0
    """Answered to everything, if not 0."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Paths and ranges."""
    on_ask: Callable[[str, str], None] | None = None
    """Called with path and range, before the answer."""
    port: int = 0

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{quote(name)}"

    def below(self, folder: str) -> list[str]:
        """Return what a list of a folder shows; folders end in a slash."""
        inside = [name[len(folder) :] for name in self.files if name.startswith(folder)]
        return sorted({n.partition("/")[0] + ("/" if "/" in n else "") for n in inside})


@contextmanager
def served(files: dict[str, bytes] | Path, **behaves: Any) -> Iterator[Served]:
    """Serve files, or those of a folder, while the block runs."""
    if isinstance(files, Path):
        found = [path for path in files.rglob("*") if path.is_file()]
        files = {path.relative_to(files).as_posix(): path.read_bytes() for path in found}
    world = Served(dict(files), **behaves)

    class Handler(_Handler):
        of = world

    server = _Quiet(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    world.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield world
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of askers who have gone."""


class _Handler(BaseHTTPRequestHandler):
    of: Served
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, _, query = self.path.lstrip("/").partition("?")
        name, span = unquote(path), self.headers.get("Range", "")
        self.of.asked.append((name, span))
        if self.of.on_ask is not None:
            self.of.on_ask(name, span)
        is_known = self.headers.get("Authorization", "") == self.of.authorization
        if self.of.status or query != self.of.needs or not is_known:
            self.refuse(self.of.status or 403)
        elif name.endswith("/") and self.of.lists:
            links = "".join(f'<a href="{quote(n)}">{n}</a>\n' for n in self.of.below(name))
            self.answer(200, f'<a href="?C=N">Name</a><a href="../">..</a>{links}'.encode(), {})
        elif name not in self.of.files:
            self.refuse(404)
        else:
            self.send(self.of.files[name], span)

    def send(self, content: bytes, span: str) -> None:
        told = {"Content-Type": "application/octet-stream"}
        if self.of.etag:
            told["ETag"] = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if self.of.time:
            told["Last-Modified"] = "Sat, 01 Aug 2026 10:00:00 GMT"
        if not (self.of.ranges and span):
            self.answer(200, content, told)
            return
        first, _, last = span.removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last or len(content)), len(content) - 1)
        if begin >= len(content):
            self.refuse(416)
            return
        told["Content-Range"] = f"bytes {begin}-{end}/{len(content)}"
        self.answer(206, content[begin : end + 1], told)

    def answer(self, status: int, body: bytes, told: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "text/html", **told}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        is_cut = self.of.cuts > 0 and len(body) > self.of.cut_after
        self.of.cuts -= is_cut
        try:
            self.wfile.write(body[: self.of.cut_after] if is_cut else body)
        except ConnectionError:  # one byte was wanted, and the asker has gone
            is_cut = True
        self.close_connection = is_cut

    def refuse(self, status: int) -> None:
        self.answer(status, b"no", {})

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def cutting(port: int, *, cuts: int, after: int) -> Iterator[tuple[int, list[int]]]:
    """Pass on what a server of this machine says, and cut some connections in the middle.

    Yields the port, and how many are still to be cut.
    """
    left, door = [cuts], socket.create_server(("127.0.0.1", 0))

    def relay(here: socket.socket) -> None:
        with here, socket.create_connection(("127.0.0.1", port)) as there:
            threading.Thread(target=pass_on, args=(here, there), daemon=True).start()
            said = 0
            while piece := there.recv(8192):
                here.sendall(piece)
                said += len(piece)
                if said > after and left[0]:
                    left[0] -= 1
                    break
            # Closing alone says nothing while the other thread still listens.
            here.shutdown(socket.SHUT_RDWR)

    def pass_on(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(8192):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                here, _ = door.accept()
                threading.Thread(target=quietly, args=(here,), daemon=True).start()

    def quietly(here: socket.socket) -> None:
        with suppress(OSError):
            relay(here)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield door.getsockname()[1], left
    finally:
        door.close()
