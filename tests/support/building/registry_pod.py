"""The registry as its pod runs it: the chart's own script with the real program; and pushes to it, by hand."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from support.building.daemons import Process, Registry, answers, free_port, program, self_signed_rsa, token_auth
from support.cluster.helm import CHART
from support.waiting import eventually

SCRIPT = CHART / "files" / "registry" / "serve.sh"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER, CONFIG = "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.config.v1+json"


@dataclass
class RegistryPod(Registry):
    """Started by `registry_pod`; may be killed and started again."""

    directory: Path = field(kw_only=True)
    argv: list[str] = field(kw_only=True)
    environment: dict[str, str] = field(kw_only=True, default_factory=dict)

    def start(self) -> None:
        """As the kubelet does, after whatever end."""
        environment = {**os.environ, **self.environment}
        self.process = Process.start(self.argv, self.directory / "log", env=environment)
        self.process.wait_for("the registry", lambda: answers(self.port))

    def kill(self) -> None:
        """The container dies, with everything in it."""
        os.killpg(self.process.popen.pid, signal.SIGKILL)
        self.process.popen.wait(10)

    def signal(self, number: signal.Signals) -> None:
        """To the script alone."""
        self.process.popen.send_signal(number)

    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    def collect(self) -> None:
        """A whole collection, begun by hand."""
        before = self.log().count("collected:")
        self.signal(signal.SIGUSR1)
        eventually(
            lambda: self.log().count("collected:") > before and self.takes_pushes(),
            within=60,
            what="the collection ends",
            state=self.log,
        )

    def takes_pushes(self) -> bool:
        """An upload may begin."""
        try:
            return self.get("/v2/probe/blobs/uploads/", self.token("probe"), "POST")[0] == 202
        except OSError:
            return False

    def has_blob(self, digest: str) -> bool:
        """On its disk, whatever names it."""
        value = digest.removeprefix("sha256:")
        return (self.directory / "data/docker/registry/v2/blobs/sha256" / value[:2] / value / "data").exists()

    # by hand -----------------------------------------------------------------------------------------------------

    def push(self, repository: str, tag: str, *layers: bytes) -> str:
        """One image; returns its digest. Raises OSError for any answer but success."""
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(repository, f'{{"tag": "{tag}"}}'.encode(), CONFIG),
            "layers": [self._blob(repository, layer, LAYER) for layer in layers],
        }
        return self.push_manifest(repository, tag, json.dumps(manifest).encode(), MANIFEST)

    def push_index(self, repository: str, tag: str, *digests: str) -> str:
        """An index of images that are there."""
        entries = [{"mediaType": MANIFEST, "digest": digest, "size": 1} for digest in digests]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        return self.push_manifest(repository, tag, json.dumps(index).encode(), INDEX)

    def begin_upload(self, repository: str) -> str:
        """Where the layer is to be put."""
        return self._send("POST", f"/v2/{repository}/blobs/uploads/", self.token(repository))

    def end_upload(self, repository: str, place: str, data: bytes) -> None:
        """The whole of a layer."""
        self._send("PUT", f"{place}&digest={digest_of(data)}", self.token(repository), data)

    def push_manifest(self, repository: str, tag: str, data: bytes, kind: str) -> str:
        """Tag it; the same manifest may have several tags."""
        self._send("PUT", f"/v2/{repository}/manifests/{tag}", self.token(repository), data, kind)
        return "sha256:" + hashlib.sha256(data).hexdigest()

    def raw_manifest(self, repository: str, reference: str) -> bytes | None:
        """As it was pushed; None when it is not there."""
        status, body = self.get(f"/v2/{repository}/manifests/{reference}", self.token(repository))
        assert status in (200, 404), (status, body)
        return body if status == 200 else None

    def pull(self, repository: str, reference: str) -> list[bytes]:
        """All layers of an image; fails when anything of it is missing or changed."""
        manifest = self.manifest(repository, reference)
        found = []
        for part in (manifest["config"], *manifest["layers"]):
            status, body = self.get(f"/v2/{repository}/blobs/{part['digest']}", self.token(repository))
            assert status == 200, (repository, reference, status, body)
            assert "sha256:" + hashlib.sha256(body).hexdigest() == part["digest"]
            found.append(body)
        return found[1:]

    def _blob(self, repository: str, data: bytes, kind: str) -> dict[str, object]:
        self.end_upload(repository, self.begin_upload(repository), data)
        return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}

    def _send(
        self, method: str, url: str, token: str, data: bytes = b"", kind: str = "application/octet-stream"
    ) -> str:
        """Where the thing is that the request made."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        whole = url if url.startswith("http") else f"http://{self.host}{url}"
        request = urllib.request.Request(whole, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return str(answer.headers.get("Location", ""))
        except HTTPException as error:
            raise OSError(f"the registry broke off: {error}") from error


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def registry_pod(
    directory: Path, *command: str, shell: tuple[str, ...] = ("busybox", "sh"), **environment: str
) -> Iterator[RegistryPod]:
    """Run one; everything it keeps lies below `directory`. `command`: instead of the real program."""
    directory.mkdir(parents=True, exist_ok=True)
    pair, port = self_signed_rsa("registry-token"), free_port()
    (directory / "tls.crt").write_text(pair.cert)
    shutil.copy(SCRIPT, directory / "serve.sh")
    for name, readonly in (("push", False), ("push-readonly", True)):
        config = {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(directory / "data")},
                "delete": {"enabled": True},
                "maintenance": {"readonly": {"enabled": readonly}, "uploadpurging": {"enabled": False}},
            },
            "http": {"addr": f"127.0.0.1:{port}", "draintimeout": "5s"},
            "auth": token_auth(port, directory / "tls.crt"),
        }
        (directory / f"{name}.yml").write_text(json.dumps(config))  # JSON is YAML
    argv = [program(shell[0]), *shell[1:], str(directory / "serve.sh")]
    argv += [*(command or (program("docker-registry"),)), "serve"]
    process = Process.start(["true"], directory / "log")
    pod = RegistryPod(port, pair, process, directory=directory, argv=argv, environment=environment)
    pod.start()
    try:
        yield pod
    finally:
        with contextlib.suppress(ProcessLookupError):
            pod.kill()
