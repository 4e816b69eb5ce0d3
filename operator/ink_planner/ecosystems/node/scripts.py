"""What a start script means where it is not run by its author: other programs, other files than on that machine."""

import re

from ink_planner.ecosystems.node import managers
from ink_planner.ecosystems.node.package_json import PackageJson
from ink_planner.model.errors import MissingProgram, NothingToStart
from ink_planner.model.files import Files
from ink_planner.toolkit import quoting

_WATCHES = re.compile(r"(?:^|[\s\"'&|;])(?:nodemon|concurrently|ts-node-dev|tsnd|node-dev)\b|(?<=\s)--watch\b")
"""A script that waits for changes of the code, which there are none of in a container."""
_PRODUCTION = ("start:prod", "start:production", "serve:prod", "prod", "production")
_SETTINGS = r"(?:cross-env\s+)?(?:[A-Za-z_]\w*=\S*\s+)*"
_NODEMON = re.compile(rf"(?P<settings>{_SETTINGS})nodemon\s+(?P<program>[\w./-]+)\s*$")
_ENV_FILE = re.compile(r"\s--env-file[= ]([\w./-]+)")
_FIRST = re.compile(rf"{_SETTINGS}(?:npx\s+(?:-\S+\s+)*)?(?P<program>[\w-]+)(?=\s|$)")
_PROVIDED_BY = {
    "babel-node": ("@babel/node", "babel-cli"),
    "concurrently": ("concurrently",),
    "cross-env": ("cross-env",),
    "env-cmd": ("env-cmd",),
    "http-server": ("http-server",),
    "json-server": ("json-server",),
    "nodemon": ("nodemon",),
    "npm-run-all": ("npm-run-all", "npm-run-all2"),
    "pm2": ("pm2",),
    "pm2-runtime": ("pm2",),
    "run-p": ("npm-run-all", "npm-run-all2"),
    "serve": ("serve",),
    "sirv": ("sirv-cli",),
    "ts-node": ("ts-node",),
    "ts-node-dev": ("ts-node-dev",),
    "tsx": ("tsx",),
}
"""Programs that people have installed for their whole machine, and the packages that bring them."""
_FILE_SERVERS = ("serve", "sirv", "http-server", "live-server")
WORKERS = ("wrangler.toml", "wrangler.json", "wrangler.jsonc")
"""Configurations of a Cloudflare worker."""


def script_names(package: PackageJson) -> tuple[str, ...]:
    """Scripts that may start it, the likeliest first."""
    watches = _WATCHES.search(package.script("start")) is not None
    return (*_PRODUCTION, "start") if watches else ("start", *_PRODUCTION[:3])


def served(script: str) -> str:
    """The directory that a server of files, and nothing else, is started for; empty when it is no such script."""
    words = [word for word in script.split() if word not in {"npx", "-y"}]
    if not words or words[0] not in _FILE_SERVERS or not all(map(quoting.is_plain, (w.lstrip("-") for w in words))):
        return ""
    named = [word for word in words[1:] if not word.startswith("-") and not word.isdigit()]
    place = named[0].removeprefix("./").strip("/") if len(named) == 1 else ""
    return place if quoting.is_plain(place) and ".." not in place else ""


def portable(files: Files, package: PackageJson, text: str) -> tuple[str, tuple[str, ...]]:
    """The command without what its author's machine alone has, and a note on each. Raises MissingProgram."""
    notes: list[str] = []
    for path in _ENV_FILE.findall(text):
        if path not in files:
            text = re.sub(rf"\s--env-file[= ]{re.escape(path)}(?=\s|$)", "", text)
            notes.append(f"{path} is not in this commit, so it is not read at start: set its variables on the service")
    watched = _NODEMON.match(text)
    if watched and not _is_provided(files, package, "nodemon") and not watched["program"].endswith((".ts", ".tsx")):
        text = f"{watched['settings']}node {watched['program']}"
        notes.append("nodemon is not in package.json: node starts the program instead")
    return text, tuple(notes)


def check(files: Files, package: PackageJson, text: str, script: str) -> None:
    """Raises MissingProgram when a script starts a program that no package provides."""
    first = _FIRST.match(text)
    if first is None or first["program"] not in _PROVIDED_BY or "npx " in first[0] or files.whole is not None:
        return
    if not _is_provided(files, package, first["program"]):
        needed = _PROVIDED_BY[first["program"]][0]
        raise MissingProgram(
            f"script {script} runs {first['program']}, which no package in package.json provides: add it"
            f" (npm install {needed}) and commit package.json and the lock file"
        )


def _is_provided(files: Files, package: PackageJson, program: str) -> bool:
    """Whether a package of it is asked for, or comes with another one."""
    if any(name in package.tools for name in _PROVIDED_BY[program]) or "workspaces" in package.data:
        return True
    if "bun.lockb" in files or files.has_directory("node_modules"):
        return True
    return any(managers.is_locked(files, name) for name in _PROVIDED_BY[program])


def refuse_others(files: Files, package: PackageJson) -> None:
    """Raises NothingToStart for an application that is no server: a desktop program, or a Cloudflare worker."""
    script = package.script("start")
    if config := _workers(files, package):
        raise for_workers(config)
    if "electron" in package.tools and (not script or re.search(r"\belectron\b", _whole(package, script))):
        raise NothingToStart(
            "this is a desktop application (Electron), which does not listen on a port: set a start command,"
            " or build.buildCommand and build.publishDirectory to serve its pages"
        )


def for_workers(config: str) -> NothingToStart:
    """The error for an application whose build is a Cloudflare worker."""
    return NothingToStart(
        f"this is built for Cloudflare Workers ({config}), which produces no server: add one for Node (with"
        " Hono: @hono/node-server), and a `start` script to package.json"
    )


def _whole(package: PackageJson, script: str) -> str:
    """A script with those that it names."""
    return " ".join([script, *(text for name, text in package.scripts.items() if name in script.split())])


def _workers(files: Files, package: PackageJson) -> str | None:
    """The configuration of a Cloudflare worker, where nothing else starts the repository."""
    config = files.first(*WORKERS)
    script = package.script("start")
    served = {"express", "fastify", "koa", "@hono/node-server", "ws", "socket.io"} & package.tools.keys()
    return config if config and not served and (not script or re.search(r"\bwrangler\b", script)) else None
