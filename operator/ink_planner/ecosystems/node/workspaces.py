"""One package of a Node workspace: packages are installed for all, then this one is built with what it depends on."""

import re
from collections.abc import Callable
from dataclasses import replace

from ink_planner.ecosystems.node import managers, package_json
from ink_planner.ecosystems.node.managers import PackageManager
from ink_planner.ecosystems.node.package_json import PackageJson
from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import CannotPlan, NothingToStart
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan, Run
from ink_planner.toolkit import formats, quoting, shared_files

_MOST_MEMBERS = 200
_LISTED = re.compile(r"^[ \t]*-[ \t]*['\"]?([^'\"#\n]+?)['\"]?[ \t\r]*$", re.MULTILINE)
_EVERY = re.compile(
    r"^(?:npx )?(?:turbo|lerna|nx run-many)\b(?!.*(?:--filter|--scope|--projects))"
    r"|^pnpm .*?(?:-r|--recursive|--parallel)\b(?!.*--filter)|^yarn workspaces\b|^npm .*(?:--workspaces|-ws)\b"
)
Single = Callable[[Files, Overrides, BaseImages], ImagePlan]


def plan(files: Files, overrides: Overrides, images: BaseImages, single: Single) -> ImagePlan | None:
    """The plan of a member, asked for by its directory or the only one that runs; None when this is no workspace.

    `single` plans a package as if it were alone.
    """
    if files.whole is not None and files.place:
        root, place = files.whole, files.place
        return _member(root, place, overrides, images, single) if place in _members(root) else None
    members = _members(files)
    if not members or files.place:
        return None
    package = package_json.read(files)
    if overrides.start or overrides.publish_directory or _starts(package) or shared_files.procfile(files):
        return None
    plans: dict[str, ImagePlan] = {}
    for place in members:
        try:
            plans[place] = _member(files, place, overrides, images, single)
        except CannotPlan:
            continue
    needed = {name for place in members for name in package_json.read(files.below(place)).tools}
    # what other packages are made of is no application, though it may have an index.js
    plans = {p: found for p, found in plans.items() if package_json.read(files.below(p)).name not in needed} or plans
    if len(plans) > 1:
        listed = ", ".join(sorted(plans))
        raise CannotPlan(
            f"this is a workspace with several applications: {listed}; set source.git.rootDirectory to one of them, or"
            " describe them in ink.yaml"
        )
    if not plans:
        raise NothingToStart("this is a workspace, but no package in it can be started: add a `start` script to one")
    return next(iter(plans.values()))


def _starts(package: PackageJson) -> bool:
    """Whether the top has a start script of its own, and not one that starts every package at once."""
    return "start" in package.scripts and _EVERY.search(package.script("start")) is None


def _members(root: Files) -> list[str]:
    """Directories of the workspace's packages; empty when there is no workspace."""
    if "package.json" not in root:
        return []
    listed = package_json.read(root).data.get("workspaces")
    if isinstance(listed, dict):
        listed = listed.get("packages")
    globs = [g for g in listed if isinstance(g, str)] if isinstance(listed, list) else []
    globs += _LISTED.findall(root.read("pnpm-workspace.yaml"))
    wanted = [_glob(g) for g in globs if not g.startswith("!")]
    refused = [_glob(g[1:]) for g in globs if g.startswith("!")]
    places = [p.removesuffix("/package.json") for p in root.named("package.json", depth=4) if p != "package.json"]
    found = [
        p for p in places if quoting.matches(p, wanted) and not quoting.matches(p, refused) and quoting.is_plain(p)
    ]
    return sorted(found)[:_MOST_MEMBERS]


def _glob(text: str) -> str:
    return text.strip().removeprefix("./").rstrip("/")


def _member(root: Files, place: str, overrides: Overrides, images: BaseImages, single: Single) -> ImagePlan:
    own = root.below(place)
    top = package_json.read(root)
    base, version = package_json.version(*_asks(root, top, own), images)
    manager = managers.choose(root, top, lenient=bool(version.note))
    alone = single(own, overrides, images)
    target = f"/app/{place}"
    path = f"{target}/node_modules/.bin:/app/node_modules/.bin"
    tools = f":{managers.TOOLS}/bin" if manager.setup else ""
    install = f"cd {target} && {overrides.install}" if overrides.install else manager.install
    moved = replace(
        alone,
        directory="",
        image=base.build,
        run_image=alone.run_image if alone.texts else base.run,
        why=f"the workspace's package {place}",
        versions=(version,),
        manager=f"{manager.name}, a workspace" + ("" if manager.lock else " without a lock file"),
        manifests=(),
        setup=manager.setup,
        install=(Run(install, manager.caches),),
        build=(*_dependencies(root, place, manager), *_own(alone, target, manager, overrides)),
        build_environment=(("PATH", f"{path}{tools}:$PATH"), *manager.environment, *package_json.UNNEEDED.values()),
        workdir="/app" if alone.texts or ".output" in alone.start else target,
        artifacts=tuple(
            (source.replace("/app/", f"{target}/", 1) if source.startswith("/app/") else source, to)
            for source, to in alone.artifacts
        ),
        run_environment=tuple(
            (name, f"{path}:$PATH") if name == "PATH" else (name, value) for name, value in alone.run_environment
        ),
    )
    return _standalone(moved, place) if ".next/standalone" in str(alone.artifacts) else moved


def _own(alone: ImagePlan, target: str, manager: PackageManager, overrides: Overrides) -> list[Run]:
    """The package's own build, by the workspace's package manager. Nothing is pruned: all share their packages."""
    if overrides.build:
        return [Run(f"cd {target} && {overrides.build}", manager.caches)]
    commands = []
    for step in alone.build:
        if step.command.startswith(("npx ", "rm ")):
            commands.append(step.command)
        elif " run build" in step.command:
            _, flag, rest = step.command.partition("--base")
            commands.append(manager.script("build", flag + rest))
    return [Run(f"cd {target} && {command}", manager.caches) for command in commands]


def _asks(root: Files, top: PackageJson, own: Files) -> tuple[Files, PackageJson]:
    """Where the version of Node is asked for: in the package itself, else at the top."""
    package = package_json.read(own)
    asked = own.first(".node-version", ".nvmrc") or formats.table(package.data, "engines").get("node")
    return (own, package) if asked else (root, top)


def _standalone(plan: ImagePlan, place: str) -> ImagePlan:
    """Next keeps the workspace's directories inside its output."""
    artifacts = tuple(
        (source, "/app" if source.endswith("standalone") else to.replace("/app", f"/app/{place}", 1))
        for source, to in plan.artifacts
    )
    return replace(plan, artifacts=artifacts, workdir=f"/app/{place}")


def _dependencies(root: Files, place: str, manager: PackageManager) -> list[Run]:
    """The builds of the workspace's packages that this one depends on, in their order."""
    packages = {p: package_json.read(root.below(p)) for p in _members(root)}
    places = {package.name: p for p, package in packages.items() if package.name}
    order: list[str] = []
    seen: set[str] = set()

    def visit(p: str) -> None:
        seen.add(p)
        for name in packages[p].tools:
            if name in places and places[name] not in seen:
                visit(places[name])
        order.append(p)

    visit(place)
    runner = manager.run.format("build")
    built = [p for p in order if p != place and "build" in packages[p].scripts]
    return [Run(f"cd /app/{p} && {runner}", manager.caches) for p in built]
