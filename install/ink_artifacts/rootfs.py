"""Debian root filesystems for images, made by mmdebstrap and kept in the cache.

Two sorts: a whole small Debian with apt, which stands in for public base images, and bare trees of extracted packages
(no shell, no apt, no maintainer scripts run) for images of the platform.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ink_artifacts.cache import cache_dir, key_of, locked, log_file, published, remove
from ink_artifacts.errors import SetupError

_HOOKS = "/usr/share/mmdebstrap/hooks"

_DPKG = (
    "force-unsafe-io",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/groff/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/locale/*",
    "path-include=/usr/share/locale/locale.alias",
)
"""What dpkg leaves out, now and in every later installation into the image; and that it need not wait for the disk."""

_APT = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
"""  # noqa: E501  # apt's configuration knows no line continuation


@dataclass(frozen=True)
class Recipe:
    """One root filesystem. `bare`: extract the packages only; else a whole Debian with apt and these packages."""

    name: str
    suite: str
    packages: tuple[str, ...]
    bare: bool = False
    finish: Callable[[Path], None] = lambda root: None
    """Last changes, on the finished tree."""
    sources: tuple[Path, ...] = ()
    """Files of this repository that `finish` is made from, beside this one."""

    @property
    def key(self) -> str:
        """Names everything that decides the tree, but for the day's state of the distribution."""
        made_by = [path.read_bytes() for path in (Path(__file__), *self.sources)]
        return key_of(self.name, self.suite, *self.packages, str(self.bare), *made_by)

    @property
    def home(self) -> Path:
        return cache_dir() / "rootfs" / f"{self.name}-{self.key}"


def ensure(recipe: Recipe) -> Path:
    """The recipe's tree, made when the cache lacks it. Not to be written to: copy it."""
    if recipe.home.is_dir():
        return recipe.home
    with locked(f"rootfs-{recipe.name}"):
        if not recipe.home.is_dir():
            with published(recipe.home) as draft:
                _bootstrap(recipe, draft)
                _neutral(draft)
                (_finish_bare if recipe.bare else _finish_debian)(draft)
                recipe.finish(draft)
    return recipe.home


def _bootstrap(recipe: Recipe, dest: Path) -> None:
    argv = ["mmdebstrap", f"--variant={'extract' if recipe.bare else 'minbase'}"]
    argv += ["--include=" + ",".join(recipe.packages)] if recipe.packages else []
    argv += [] if recipe.bare else [f"--dpkgopt={option}" for option in _DPKG]
    argv += [] if recipe.bare else [f"--hook-dir={_HOOKS}/maybe-merged-usr"]
    run([*argv, recipe.suite, str(dest)], f"rootfs-{recipe.name}")


def run(argv: list[str], log_name: str, cwd: Path | None = None) -> None:
    """Run a tool at low priority with its output in a log. Raises SetupError, naming the log, when it fails."""
    log = log_file(log_name)
    with log.open("ab") as out:
        wrapped = ["setpriv", "--pdeathsig", "KILL", "nice", *argv]
        done = subprocess.run(wrapped, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, check=False)
    if done.returncode != 0:
        raise SetupError(
            f"{argv[0]} failed while making {log_name}",
            seen=(log.read_text(errors="replace").strip().splitlines() or ["nothing"])[-1],
            remedy=f"read {log}; if a download failed, check the network, then run this again",
        )


def _neutral(root: Path) -> None:
    """Nothing of the machine that made the tree, and nothing that differs from one making to the next."""
    for name in ("etc/resolv.conf", "etc/hostname", "etc/machine-id"):
        remove(root / name)
        (root / name).write_text("")
    empty(root, "dev", "proc", "sys", "run", "tmp", "var/cache/apt", "var/lib/apt/lists", "var/log")
    remove(root / "var/cache/ldconfig/aux-cache")
    (root / "tmp").chmod(0o1777)


def _finish_debian(root: Path) -> None:
    (root / "etc/apt/apt.conf.d/docker-clean").write_text(_APT)
    remove(root / "etc/apt/apt.conf.d/99mmdebstrap")
    for name in ("var/cache/apt/archives/partial", "var/lib/apt/lists/partial", "var/log/apt"):
        (root / name).mkdir(parents=True, exist_ok=True)


def _finish_bare(root: Path) -> None:
    """What maintainer scripts would have done, and away with what no program reads."""
    share = root / "usr/share"
    for folder in ("doc", "man", "locale", "info", "lintian", "bash-completion", "perl", "perl5", "git-core/templates"):
        remove(share / folder)
    library = root / "usr/lib/x86_64-linux-gnu"
    for unused in (library / "gconv", library / "perl", library / "perl-base", *library.glob("libperl*")):
        remove(unused)
    for program in (root / "usr/bin").iterdir():
        if program.is_symlink() or not program.is_file():
            continue
        with program.open("rb") as content:
            if program.name.startswith("perl") or b"perl" in content.read(20):
                remove(program)
    for python in (root / "usr/lib").glob("python3.*"):
        for module in ("ensurepip", "lib2to3", "pydoc_data", "distutils", "idlelib", "test"):
            remove(python / module)
    for name in ("passwd", "group"):
        shutil.copyfile(share / f"base-passwd/{name}.master", root / "etc" / name)
    certificates = sorted((share / "ca-certificates/mozilla").glob("*.crt"))
    (root / "etc/ssl/certs").mkdir(parents=True, exist_ok=True)
    (root / "etc/ssl/certs/ca-certificates.crt").write_text("".join(path.read_text() for path in certificates))


def empty(root: Path, *folders: str) -> None:
    """Take away what is in these folders, not the folders."""
    for folder in folders:
        if (root / folder).is_dir():
            for entry in (root / folder).iterdir():
                remove(entry)


def compile_python(root: Path, folders: Iterable[str]) -> None:
    """.pyc files that hold whatever time their source carries: images set every time to zero."""
    argv = [
        "chroot",
        str(root),
        "python3",
        "-m",
        "compileall",
        "-q",
        "--invalidation-mode",
        "unchecked-hash",
        "-j",
        "1",
    ]
    run([*argv, *folders], "compileall")


def compile_bare_python(root: Path) -> None:
    """Compile the interpreter's own modules; the bare tree has all that the interpreter itself needs."""
    compile_python(root, [f"/{path.relative_to(root)}" for path in (root / "usr/lib").glob("python3.*")])


BUILDKIT = Recipe(
    "buildkit",
    "bookworm",
    ("base-files", "base-passwd", "ca-certificates", "git", "netbase", "python3", "runc"),
    bare=True,
    finish=compile_bare_python,
)
