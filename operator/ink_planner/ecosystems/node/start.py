"""How an application for Node is started, when no framework says it."""

import re
from dataclasses import dataclass, replace

from ink_planner.ecosystems.node import listening, scripts
from ink_planner.ecosystems.node.framework import OWN_SERVERS
from ink_planner.ecosystems.node.package_json import PackageJson
from ink_planner.model.errors import MissingFile
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import DEFAULT_PORT
from ink_planner.toolkit import quoting, shared_files

_ENTRIES = (
    "server.js", "index.js", "app.js", "main.js", "server.mjs", "index.mjs", "app.mjs", "main.mjs", "src/server.js",
    "src/index.js", "src/app.js", "src/main.js", "server/index.js", "bin/www",
)  # fmt: skip
_TYPED = ("server.ts", "index.ts", "app.ts", "main.ts", "src/server.ts", "src/index.ts", "src/app.ts", "src/main.ts")
_DIRECT = re.compile(
    r"^(?:[A-Z_]+=[\w./:-]+ +)*(?:node|tsx|ts-node|bun|next|fastify|json-server|serve|remix-serve|react-router-serve)"
    r" [^;&|<>$`()\\*?{}'\"#\n]*$"
)
"""Scripts that are one simple command: started without a package manager between, they take signals themselves."""


@dataclass(frozen=True)
class NodeStart:
    """A shell command, what it was found by, and the port that the code insists on."""

    command: str
    why: str
    port: int = DEFAULT_PORT
    notes: tuple[str, ...] = ()
    entry: str = ""
    """The file of the program, where it is in the commit."""


def find(files: Files, package: PackageJson, overrides: Overrides, *, built: bool, manager: str) -> NodeStart | None:
    """The start command, or None. `built`: a build script makes files that are not in the commit."""
    if overrides.start:
        return NodeStart(overrides.start, "the start command given")
    if found := shared_files.procfile(files):
        _there(files, *found, built=built)
        return NodeStart(*found)
    scripts.refuse_others(files, package)
    for script in scripts.script_names(package):
        text = package.script(script)
        if text and not OWN_SERVERS.search(text):
            _there(files, text, f"script {script}", built=built)
            if overrides.install is None:
                scripts.check(files, package, scripts.portable(files, package, text)[0], script)
            return _script(files, package, script, manager)
    main = str(package.data.get("main") or "").removeprefix("./")
    if main in files or (built and main.partition("/")[0] in listening.BUILT and main.isprintable()):
        return _file(files, main, "main of package.json")
    # a directory with a manifest of its own is another application, whose packages are not installed here
    if entry := files.first(*(e for e in _ENTRIES if f"{e.partition('/')[0]}/package.json" not in files)):
        return _file(files, entry, entry)
    if built and "@nestjs/core" in package.tools:
        return NodeStart("node dist/main", "Nest")
    if typed := _typed(files, package, manager):
        return typed
    return _script(files, package, "start", manager) if package.scripts.get("start") else None


def _there(files: Files, command: str, why: str, *, built: bool) -> None:
    """Raises MissingFile when a command starts a file that is not in the commit, and that no build makes."""
    named = re.fullmatch(
        r"(?:[A-Z_]+=\S+\s+)*node\s+(?:--[\w-]+(?:=\S+)?\s+)*(?:\./)?([\w./-]+)(?:\s[^;&|]*)?", command.strip()
    )
    if named is None or built or "postinstall" in files.read("package.json"):
        return
    path = named[1].rstrip("/")
    ends = ("", ".js", ".cjs", ".json", "/index.js", "/package.json")
    if path not in {".", "index"} and files.first(*(f"{path}{end}" for end in ends)) is None:
        raise MissingFile(f"{why} starts {path}, which is not in this commit: commit it, or correct the name")


def _script(files: Files, package: PackageJson, name: str, manager: str) -> NodeStart:
    original = package.scripts[name].strip()
    text, notes = scripts.portable(files, package, original)
    around = any(hook in package.scripts for hook in (f"pre{name}", f"post{name}"))
    entry = re.search(r"\b(?:node|nodemon|tsx|ts-node|bun(?: run)?)\s+(?:-\S+\s+)*(?:\./)?([\w./-]+)", text)
    command = "npm start" if name == "start" else f"npm run {name}"
    if (_DIRECT.match(text) and not around) or text != original:
        command = text
    elif manager == "bun":
        command = f"bun run {name}"
    start = _program(files, command, f"script {name}", entry[1] if entry else "")
    return replace(start, notes=(*notes, *start.notes))


def _file(files: Files, path: str, why: str) -> NodeStart:
    return _program(files, f"node {quoting.argument(path)}", why, path)


def _program(files: Files, command: str, why: str, path: str) -> NodeStart:
    """With what its code says of port and address."""
    source = listening.source_of(files, path)
    return NodeStart(command, why, listening.port_in(files, path), listening.unreachable(files, source), source)


def _typed(files: Files, package: PackageJson, manager: str) -> NodeStart | None:
    """TypeScript that is run as it is."""
    entry = files.first(*_TYPED)
    if entry is None:
        return None
    runners = [tool for tool in ("tsx", "ts-node") if tool in package.tools] + (["bun"] if manager == "bun" else [])
    runner = next(iter(runners), None)
    return _program(files, f"{runner} {entry}", entry, entry) if runner else None
