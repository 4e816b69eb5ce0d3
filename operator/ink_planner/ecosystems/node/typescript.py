"""TypeScript whose compiled program no script names: where the compiler puts it."""

import json
import posixpath
import re

from ink_planner.ecosystems.node import listening
from ink_planner.ecosystems.node.package_json import PackageJson
from ink_planner.model.files import Files
from ink_planner.toolkit import formats, quoting

COMPILE = "npx --no-install tsc"
_ENTRIES = tuple(
    f"{folder}{name}.{ending}"
    for folder in ("src/", "")
    for name in ("server", "index", "app", "main")
    for ending in ("ts", "mts")
)
_SERVES = re.compile(r"listen\s*\(|\bserve\s*\(|Server\s*\(")


def program(files: Files, package: PackageJson) -> str | None:
    """The compiled entry, when `tsc` makes one and its source serves something."""
    build = package.script("build")
    if "typescript" not in package.tools or (build and not re.search(r"\btsc\b(?!.*--noEmit)", build)):
        return None
    options = _options(files)
    output = str(options.get("outDir") or "").removeprefix("./").strip("/")
    entry = files.first(*_ENTRIES)
    if entry is None or not output or ".." in output or not quoting.is_plain(output) or options.get("noEmit"):
        return None
    if not _SERVES.search(listening.code_of(files, entry)):
        return None
    root = posixpath.normpath(str(options.get("rootDir") or posixpath.dirname(entry) or "."))
    inside = entry if root == "." else entry.removeprefix(f"{root}/")
    return f"{output}/{re.sub(r'ts$', 'js', inside)}"


def _options(files: Files) -> dict[str, object]:
    try:
        data = json.loads(formats.jsonc(files.read("tsconfig.json")))
    except (ValueError, RecursionError):
        return {}
    return formats.table(data, "compilerOptions")
