"""One application of an Nx workspace: Nx builds it and what it depends on, from the workspace's top."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ink_planner.ecosystems.node import package_json
from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import CannotPlan
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan
from ink_planner.toolkit import formats, quoting, shared_files

_MOST_PROJECTS = 200
_ON_NODE = ("@nx/node:", "@nx/esbuild:", "@nx/js:", "@nrwl/node:", "@nrwl/esbuild:", "@nrwl/js:")
Single = Callable[[Files, Overrides, BaseImages], ImagePlan]


@dataclass(frozen=True)
class _Project:
    place: str
    name: str
    build: dict[str, Any]

    @property
    def options(self) -> dict[str, Any]:
        return formats.table(self.build, "options")

    @property
    def output(self) -> str:
        """Where the build leaves its files, below the workspace's top."""
        path = self.options.get("outputPath")
        if isinstance(path, dict):
            return "/".join(part for part in (path.get("base"), path.get("browser", "browser")) if part)
        listed = self.build.get("outputs")
        named = next((o for o in listed if isinstance(o, str)), "") if isinstance(listed, list) else ""
        named = named.replace("{workspaceRoot}/", "").replace("{projectRoot}", self.place)
        place = path if isinstance(path, str) else named if named and "{" not in named else f"dist/{self.place}"
        return f"{place}/browser" if str(self.build.get("executor")).endswith(":application") else place

    @property
    def runs_on_node(self) -> bool:
        executor = str(self.build.get("executor"))
        return executor.startswith(_ON_NODE) or "node" in {self.options.get("target"), self.options.get("platform")}


def plan(files: Files, overrides: Overrides, images: BaseImages, single: Single) -> ImagePlan | None:
    """The plan of an application, asked for by its directory or the only one; None when Nx does not build it."""
    root = files.whole if files.whole is not None and files.place else files
    if "nx.json" not in root or overrides.start or overrides.publish_directory or shared_files.procfile(files):
        return None
    projects = _projects(root)
    if files.place:
        found = next((p for p in projects if p.place == files.place), None)
        return _plan(root, found, overrides, images, single) if found else None
    if len(projects) > 1 and not package_json.read(files).scripts.get("start", "").startswith("node "):
        listed = ", ".join(p.place for p in projects[:10])
        raise CannotPlan(
            f"this is a workspace with several applications: {listed}; set source.git.rootDirectory to one of them, or"
            " describe them in ink.yaml"
        )
    return _plan(root, projects[0], overrides, images, single) if len(projects) == 1 else None


def _projects(root: Files) -> list[_Project]:
    """Applications that have a build, but for those that only test another one."""
    found = []
    for path in sorted(root.named("project.json", 4))[:_MOST_PROJECTS]:
        place = path.removesuffix("/project.json")
        data = formats.json_object(root, path)
        build, name = formats.table(data, "targets", "build"), str(data.get("name") or place.rpartition("/")[2])
        application = data.get("projectType") == "application" and build and "e2e" not in name
        own = package_json.read(root.below(place)).scripts
        if application and quoting.is_plain(place) and quoting.is_plain(name) and not {"start", "build"} & own.keys():
            found.append(_Project(place, name, build))
    return found


def _plan(root: Files, project: _Project, overrides: Overrides, images: BaseImages, single: Single) -> ImagePlan:
    """The workspace's own plan, with this project's build."""
    production = "production" in formats.table(project.build, "configurations")
    build = f"NX_DAEMON=false nx build {project.name}{' --configuration=production' if production else ''}"
    output = quoting.directory(project.output, "outputPath in project.json")
    given = Overrides(install=overrides.install, build=overrides.build or build)
    if project.runs_on_node:
        given = replace(given, start=f"node {output}/main.js")
    else:
        given = replace(given, publish_directory=output)
    made = single(root, given, images)
    why = f"the Nx project {project.place}"
    start_why = why if project.runs_on_node else made.start_why
    return replace(made, directory=root.place, why=why, start_why=start_why)
