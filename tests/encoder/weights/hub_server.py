"""As much of the Hugging Face hub as sending and loading a model asks for, at loopback."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Hub", "hub"]


@dataclass
class Hub:
    """Repositories, and what was asked for."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    authorization: set[str] = field(default_factory=set)
    may_write: bool = True
    address: str = ""

    def commit(self, name: str) -> str:
        files = self.repositories[name]
        digests = sorted(
            f"{path} {hashlib.sha256(data).hexdigest()}" for path, data in files.items()
        )
        return hashlib.sha1("\n".join(digests).encode()).hexdigest()


@contextmanager
def hub() -> Iterator[Hub]:
    """Serve a hub while the block runs."""
    world = Hub()

    class Handler(_Handler):
        of = world

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    world.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield world
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    of: Hub
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.of.authorization.add(self.headers.get("Authorization", ""))
        path = self.path.partition("?")[0]
        if not self.of.may_write:
            self.answer({"error": "You do not have the rights"}, 403)
        elif path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else (
                asked["name"]
            )  # fmt: skip
            self.of.repositories.setdefault(name, {})
            is_private = asked.get("private") or asked.get("visibility") == "private"
            self.of.private.setdefault(name, bool(is_private))
            self.answer({"url": f"{self.of.address}/{name}", "name": name})
        elif path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif "/preupload/" in path:
            files = json.loads(body)["files"]
            modes = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files
            ]
            self.answer({"files": modes})
        elif "/commit/" in path:
            self.take(path.split("/commit/")[0].removeprefix("/api/models/"), body)
        else:
            self.answer({"error": path}, 404)

    def take(self, name: str, body: bytes) -> None:
        files = self.of.repositories[name]
        for line in body.splitlines():
            step = json.loads(line)
            if step["key"] == "file":
                files[step["value"]["path"]] = base64.b64decode(step["value"]["content"])
            elif step["key"] == "deletedFile":
                files.pop(step["value"]["path"])
        oid = self.of.commit(name)
        self.answer({"commitUrl": f"{self.of.address}/{name}/commit/{oid}", "commitOid": oid})

    def do_GET(self) -> None:
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"] and parts[4:5] == ["tree"]:
            files = self.of.repositories["/".join(parts[2:4])]
            rows = [
                {"type": "file", "path": path, "size": len(data), "oid": "0" * 40}
                for path, data in files.items()
            ]
            self.answer(rows)
        elif parts[:2] == ["api", "models"]:
            name = "/".join(parts[2:4])
            files = self.of.repositories.get(name)
            if files is None:
                self.answer(
                    {"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"}
                )
                return
            siblings = [{"rfilename": path} for path in files]
            self.answer({"id": name, "sha": self.of.commit(name), "siblings": siblings})
        elif parts[2:3] == ["resolve"]:
            name, path = "/".join(parts[:2]), "/".join(parts[4:])
            data = self.of.repositories[name].get(path)
            if data is None:
                self.answer({}, 404, {"X-Error-Code": "EntryNotFound"})
                return
            told = {
                "ETag": f'"{hashlib.sha256(data).hexdigest()}"',
                "X-Repo-Commit": self.of.commit(name),
            }
            self.answer(data, 200, told)
        else:
            self.answer({"error": self.path}, 404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def answer(self, content: Any, status: int = 200, told: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(told or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
