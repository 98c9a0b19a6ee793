"""A hub of checkpoints on this machine: the part of the Hugging Face protocol that fetching one speaks.

Files of a folder are served under commits; tags can be moved, as people move them. Nothing outside is asked.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


def commit_named(text: str) -> str:
    """A commit's id: 40 hexadecimal digits."""
    return sha1(text.encode()).hexdigest()


@dataclass
class Hub:
    """`commits` holds the folder of each commit, `tags` what tags and branches mean; `served` every path asked for."""

    id: str
    commits: dict[str, Path] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    served: list[str] = field(default_factory=list)
    gated: bool = False
    address: str = ""

    def publish(self, tag: str, folder: Path) -> str:
        """Make `tag` mean a commit with the files of `folder`; returns the commit."""
        commit = commit_named(f"{self.id} {folder}")
        self.commits[commit] = folder
        self.tags[tag] = commit
        return commit

    def commit(self, revision: str) -> str | None:
        """What a revision means."""
        return revision if revision in self.commits else self.tags.get(revision)

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a program that should ask this hub."""
        return {"HF_ENDPOINT": self.address, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def _answer(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.served.append(f"{self.command} {path}")
        if path.startswith(f"/api/models/{self.hub.id}"):
            self._api(path.removeprefix(f"/api/models/{self.hub.id}").strip("/").split("/"))
        elif path.startswith(f"/{self.hub.id}/resolve/"):
            self._file(path.removeprefix(f"/{self.hub.id}/resolve/"), body)
        else:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _api(self, words: list[str]) -> None:
        if self.hub.gated:
            self._send(403, b"{}", {"X-Error-Code": "GatedRepo"})
            return
        what, revision = [*words, "", ""][:2]
        commit = self.hub.commit(revision or "main")
        if commit is None:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        elif what == "tree":
            self._json([self._entry(commit, file) for file in self._files(commit)])
        else:
            siblings = [{"rfilename": self._name(commit, file)} for file in self._files(commit)]
            self._json({"id": self.hub.id, "sha": commit, "siblings": siblings, "private": False, "tags": []})

    def _files(self, commit: str) -> list[Path]:
        return sorted(path for path in self.hub.commits[commit].rglob("*") if path.is_file())

    def _name(self, commit: str, file: Path) -> str:
        return file.relative_to(self.hub.commits[commit]).as_posix()

    def _entry(self, commit: str, file: Path) -> dict[str, object]:
        return {"type": "file", "path": self._name(commit, file), "size": file.stat().st_size, "oid": _oid(file)}

    def _file(self, path: str, body: bool) -> None:
        revision, _, name = path.partition("/")
        commit = self.hub.commit(revision)
        file = self.hub.commits[commit] / name if commit else Path()
        if commit is None or not file.is_file():
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        headers = {"ETag": f'"{_oid(file)}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        self._send(200, file.read_bytes(), headers, body)

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, data: bytes, headers: dict[str, str], body: bool = True) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)


def _oid(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()[:40]


@contextmanager
def serving(id_: str) -> Iterator[Hub]:
    """A hub with one checkpoint, at an address of this machine."""
    hub = Hub(id_)
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
