"""A framework for Node: what its build produces, and what package.json and configurations say of it."""

import re
from dataclasses import dataclass

from ink_planner.ecosystems.node.package_json import PackageJson

OWN_SERVERS = re.compile(
    r"^[ \t]*(?:cross-env\s+)?(?:\w+=\S*\s+)*(?:npx\s+(?:-y\s+)?)?(?:@11ty/)?"
    r"(?:react-scripts start|vite(?: dev| serve| preview)?\b|vue-cli-service serve|astro\b|parcel\b"
    r"|next(?: dev| start)?\b|nuxt? (?:dev|start|preview)\b|nuxi\b|ng serve"
    r"|gatsby\b|vitepress\b|vuepress\b|hexo\b|ember serve|slidev\b|nest start|docusaurus\b|eleventy\b"
    r"|webpack(?:-dev-server| serve)|nx (?:run-many|serve|run \S+:serve)\b|serve\b|http-server\b"
    r"|live-server\b|sirv\b|svelte-kit\b|react-router dev|remix(?: vite:)?dev)"
)
"""Start scripts that serve to a developer, or that the framework's own entry here replaces."""
SERVERS = (
    "express", "fastify", "koa", "hono", "@hono/node-server", "@nestjs/core", "@hapi/hapi", "polka", "h3", "socket.io",
    "ws",
)  # fmt: skip
"""Packages with which an application serves by itself."""
_FLAG = re.compile(r"--(?:dest|out-?dir|dist-dir|output|output-path)[ =][\"']?(?:\./)?([\w][\w./-]*)")
RESOLVED = r"(?:path\.)?(?:resolve|join)\(\s*(?:__dirname|import\.meta\.dirname|process\.cwd\(\))\s*,\s*"
"""The project's own directory, in a configuration."""


@dataclass(frozen=True)
class Framework:
    """What a framework's build produces: a directory of static files, or a server."""

    label: str
    start: str = ""
    site: str = ""
    build: str = ""
    """The build command, when package.json has no script of that name."""
    artifacts: tuple[tuple[str, str], ...] | None = None
    """What the server needs, relative to the application; None: all of it, packages included."""
    environment: tuple[tuple[str, str], ...] = ()
    after: str = ""
    """A command after the build."""
    build_environment: tuple[tuple[str, str], ...] = ()
    prunes: bool = False
    arguments: str = ""
    """Further arguments of the build command."""


def has(package: PackageJson, *names: str) -> bool:
    return any(name in package.tools for name in names)


def has_own_server(package: PackageJson) -> bool:
    """A start script of the repository's own, such as a server around the framework."""
    script = package.script("start")
    return bool(script) and OWN_SERVERS.search(script) is None


def output_directory(package: PackageJson, usual: str, config: str, key: str) -> str:
    """The directory of the built files: a flag of the build script, else a setting of `config`, else the usual one."""
    flags = [found for found in _FLAG.finditer(package.script("build")) if "." not in found[1].rpartition("/")[2]]
    found = flags[-1] if flags else (setting(config, key) if key else None)
    return found[1].rstrip("/") if found and ".." not in found[1] else usual


def setting(config: str, key: str) -> re.Match[str] | None:
    return re.search(rf"\b{key}\s*:\s*(?:{RESOLVED})?[\"'`](?:\./)?([\w.][\w./-]*)[\"'`]", config)
