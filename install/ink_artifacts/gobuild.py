"""Building one component with the Go tool: its key, its build folder, the command, its binaries in the cache."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from ink_artifacts.cache import cache_dir, key_of, locked, log_file, published, remove, tree_parts
from ink_artifacts.components import Component, CopiedModule
from ink_artifacts.errors import SetupError

LINK_FLAGS = "-s -w"


@functools.lru_cache(maxsize=1)
def go_facts() -> dict[str, str]:
    """Version and module proxy of the Go tool on the PATH. Raises SetupError when there is none."""
    try:
        found = subprocess.run(
            ["go", "env", "-json", "GOVERSION", "GOPROXY"], check=True, capture_output=True, text=True, cwd="/"
        )
    except (OSError, subprocess.CalledProcessError) as failure:
        remedy = "install Go 1.26.8 or later and add it to the PATH"
        raise SetupError("the command `go` does not run", seen=str(failure), remedy=remedy) from failure
    facts: dict[str, str] = json.loads(found.stdout)
    return facts


def key(component: Component, go_version: str) -> str:
    """Names everything that decides what the component's binaries are."""
    return key_of(repr(component), LINK_FLAGS, go_version, *tree_parts(component.folder))


def home(component: Component) -> Path:
    """Where the component's finished binaries are, or will be."""
    return cache_dir() / "bin" / f"{component.name}-{key(component, go_facts()['GOVERSION'])}"


def programs(component: Component) -> dict[str, Path]:
    """Name -> path of every program of the component, whether built yet or not."""
    folder = home(component)
    return {name: folder / name for name in component.names}


def build(component: Component, waiting: Callable[[], None] = lambda: None) -> bool:
    """Build the component unless the cache has it; False when it had. One process builds, others wait for it."""
    final = home(component)
    if final.is_dir():
        return False
    with locked(component.name, waiting):
        if final.is_dir():
            return False
        log_file(component.name).unlink(missing_ok=True)
        with published(final) as draft:
            draft.mkdir()
            folder = _build_folder(component)
            for name, package in component.binaries.items():
                _compile(component, folder, package, draft / name)
            for name in component.links:
                (draft / name).symlink_to(next(iter(component.binaries)))
    return True


def _build_folder(component: Component) -> Path:
    """Where `go build` runs: our own folder, or a copy of it when modules have to be copied into it."""
    if not component.copied:
        return component.folder
    folder = cache_dir() / "build" / component.name
    remove(folder)
    folder.mkdir(parents=True)
    for module in component.copied:
        shutil.copytree(_module_source(module, component), folder / module.folder)
        for path in (folder / module.folder).rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        (folder / module.folder).chmod(0o755)
    shutil.copytree(component.folder, folder, dirs_exist_ok=True)
    return folder


def _module_source(module: CopiedModule, component: Component) -> Path:
    """The module's folder in Go's module cache, downloaded when absent and checked against our checksum."""
    argv = ["go", "mod", "download", "-json", f"{module.path}@{module.version}"]
    with log_file(component.name).open("ab") as log:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=log, env=_environment(), cwd="/", check=False)
    answer = json.loads(done.stdout or b"{}")
    if done.returncode != 0 or answer.get("Sum") != module.sum:
        raise SetupError(
            f"{module.path} {module.version} could not be downloaded as it was released",
            seen=answer.get("Error") or f"checksum {answer.get('Sum')}, expected {module.sum}",
            remedy="check that the module proxy (go env GOPROXY) is reachable, then run this again",
        )
    return Path(answer["Dir"])


def _compile(component: Component, folder: Path, package: str, binary: Path) -> None:
    variables = " ".join(f"-X {variable}" for variable in component.variables)
    argv = ["go", "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", f"{LINK_FLAGS} {variables}".strip()]
    argv += ["-tags", component.tags] if component.tags else []
    argv += ["-o", str(binary), package]
    log = log_file(component.name)
    with log.open("ab") as out:
        # A killed launcher must not leave a compiler behind: the kernel ends it together with its parent.
        done = subprocess.run(
            ["setpriv", "--pdeathsig", "KILL", "nice", *argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=folder,
            env=_environment(),
            check=False,
        )
    if done.returncode != 0:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise SetupError(
            f"building {component.name} failed",
            seen=last[0] if last else f"exit code {done.returncode}",
            remedy=f"read {log}; if a download failed, check the network, then run this again",
        )


def _environment() -> dict[str, str]:
    """The caller's environment, with everything set that could change what is built."""
    # Without a fallback past the proxy a missing version is named as such, not as a failed name look-up.
    proxy = ",".join(part for part in go_facts()["GOPROXY"].split(",") if part != "direct") or "direct"
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOPROXY": proxy, "GOWORK": "off"}
    return {**os.environ, **fixed, "GOOS": "linux"}
