"""Pack Node: npm, yarn, pnpm or bun; a framework's server, a start script, or a site that a build produces."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ink_planner.ecosystems.node import (
    imports,
    listening,
    managers,
    nx,
    openssl,
    package_json,
    scripts,
    server_frameworks,
    site_frameworks,
    typescript,
    workspaces,
)
from ink_planner.ecosystems.node.framework import OWN_SERVERS, SERVERS, Framework
from ink_planner.ecosystems.node.managers import TOOLS, PackageManager
from ink_planner.ecosystems.node.package_json import PackageJson
from ink_planner.ecosystems.node.start import NodeStart, find
from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import NothingToStart
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan, Run
from ink_planner.toolkit import quoting, shared_files, sites

_NATIVE = frozenset(
    {"bcrypt", "better-sqlite3", "sqlite3", "argon2", "node-gyp", "node-pty", "re2", "serialport", "cpu-features"}
)
"""Packages that compile C++ when they find no binary for this Node."""
_FRAMEWORKS: tuple[Callable[[PackageJson], Framework | None], ...] = (
    server_frameworks.adonis, server_frameworks.medusa, server_frameworks.next_, server_frameworks.nuxt,
    server_frameworks.sveltekit, server_frameworks.astro, server_frameworks.router, site_frameworks.angular,
    server_frameworks.nitro, site_frameworks.vitepress, site_frameworks.site, site_frameworks.webpack,
    site_frameworks.vite, site_frameworks.served,
)  # fmt: skip
_NOT_PROGRAMS = (".d.ts", ".config.ts", ".test.ts", ".spec.ts")


def detect(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    """A package.json, or a server.js beside no manifest at all. Raises CannotPlan."""
    if files.first("package.json", "server.js", "project.json") is None:
        return None
    workspace = nx.plan(files, overrides, images, plan) or workspaces.plan(files, overrides, images, plan)
    if workspace is not None or files.first("package.json", "server.js") is None:
        return workspace
    return plan(files, overrides, images)


def plan(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan:
    """The plan of one package. Raises CannotPlan when package.json cannot be read or nothing can be started."""
    package = package_json.read(files)
    base, version = package_json.version(files, package, images, openssl.constraints(package))
    manager = managers.choose(files, package, lenient=bool(version.note))
    framework = None if overrides.start or shared_files.procfile(files) else _framework(package, overrides)
    build = _build(package, manager, framework, overrides)
    old = openssl.old_tool(package, version.used) if build and not overrides.build else None
    if framework is None and build is None and _only_pages(files, package, overrides):
        return sites.plan(files, overrides, images)
    start = None
    if framework is None or not (framework.start or framework.site):
        start = find(files, package, overrides, built=build is not None, manager=manager.name)
        if start is None and (compiled := typescript.program(files, package)):
            build = build or typescript.COMPILE
            start = NodeStart(f"node {compiled}", "tsconfig.json", listening.port_in(files, compiled))
        if start is None:
            raise _nothing(files, package, build)
    skeleton = ImagePlan(
        pack="Node",
        image=base.build,
        run_image=base.run,
        start="",
        why="package.json" if "package.json" in files else "server.js",
        versions=(version,),
        **_installation(files, package, manager, overrides),
    )
    if build:
        environment = (*skeleton.build_environment, *(framework.build_environment if framework else ()))
        steps = _build_steps(package, manager, framework, f"{openssl.LEGACY if old else ''}{build}")
        skeleton = replace(skeleton, build=steps, build_environment=environment, notes=_openssl_note(old))
    if start is not None and overrides.install is None:
        start = replace(start, notes=(*start.notes, *imports.check(files, package, start.entry)))
    if framework is not None and framework.site:
        return sites.served(skeleton, framework.site, framework.label, images)
    return _server(skeleton, package, manager, framework, start)


def _only_pages(files: Files, package: PackageJson, overrides: Overrides) -> bool:
    """Pages beside the manifest of tools that their author uses: nothing is built, and nothing of it is needed."""
    script, page = package.script("start"), files.read("index.html")
    if "index.html" not in files or overrides.start or overrides.install or shared_files.procfile(files):
        return False
    if not package.dependencies.keys().isdisjoint(SERVERS):
        return False
    if (script and not OWN_SERVERS.search(script)) or "/src/" in page or "node_modules/" in page:
        return False
    return (
        find(files, replace(package, data={**package.data, "scripts": {}}), overrides, built=False, manager="") is None
    )


def _framework(package: PackageJson, overrides: Overrides) -> Framework | None:
    if overrides.publish_directory:
        directory = quoting.directory(overrides.publish_directory, "the publish directory")
        return Framework("a site", site=directory or ".")
    return next((found for recognise in _FRAMEWORKS if (found := recognise(package)) is not None), None)


def _build(
    package: PackageJson, manager: PackageManager, framework: Framework | None, overrides: Overrides
) -> str | None:
    if overrides.build:
        return overrides.build
    arguments = framework.arguments if framework else ""
    for name in ("build", "heroku-postbuild"):
        if name in package.scripts:
            return manager.script(name, arguments)
    return f"npx --no-install {framework.build} {arguments}".rstrip() if framework and framework.build else None


def _build_steps(
    package: PackageJson, manager: PackageManager, framework: Framework | None, build: str
) -> tuple[Run, ...]:
    steps = [Run(build, manager.caches)]
    if "prisma" in package.tools and "prisma generate" not in package.scripts.get("build", ""):
        steps.insert(0, Run("npx --no-install prisma generate", manager.caches))
    if framework and framework.after:
        steps.append(Run(framework.after))
    return tuple(steps)


def _installation(files: Files, package: PackageJson, manager: PackageManager, overrides: Overrides) -> dict[str, Any]:
    """The fields of the plan that say how packages get there."""
    native = bool(_NATIVE & package.tools.keys())
    prisma = ("openssl", "ca-certificates") if {"prisma", "@prisma/client"} & package.tools.keys() else ()
    path = f"/app/node_modules/.bin:{TOOLS}/bin:$PATH" if manager.setup else "/app/node_modules/.bin:$PATH"
    environment: tuple[tuple[str, str], ...] = (("PATH", path), *manager.environment)
    environment += tuple(pair for tool, pair in package_json.UNNEEDED.items() if tool in package.tools)
    if native:
        environment = (*environment, ("npm_config_nodedir", "/usr/local"))
    common_fields: dict[str, Any] = {
        "setup": manager.setup,
        "build_packages": (*(("build-essential", "python3") if native else ()), *prisma),
        "run_packages": prisma,
        "build_environment": environment,
    }
    if overrides.install:
        return {**common_fields, "manager": "install command", "install": (Run(overrides.install, manager.caches),)}
    if "package.json" not in files:
        return {**common_fields, "manager": "no packages"}
    local = any(spec.startswith(("file:", "link:", "workspace:", "./", "../")) for spec in package.tools.values())
    several = "workspaces" in package.data or "pnpm-workspace.yaml" in files
    manifests: tuple[str, ...] = ()
    if not (package.hooked or local or several or manager.copies_all):
        manifests = ("package.json", *((manager.lock,) if manager.lock else ()), *manager.manifests)
    elif not (package.hooked or local or several) and manager.name != "pnpm":
        manifests = _plain_manifests(files, manager)
    return {
        **common_fields,
        "manager": manager.name + ("" if manager.lock else ", without a lock file"),
        "manifests": manifests,
        "install": (Run(manager.install, manager.caches),),
    }


def _plain_manifests(files: Files, manager: PackageManager) -> tuple[str, ...]:
    """yarn and bun read no further files, unless their own folder is committed."""
    if files.has_directory(".yarn") or files.has_directory("patches"):
        return ()
    own = tuple(name for name in (".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml") if name in files)
    return ("package.json", *((manager.lock,) if manager.lock else ()), *own)


def _server(
    skeleton: ImagePlan,
    package: PackageJson,
    manager: PackageManager,
    framework: Framework | None,
    start: NodeStart | None,
) -> ImagePlan:
    command, why = (
        (start.command, start.why) if start else ((framework.start, framework.label) if framework else ("", ""))
    )
    needs_manager = bool(manager.setup) and _uses(manager.name.split()[0], command, package)
    path = "/app/node_modules/.bin:" + (f"{TOOLS}/bin:" if needs_manager else "") + "$PATH"
    environment = (("NODE_ENV", "production"), ("NPM_CONFIG_UPDATE_NOTIFIER", "false"), ("PATH", path))
    artifacts = [("/app", "/app")]
    if framework is not None and framework.artifacts is not None:
        artifacts = [(f"/app/{source}", "/app" if to == "." else f"/app/{to}") for source, to in framework.artifacts]
    if needs_manager:
        artifacts.append((TOOLS, TOOLS))
    build = skeleton.build
    prunes = framework.prunes if framework is not None and framework.start else True
    if build and prunes and manager.prune and _can_prune(package, command):
        build = (*build, Run(manager.prune, manager.caches))
    return replace(
        skeleton,
        build=build,
        start=command,
        start_why=why,
        run_environment=(*environment, *(framework.environment if framework else ())),
        artifacts=tuple(artifacts),
        port=start.port if start else skeleton.port,
        notes=(*skeleton.notes, *_notes(package, framework), *(start.notes if start else ())),
    )


def _uses(manager: str, command: str, package: PackageJson) -> bool:
    """Whether the start command, or the script behind it, calls the package manager."""
    script = package.scripts.get("start", "") if command == "npm start" else ""
    return re.search(rf"(?:^|[\s;&|]){manager}\b", f"{command} {script}") is not None


def _can_prune(package: PackageJson, start: str) -> bool:
    """Whether what the build alone needs may go: not when the application is started by such a tool."""
    if not package.development or "workspaces" in package.data or "pnpm-workspace.yaml" in package.files:
        return False
    script = re.fullmatch(r"(?:npm|bun) (?:run )?([\w:-]+)", start)
    text = package.scripts.get(script[1], start) if script else start
    words = {word.rpartition("/")[2] for word in re.split(r"[\s;&|=]+", text)}
    programs = {tool.rpartition("/")[2] for tool in package.development if not tool.startswith("@types/")}
    return not (programs & words or {"npm", "npx", "yarn", "pnpm", "ts-node", "nest", "knex"} & words)


def _notes(package: PackageJson, framework: Framework | None) -> tuple[str, ...]:
    if (
        framework is not None
        and framework.label == "SvelteKit"
        and not {"@sveltejs/adapter-node", "@sveltejs/adapter-auto"} & (package.tools.keys())
    ):
        return ("SvelteKit needs @sveltejs/adapter-node in package.json, unless another adapter writes build/index.js",)
    if framework is not None and framework.label == "AdonisJS":
        return ("APP_KEY must be set on the service",)
    return ()


def _openssl_note(old: str | None) -> tuple[str, ...]:
    return (f"{old} was made for Node 16 or older: its build runs with OpenSSL's legacy provider",) if old else ()


def _nothing(files: Files, package: PackageJson, build: str | None) -> NothingToStart:
    if config := files.first(*scripts.WORKERS):
        return scripts.for_workers(config)
    typed = next((p for p in files.with_suffix(".ts", 1) if not p.endswith(_NOT_PROGRAMS)), None)
    if typed and not build:
        return NothingToStart(
            f"this is TypeScript ({ascii(typed)[1:-1]}), but package.json has neither a `build` nor a `start` script:"
            ' add, for example, "build": "tsc" and "start": "node dist/index.js"'
        )
    seen = f"its scripts are {', '.join(sorted(package.scripts)[:10])}" if package.scripts else "it has no scripts"
    return NothingToStart(
        f"this is Node, but no start command was found ({ascii(seen)[1:-1]}): add a `start` script to"
        " package.json, a `main`, or a server.js"
    )
