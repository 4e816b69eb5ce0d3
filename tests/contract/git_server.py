"""A real git server of Ink's on loopback, somebody who hears its push events, and a developer's working copy."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from support.waiting import eventually

ROOT = Path(__file__).parents[2]
SIGNING_KEY, ADMIN_TOKEN, INTERNAL_TOKEN = "s" * 64, "a" * 48, "i" * 48
PERSON = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
FAST = ("-c", "core.compression=0")
"""What is large here are random bytes, which get no smaller."""
PLAIN = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "INK_"))},
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """`python -m <module>` with an environment of its own; started, killed and started again."""

    def __init__(self, module: str, log: Path, ready_url: str, env: dict[str, str]) -> None:
        self._module, self._log, self._ready_url, self._env = module, log, ready_url, env
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it says that it is ready."""
        path = os.pathsep.join(str(ROOT / name) for name in ("crds", "operator", "mcp_gateway"))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module],
                env={**PLAIN, "PYTHONPATH": path, "INK_LISTEN_HOST": "127.0.0.1", **self._env},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

        def ready() -> bool:
            assert self._process
            if self._process.poll() is not None:
                raise RuntimeError(f"{self._module} ended at once:\n{self.log()}")
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(self._ready_url).status_code == 200
            return False

        eventually(ready, within=60, every=0.05, what=f"{self._module} is ready", state=self.log)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal and wait for the end."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(timeout=40)

    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text(errors="replace")

    def children(self) -> list[str]:
        """Command lines of all processes in its tree but its own."""
        table: dict[int, tuple[int, str]] = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with contextlib.suppress(OSError):
                    parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                    table[int(folder.name)] = (parent, (folder / "cmdline").read_text().replace("\0", " "))
        family = {self.pid}
        while more := {pid for pid, (parent, _) in table.items() if parent in family} - family:
            family |= more
        return [table[pid][1] for pid in family - {self.pid} if table[pid][1]]

    def peak_bytes(self) -> int:
        """The most memory it ever had resident."""
        line = next(x for x in Path(f"/proc/{self.pid}/status").read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) << 10


class Receiver:
    """Takes push events as the gateway does; can be told to fail."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.tried = 0
        self.status = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.tried += 1
                if receiver.status == 204:
                    assert self.headers["Authorization"] == f"Bearer {INTERNAL_TOKEN}"
                    receiver.events.append(json.loads(body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/internal/v1/pushes"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def of(self, repository: str) -> list[dict[str, str]]:
        """All updates heard of one repository, in order."""
        return [update for e in list(self.events) if e["repository"] == repository for update in e["updates"]]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class GitServer:
    """The server, its internal API and its events."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self.receiver = Receiver()
        self.public, internal = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.public}"
        self.process = Process(
            "ink_git",
            folder / "log",
            f"{self.url}/readyz",
            {
                "INK_DATA": str(self.data),
                "INK_GIT_SIGNING_KEY": SIGNING_KEY,
                "INK_GIT_ADMIN_TOKEN": ADMIN_TOKEN,
                "INK_INTERNAL_TOKEN": INTERNAL_TOKEN,
                "INK_PUSH_EVENTS_URL": self.receiver.url,
                "INK_PUBLIC_PORT": str(self.public),
                "INK_INTERNAL_PORT": str(internal),
                **env,
            },
        )
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{internal}", headers=headers, timeout=30)

    def create(self, repo: str, workspace: str = "team") -> Repo:
        """A new repository with a token that may write and one that may read."""
        answer = self.api.put(f"/v1/repos/{workspace}/{repo}", json={"description": "a test"})
        assert answer.status_code == 201, answer.text
        tokens = {scope: self.token(workspace, repo, scope) for scope in ("write", "read")}
        return Repo(self, workspace, repo, tokens["write"], tokens["read"])

    def token(self, workspace: str, repo: str, scope: str, seconds: int | None = None) -> str:
        """A fresh token."""
        body = {"scope": scope, "expiresInSeconds": seconds}
        answer = self.api.post(f"/v1/repos/{workspace}/{repo}/tokens", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    def close(self) -> None:
        """Stop everything."""
        self.process.stop()
        self.receiver.close()
        self.api.close()


@dataclass(frozen=True)
class Repo:
    """A repository on the server."""

    server: GitServer
    workspace: str
    name: str
    write: str = field(repr=False)
    read: str = field(repr=False)

    @property
    def plain_url(self) -> str:
        """Address without a token."""
        return f"{self.server.url}/{self.workspace}/{self.name}.git"

    def url(self, token: str | None = None) -> str:
        """Address with a token; the writing one when none is given."""
        return self.plain_url.replace("http://", f"http://ink:{token or self.write}@")

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.server.data / "repos" / self.workspace / f"{self.name}.git"

    def refs(self) -> dict[str, str]:
        """What it holds, read by git itself."""
        out = run("--git-dir", str(self.path), "for-each-ref", "--format=%(refname) %(objectname)").stdout
        return dict(line.split(" ") for line in out.splitlines())


@dataclass(frozen=True)
class WorkingCopy:
    """A developer's repository."""

    directory: Path

    @classmethod
    def new(cls, directory: Path) -> WorkingCopy:
        """An empty one on branch main."""
        run("init", "--quiet", "--initial-branch=main", str(directory))
        return cls(directory)

    def git(self, *args: str, fails: bool = False) -> str:
        """What a git command printed (both streams)."""
        done = run("-C", str(self.directory), *args)
        assert (done.returncode != 0) is fails, f"git {args[0]}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def commit(self, text: str = "hello\n", file: str = "file.txt", data: bytes | None = None) -> str:
        """A commit with one file changed; its id."""
        (self.directory / file).write_bytes(text.encode() if data is None else data)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=change")
        return self.git("rev-parse", "HEAD").strip()


def run(*args: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """The ordinary git client, without anybody's settings."""
    return subprocess.run(
        ["git", *PERSON, *FAST, *args], env=PLAIN, capture_output=True, text=True, timeout=timeout, check=False
    )


@contextlib.contextmanager
def serving(folder: Path, **env: str) -> Iterator[GitServer]:
    """A running server; whatever it still runs at the end is a failure."""
    server = GitServer(folder, **env)
    try:
        server.process.start()
        yield server
        log = server.process.log()
        assert "Traceback" not in log, log
        for token in (SIGNING_KEY, ADMIN_TOKEN, INTERNAL_TOKEN, "mlg_"):
            assert token not in log, "a secret is in the log"
    finally:
        server.close()
