"""The dependencies that lock files pin. Pure; a file that cannot be parsed has none."""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from ink_builder.scan.model import ScannedPackage

MAX_PACKAGES = 10_000
_YARN = re.compile(r'^"?(?P<name>@?[^@\s"]+)@[^\n]*:\n\s+version:? "?(?P<version>[^"\s]+)"?', re.MULTILINE)
_PNPM = re.compile(
    r"^ {2}['\"]?/?(?P<name>@?[^@\s'\"(/]+(?:/[^@\s'\"(/]+)?)[@/](?P<version>\d[^:('\"\s]*)", re.MULTILINE
)
_PIN = re.compile(r"^\s*(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*==\s*(?P<version>[\w.!+-]+)", re.MULTILINE)
_GO = re.compile(r"^(?:require )?\t?(?P<name>[\w.~-]+\.[\w.~-]+(?:/[\w.~-]+)*) v(?P<version>\d\S*)", re.MULTILINE)
_GEM = re.compile(r"^ {4}(?P<name>[\w.-]+) \((?P<version>[\w.]+)(?:-[\w-]+)?\)$", re.MULTILINE)

Pairs = Iterable[tuple[str, str]]


def _npm(text: str) -> Pairs:
    data = json.loads(text)
    for path, entry in (data.get("packages") or {}).items():
        if path and isinstance(entry, dict) and entry.get("version") and not entry.get("link"):
            yield str(entry.get("name") or path.rpartition("node_modules/")[2]), str(entry["version"])
    if not data.get("packages"):
        yield from _npm_old(data.get("dependencies") or {})


def _npm_old(dependencies: dict[str, Any]) -> Pairs:
    pending = [dependencies]
    while pending:
        for name, entry in pending.pop().items():
            if isinstance(entry, dict):
                yield name, str(entry.get("version", ""))
                pending.append(entry.get("dependencies") or {})


def _toml(text: str) -> Pairs:
    """poetry.lock, uv.lock, Cargo.lock: a list `package`. Those of the repository itself come from no registry."""
    for entry in tomllib.loads(text).get("package", ()):
        source = entry.get("source")
        local = isinstance(source, dict) and bool({"virtual", "editable", "directory"} & set(source))
        if not local and entry.get("version"):
            yield str(entry["name"]), str(entry["version"])


def _pipenv(text: str) -> Pairs:
    data = json.loads(text)
    for section in ("default", "develop"):
        for name, entry in (data.get(section) or {}).items():
            if isinstance(entry, dict) and str(entry.get("version", "")).startswith("=="):
                yield name, entry["version"][2:]


def _composer(text: str) -> Pairs:
    data = json.loads(text)
    for entry in [*(data.get("packages") or ()), *(data.get("packages-dev") or ())]:
        yield str(entry["name"]), str(entry["version"]).removeprefix("v")


def _matches(expression: re.Pattern[str]) -> Callable[[str], Pairs]:
    return lambda text: ((match["name"], match["version"]) for match in expression.finditer(text))


READERS: dict[str, tuple[str, Callable[[str], Pairs]]] = {
    "package-lock.json": ("npm", _npm),
    "npm-shrinkwrap.json": ("npm", _npm),
    "yarn.lock": ("npm", _matches(_YARN)),
    "pnpm-lock.yaml": ("npm", _matches(_PNPM)),
    "poetry.lock": ("PyPI", _toml),
    "uv.lock": ("PyPI", _toml),
    "Pipfile.lock": ("PyPI", _pipenv),
    "requirements.txt": ("PyPI", _matches(_PIN)),
    "go.mod": ("Go", _matches(_GO)),
    "Cargo.lock": ("crates.io", _toml),
    "Gemfile.lock": ("RubyGems", _matches(_GEM)),
    "composer.lock": ("Packagist", _composer),
}


def read(paths: Iterable[str], text_of: Callable[[str], str]) -> list[ScannedPackage]:
    """All dependencies in the lock files, each once; at most MAX_PACKAGES."""
    found: dict[ScannedPackage, None] = {}
    for path in sorted(paths, key=lambda p: (p.count("/"), p)):
        ecosystem, reader = READERS.get(PurePosixPath(path).name, ("", None))
        if reader is None:
            continue
        for package in _read(reader, text_of(path), ecosystem, path):
            found.setdefault(package)
            if len(found) >= MAX_PACKAGES:
                return list(found)
    return list(found)


def _read(reader: Callable[[str], Pairs], text: str, ecosystem: str, path: str) -> Iterator[ScannedPackage]:
    try:
        for name, version in reader(text):
            if name and version:
                yield ScannedPackage(ecosystem, normal(name, ecosystem), version, path)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return  # the package manager will report what is wrong with it


def normal(name: str, ecosystem: str) -> str:
    """The name as OSV writes it."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem == "PyPI" else name
