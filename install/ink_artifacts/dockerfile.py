"""Images from a Dockerfile on this machine: a BuildKit of our own, started for the build and stopped after it.

It runs in mount and pid namespaces of its own, so nothing of it outlives it but its cache, which makes the next build
of little change quick. RUN steps use the machine's network and trust the machine's CA bundle.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ink_artifacts import go_programs, oci
from ink_artifacts.cache import cache_dir, locked, log_file, remove
from ink_artifacts.errors import SetupError
from ink_artifacts.platform_images import RUNC_CA

START_SECONDS = 30.0
STOP_SECONDS = 20.0
CGROUP = "ink-buildkit"
CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True)
class DockerfileBuild:
    """What to build: one Dockerfile, of which each target becomes an image."""

    dockerfile: Path
    context: Path
    targets: Sequence[str]
    bases: Mapping[str, Path]
    """Public name, as it stands in a FROM -> OCI archive that is used in its place."""


def build_images(build: DockerfileBuild, dest: Path, name: Callable[[str, str], str]) -> None:
    """Build all targets and make `dest`, one OCI archive of them.

    `name(target, digest)` is the full reference that an image is to have. Raises SetupError with the decisive lines.
    """
    home, out = cache_dir() / "buildkit", cache_dir() / "buildkit" / "out"
    with locked("buildkit"), tempfile.TemporaryDirectory(prefix="ink-buildkit-") as short:
        for unfinished in (out / "ingest", home / "bases"):  # by a run that was killed
            remove(unfinished)
        with _daemon(home, Path(short)) as socket, ThreadPoolExecutor(len(build.targets)) as pool:
            layouts = _layouts(build.bases, home / "bases")
            # Built side by side into BuildKit's cache, then taken out one by one: a layout has room for one writer.
            for run in [pool.submit(_solve, build, target, socket, layouts, None) for target in build.targets]:
                run.result()
            digests = {target: _solve(build, target, socket, layouts, out) for target in build.targets}
        remove(home / "bases")
        oci.pack_layout(out, dest, {name(target, digest): digest for target, digest in digests.items()})


def ca_bundle() -> str:
    """The machine's CA bundle: where its environment says, else where Debian keeps it."""
    return next((os.environ[name] for name in CA_VARIABLES if os.environ.get(name)), CA_BUNDLE)


def _layouts(bases: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    unpacked = {}
    for number, (name, archive) in enumerate(sorted(bases.items())):
        unpacked[name] = folder / f"base{number}"
        oci.unpack_layout(archive, unpacked[name])
    return unpacked


def _solve(build: DockerfileBuild, target: str, socket: str, layouts: Mapping[str, Path], out: Path | None) -> str:
    """Build one target, into the OCI layout `out` if given; returns the digest of its manifest, empty without `out`."""
    metadata = Path(socket).parent / f"{target}.json"
    argv = [str(go_programs.ensure(["buildkit"])["buildctl"]), "--addr", f"unix://{socket}", "build"]
    argv += ["--frontend", "dockerfile.v0", "--progress", "plain", "--metadata-file", str(metadata)]
    argv += ["--local", f"context={build.context}", "--local", f"dockerfile={build.dockerfile.parent}"]
    argv += ["--opt", f"filename={build.dockerfile.name}", "--opt", f"target={target}"]
    # Times set by a clock would give the same content another digest, and every pod of it a needless restart.
    argv += ["--opt", "build-arg:SOURCE_DATE_EPOCH=0"]
    for name, layout in layouts.items():
        digest = json.loads((layout / "index.json").read_bytes())["manifests"][0]["digest"]
        argv += ["--oci-layout", f"{layout.name}={layout}"]
        argv += ["--opt", f"context:{name}=oci-layout://{layout.name}@{digest}"]
    if out:
        argv += ["--output", f"type=oci,tar=false,dest={out},name={target},compression=uncompressed"]
    log = log_file(f"image-ink-{target}")
    with log.open("ab" if out else "wb") as file:
        done = subprocess.run(
            ["setpriv", "--pdeathsig", "KILL", *argv], stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False
        )
    if done.returncode != 0:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        raise SetupError(f"building the image ink-{target} failed", seen=" | ".join(lines[-5:]), remedy=f"read {log}")
    return str(json.loads(metadata.read_bytes())["containerimage.digest"]) if out else ""


@contextlib.contextmanager
def _daemon(home: Path, short: Path) -> Iterator[str]:
    """A running buildkitd; yields the path of its socket, which is in `short` because socket paths must be short."""
    home.mkdir(parents=True, exist_ok=True)
    socket, config, log = short / "buildkitd.sock", short / "buildkitd.toml", log_file("buildkitd")
    config.write_text(_config(home, socket))
    argv = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"]
    argv += ["--pid", "--fork", "--kill-child", "--mount-proc"]
    argv += [str(go_programs.ensure(["buildkit"])["buildkitd"]), "--config", str(config)]
    with log.open("wb") as out:
        trusting = {**os.environ, "INK_BUILD_CA": ca_bundle()}
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=trusting)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                last = log.read_text(errors="replace").strip().splitlines()[-1:]
                raise SetupError("buildkitd does not start", seen="".join(last), remedy=f"read {log}")
            time.sleep(0.05)
        yield str(socket)
    finally:
        _stop(process)
        _remove_cgroups()


def _config(home: Path, socket: Path) -> str:
    return f"""\
root = "{home / "state"}"
[grpc]
  address = ["unix://{socket}"]
[worker.oci]
  enabled = true
  snapshotter = "overlayfs"
  networkMode = "host"
  binary = "{RUNC_CA}"
  defaultCgroupParent = "{CGROUP}"
  gc = true
  maxUsedSpace = "8GB"
[worker.containerd]
  enabled = false
"""


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End buildkitd, which is the child of the unshare that we started: asked first, so that it closes its cache."""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _remove_cgroups() -> None:
    """The (now empty) groups that RUN steps ran in."""
    for top in Path("/sys/fs/cgroup").glob(f"*/{CGROUP}"):
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
