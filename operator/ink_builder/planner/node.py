"""Pack Node: npm, yarn or pnpm; a start script, or a site that a build script leaves behind."""

import json
import re
from typing import Any

from ink_builder.planner import static
from ink_builder.planner.files import Files
from ink_builder.planner.model import CannotPlan, Overrides, Plan, Run

IMAGE = "node:22-slim"
_NPM_CACHE, _YARN_CACHE, _PNPM_CACHE = "/root/.npm", "/usr/local/share/.cache/yarn", "/root/.local/share/pnpm/store"
_ENTRIES = ("server.js", "index.js", "app.js", "main.js", "server.mjs", "index.mjs", "src/index.js", "src/server.js")
_BUILT = ("dist", "build", "out", "lib")
"""Directories that a build script makes: an entry point there need not be in the commit."""
_DEV_SERVER = re.compile(
    r"^\s*(?:react-scripts start|vite(?: dev| serve| preview)?\b|vue-cli-service serve|astro dev|parcel\b)"
)
"""Start scripts that serve to a developer; the built site is served instead."""
_SITE_TOOLS = {
    "@sveltejs/adapter-static": "build",
    "vite": "dist",
    "react-scripts": "build",
    "@vue/cli-service": "dist",
    "parcel": "dist",
    "astro": "dist",
}


def detects(files: Files) -> bool:
    """A package.json, or a server.js beside no manifest at all."""
    return "package.json" in files or "server.js" in files


def plan(files: Files, overrides: Overrides) -> Plan:
    """Raises CannotPlan when package.json cannot be read or no start command can be found."""
    package = _package(files)
    manager, manifests, install = _install(files, package)
    if overrides.install:
        manager, manifests, install = "install command", (), (Run(overrides.install, (_NPM_CACHE,)),)
    scripts = package.get("scripts") or {}
    build = overrides.build or ("npm run build" if "build" in scripts else None)
    start, why = _start(files, package, scripts, built=build is not None)
    site = None if overrides.start or start else _site(package, overrides)
    common = {"manifests": manifests, "install": install, "notes": (f"Node 22, {manager}",)}
    if build and site:
        return _site_plan(build, site, common)
    if overrides.start is None and start is None:
        raise CannotPlan(
            "this is Node, but how to start it is not to be seen: add a `start` script to package.json, a `main`,"
            " or a server.js"
        )
    prune = (
        (Run("npm prune --omit=dev", (_NPM_CACHE,)),)
        if manager == "npm" and build and _can_prune(package, overrides.start or start or "")
        else ()
    )
    command = overrides.start or start or ""
    return Plan(
        pack="Node",
        image=IMAGE,
        run_image=IMAGE,
        start=command,
        manifests=manifests,
        install=install,
        build=(*([Run(build, (_NPM_CACHE,))] if build else []), *prune),
        run_environment=(("NODE_ENV", "production"), ("NPM_CONFIG_UPDATE_NOTIFIER", "false")),
        notes=(f"Node 22, {manager}", f"started by {command}" + ("" if overrides.start else f" ({why})")),
    )


def _can_prune(package: dict[str, Any], start: str) -> bool:
    """Whether what the build alone needs may go: not when the application is started by such a tool."""
    tools = package.get("devDependencies") or {}
    script = str((package.get("scripts") or {}).get("start", "")) if start == "npm start" else start
    words = {word.rpartition("/")[2] for word in re.split(r"[\s;&|]+", script)}
    programs = {tool.rpartition("/")[2] for tool in tools if not tool.startswith("@types/")}
    return bool(tools) and not programs & words


def _site_plan(build: str, site: str, common: dict[str, Any]) -> Plan:
    return Plan(
        pack="Node",
        image=IMAGE,
        run_image=static.SERVER_IMAGE,
        start=static.START,
        manifests=common["manifests"],
        install=common["install"],
        build=(Run(build, (_NPM_CACHE,)),),
        run_environment=static.ENVIRONMENT,
        artifacts=((f"/app/{site}", "/app"),),
        texts=((static.SERVER_PATH, static.server_text()),),
        notes=(*common["notes"], f"a site built by `{build}` and served from {site}"),
    )


def _package(files: Files) -> dict[str, Any]:
    if "package.json" not in files:
        return {}
    try:
        package = json.loads(files.read("package.json"))
    except ValueError as error:
        raise CannotPlan(f"package.json is not valid JSON: {error}") from error
    if not isinstance(package, dict):
        raise CannotPlan("package.json is not an object: it must begin with {")
    return package


def _install(files: Files, package: dict[str, Any]) -> tuple[str, tuple[str, ...], tuple[Run, ...]]:
    if "package.json" not in files:
        return "no packages", (), ()
    dotfiles = tuple(name for name in (".npmrc", ".yarnrc") if name in files)
    scripts = package.get("scripts") or {}
    # install hooks may need the sources: then everything is copied first
    hooked = any(hook in scripts for hook in ("preinstall", "install", "postinstall", "prepare"))
    workspaces = "workspaces" in package or "pnpm-workspace.yaml" in files
    lock = files.first("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml")
    manifests = () if hooked or workspaces else ("package.json", *((lock,) if lock else ()), *dotfiles)
    if lock == "yarn.lock":
        return "yarn", manifests, (Run(_yarn(files.read(lock)), (_YARN_CACHE, _NPM_CACHE)),)
    if lock == "pnpm-lock.yaml":
        version = re.search(r"pnpm@(\d+(?:\.\d+){0,2})", str(package.get("packageManager", "")))
        tools = Run(f"npm install --global pnpm@{version[1] if version else '10'}", (_NPM_CACHE,))
        return "pnpm", manifests, (tools, Run("pnpm install --frozen-lockfile", (_PNPM_CACHE,)))
    command = "npm ci" if lock else "npm install"
    return "npm", manifests, (Run(f"{command} --no-audit --no-fund", (_NPM_CACHE,)),)


def _yarn(lock: str) -> str:
    """Installs as the lock file's own yarn would, whichever the image has."""
    if "__metadata:" in lock:
        return "YARN_NODE_LINKER=node-modules npx --yes @yarnpkg/cli-dist@4 install --immutable"
    return "npx --yes yarn@1 install --frozen-lockfile --non-interactive"


def _start(files: Files, package: dict[str, Any], scripts: dict[str, Any], *, built: bool) -> tuple[str | None, str]:
    procfile = re.search(r"^web\s*:\s*(\S.*)$", files.read("Procfile"), re.MULTILINE)
    if procfile:
        return procfile[1].strip(), "Procfile"
    if "start" in scripts and not _DEV_SERVER.search(str(scripts["start"])):
        return "npm start", "script start"
    if "@sveltejs/adapter-node" in {**(package.get("dependencies") or {}), **(package.get("devDependencies") or {})}:
        return "node build", "SvelteKit's adapter for Node"
    main = str(package.get("main") or "").removeprefix("./")
    if main in files or (built and main.partition("/")[0] in _BUILT):
        return f"node {main}", "main"
    entry = files.first(*_ENTRIES)
    return (f"node {entry}", entry) if entry else (None, "")


def _site(package: dict[str, Any], overrides: Overrides) -> str | None:
    """The directory that the build script fills, if this is a site and no server."""
    if overrides.publish_directory:
        return overrides.publish_directory.strip("/").removeprefix("./")
    tools = {**(package.get("dependencies") or {}), **(package.get("devDependencies") or {})}
    return next((directory for tool, directory in _SITE_TOOLS.items() if tool in tools), None)
