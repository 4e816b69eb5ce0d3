"""How an application for Node is started, when no framework says it."""

import re
from dataclasses import dataclass

from ink_builder.planner import common
from ink_builder.planner.files import Files
from ink_builder.planner.model import DEFAULT_PORT, MissingFile, Overrides
from ink_builder.planner.node_kinds import OWN_SERVERS
from ink_builder.planner.node_package import Package

_ENTRIES = (
    "server.js", "index.js", "app.js", "main.js", "server.mjs", "index.mjs", "app.mjs", "main.mjs", "src/server.js",
    "src/index.js", "src/app.js", "src/main.js", "server/index.js", "bin/www",
)  # fmt: skip
_TYPED = ("server.ts", "index.ts", "app.ts", "main.ts", "src/server.ts", "src/index.ts", "src/app.ts", "src/main.ts")
_BUILT = ("dist", "build", "out", "lib", ".output", "output")
"""Directories that a build script makes: an entry point there need not be in the commit."""
_DIRECT = re.compile(
    r"^(?:[A-Z_]+=[\w./:-]+ +)*(?:node|tsx|ts-node|bun|next|fastify|json-server|serve|remix-serve|react-router-serve)"
    r" [^;&|<>$`()\\*?{}'\"#\n]*$"
)
"""Scripts that are one simple command: started without a package manager between, they take signals themselves."""
_LISTEN = re.compile(
    r"\.listen\(\s*(?:\{[^}]{0,80}?\bport\s*:\s*)?(\d{2,5})\b|\b[sS]erver?\(\s*\{[^}]{0,200}?\bport\s*:\s*(\d{2,5})\b"
)
"""A number, or one in an object as Fastify, Hapi, Hono and Bun take it."""
_CONSTANT = re.compile(r"\b(?:const|let|var)\s+port(?:\s*:\s*number)?\s*=\s*(\d{2,5})\s*[;\n]", re.IGNORECASE)


@dataclass(frozen=True)
class Start:
    """A shell command, what it was found by, and the port that the code insists on."""

    command: str
    why: str
    port: int = DEFAULT_PORT
    notes: tuple[str, ...] = ()


def find(files: Files, package: Package, overrides: Overrides, *, built: bool, manager: str) -> Start | None:
    """The start command, or None. `built`: a build script makes files that are not in the commit."""
    if overrides.start:
        return Start(overrides.start, "the start command given")
    if found := common.procfile(files):
        _there(files, *found, built=built)
        return Start(*found)
    for script in ("start", "start:prod", "start:production", "serve:prod"):
        text = package.script(script)
        if text and not OWN_SERVERS.search(text):
            _there(files, text, f"script {script}", built=built)
            return _script(files, package, script, manager)
    main = str(package.data.get("main") or "").removeprefix("./")
    if main in files or (built and main.partition("/")[0] in _BUILT and main.isprintable()):
        return _file(files, main, "main of package.json")
    # a directory with a manifest of its own is another application, whose packages are not installed here
    if entry := files.first(*(e for e in _ENTRIES if f"{e.partition('/')[0]}/package.json" not in files)):
        return _file(files, entry, entry)
    if built and "@nestjs/core" in package.tools:
        return Start("node dist/main", "Nest")
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


def _script(files: Files, package: Package, name: str, manager: str) -> Start:
    text = package.scripts[name].strip()
    around = any(hook in package.scripts for hook in (f"pre{name}", f"post{name}"))
    entry = re.search(r"\b(?:node|tsx|ts-node|bun(?: run)?)\s+(?:-\S+\s+)*(?:\./)?([\w./-]+)", text)
    command = "npm start" if name == "start" else f"npm run {name}"
    if _DIRECT.match(text) and not around:
        command = text
    elif manager == "bun":
        command = f"bun run {name}"
    return _program(files, command, f"script {name}", entry[1] if entry else "")


def _file(files: Files, path: str, why: str) -> Start:
    return _program(files, f"node {common.argument(path)}", why, path)


def _program(files: Files, command: str, why: str, path: str) -> Start:
    """With what its code says of port and address."""
    source = source_of(files, path)
    return Start(command, why, port_in(files, path), common.only_from_inside(source, files.read(source)))


def _typed(files: Files, package: Package, manager: str) -> Start | None:
    """TypeScript that is run as it is."""
    entry = files.first(*_TYPED)
    if entry is None:
        return None
    runners = [tool for tool in ("tsx", "ts-node") if tool in package.tools] + (["bun"] if manager == "bun" else [])
    runner = next(iter(runners), None)
    return _program(files, f"{runner} {entry}", entry, entry) if runner else None


def port_in(files: Files, path: str) -> int:
    """The port that the code names when it never asks the environment; else the platform's."""
    text = common.code(files.read(source_of(files, path)))
    if not text or "env.PORT" in text or "PORT" in re.sub(r"(?:const|let|var)\s+PORT\b|\bPORT\s*[,)]", "", text):
        return DEFAULT_PORT
    serves = ".listen(" in text or "serve(" in text
    found = _LISTEN.search(text) or (_CONSTANT.search(text) if serves else None)
    port = int(next(group for group in found.groups() if group)) if found else DEFAULT_PORT
    return port if 1024 <= port <= 65535 else DEFAULT_PORT


def source_of(files: Files, path: str) -> str:
    """The file that a program is, or is made from when a build makes it: `dist/main.js` of `src/main.ts`."""
    folder, _, rest = path.partition("/")
    places = [path, f"{path}.js", f"{path}/index.js"]
    if folder in _BUILT and rest:
        stem = re.sub(r"\.[cm]?js$", "", rest)
        places += [
            f"{place}{stem}{end}" for place in ("src/", "", "app/") for end in (".ts", ".mts", ".js", "/index.ts")
        ]
    return files.first(*places) or ""
