"""The registry mirror for docker.io: Debian's docker-registry on the node, serving stand-ins under public names.

Its content is in the cache, which is filled once through the registry's own API by a short-lived process on the
machine's loopback. On the node it runs read-only: nobody in the cluster can put an image there.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from ink_artifacts import cache, files, oci
from ink_artifacts.errors import SetupError

from ink_local.cluster import LocalCluster
from ink_local.control_plane import kube
from ink_local.machine.supervise import NodeDaemon

PROGRAM = "docker-registry"


def storage() -> Path:
    return cache.cache_dir() / "registry-mirror"


def config(address: str, *, read_only: bool) -> str:
    """The registry's configuration; anonymous, plain HTTP."""
    return yaml.safe_dump(
        {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(storage())},
                "cache": {"blobdescriptor": "inmemory"},
                "maintenance": {"readonly": {"enabled": read_only}, "uploadpurging": {"enabled": False}},
            },
            "http": {"addr": address},
        }
    )


def daemon(cluster: LocalCluster) -> NodeDaemon:
    path = cluster.paths.config / "registry-mirror.yaml"
    return NodeDaemon(
        name="registry-mirror",
        argv=(PROGRAM, "serve", str(path)),
        files={path: config(cluster.registry_mirror, read_only=True)},
        healthy=lambda: kube.get(cluster.addresses.node, 5001, "/v2/") is not None,
        patience_seconds=20.0,
    )


def repository_of(reference: str) -> tuple[str, str]:
    """(repository, tag) under which docker.io knows an image: `python:3.12-slim` is `library/python`."""
    path, _, tag = reference.removeprefix("docker.io/").rpartition(":")
    return (path if "/" in path else f"library/{path}"), tag


def fill(archives: Mapping[str, Path]) -> list[str]:
    """Put the OCI archives (reference -> archive) that are not there yet into the storage; returns what was put."""
    with cache.locked("registry-mirror"):
        record = storage() / "pushed.json"
        have: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
        missing = {name: path for name, path in archives.items() if have.get(name) != str(path)}
        if missing:
            storage().mkdir(parents=True, exist_ok=True)
            with _serving() as port:
                for name, path in sorted(missing.items()):
                    oci.push(path, f"http://127.0.0.1:{port}", *repository_of(name))
                    have[name] = str(path)
                    files.write(record, json.dumps(have, indent=1), mode=0o644)
    return sorted(missing)


@contextlib.contextmanager
def _serving() -> Iterator[int]:
    """A writable registry on a free loopback port of the machine, for as long as the block runs."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file, tempfile.TemporaryFile() as log:
        file.write(config(f"127.0.0.1:{port}", read_only=False))
        file.flush()
        command = ["setpriv", "--pdeathsig", "KILL", PROGRAM, "serve", file.name]
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=dict(os.environ))
        try:
            deadline = time.monotonic() + 20
            while kube.get("127.0.0.1", port, "/v2/") is None:
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise SetupError(
                        "docker-registry does not start",
                        seen=log.read()[-300:].decode(errors="replace"),
                        remedy=f"remove {storage()} (it is filled again by itself), then run this again",
                    )
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
            process.wait(10)
