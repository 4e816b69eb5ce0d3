"""Pack .NET: one project, published and run by the runtime alone."""

import json
import re
from dataclasses import replace

from ink_planner.model.base_images import BaseImage, BaseImages
from ink_planner.model.ecosystem import Signs
from ink_planner.model.errors import CannotPlan, NothingToStart
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import PORT, ImagePlan, Run, Version
from ink_planner.toolkit import formats, quoting, versions
from ink_planner.toolkit.versions import VersionConstraint, VersionRules

RULES = VersionRules(".NET")
_CACHES = ("/root/.nuget/packages",)
_PROJECTS = (".csproj", ".fsproj", ".vbproj")
_FRAMEWORK = re.compile(r"<TargetFrameworks?>\s*(?:net|netcoreapp)(\d+\.\d+)")
_OUTSIDE = re.compile(r"<ProjectReference\s+Include\s*=\s*[\"']\.\.[\\/]")
_JOINS = (".sln", ".slnx", ".slnf", ".props")
_TESTS = re.compile(r"(?:^|/)tests?/|[.-]?tests?\.\w+$", re.IGNORECASE)
_TEST = re.compile(r"Microsoft\.NET\.Test\.Sdk|<IsTestProject>\s*true")


def detect(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    """A project file for C#, F# or Visual Basic. Raises CannotPlan."""
    projects = _projects(files)
    if not projects:
        return None
    project = _application(files, projects)
    if files.whole is not None and files.place and _OUTSIDE.search(files.read(project)):
        # its neighbours are compiled with it
        return replace(_plan(files.whole, f"{files.place}/{project}", overrides, images), directory="")
    return _plan(files, project, overrides, images)


def _projects(files: Files) -> list[str]:
    return [p for end in _PROJECTS for p in files.with_suffix(end, 3) if quoting.is_plain(p)]


def belongs_to_another(files: Files, others: Signs) -> bool:
    """Whether other directories hold other ecosystems' programs, and nothing at the top joins the projects."""
    projects = _projects(files)
    if any("/" not in p for p in projects) or any(files.with_suffix(end) for end in _JOINS):
        return False
    own = {p.partition("/")[0] for p in projects}
    directories = [d for d in files.top() if d.endswith("/") and d.rstrip("/") not in own]
    return any(f"{d}{name}" in files for d in directories for name in ("Dockerfile", *others.manifests))


def _plan(files: Files, project: str, overrides: Overrides, images: BaseImages) -> ImagePlan:
    text = files.read(project)
    base, version = _version(files, images, text)
    named = re.search(r"<AssemblyName>\s*([\w.-]+)\s*</AssemblyName>", text)
    assembly = named[1] if named else project.rpartition("/")[2].rpartition(".")[0]
    folder = project.rpartition("/")[0]
    locked = " --locked-mode" if f"{folder}/packages.lock.json".lstrip("/") in files else ""
    publish = f"dotnet publish {project} --configuration Release --no-restore --output /out -p:UseAppHost=false"
    start = overrides.start or f"env ASPNETCORE_URLS=http://0.0.0.0:{PORT} dotnet {assembly}.dll"
    return ImagePlan(
        pack=".NET",
        image=base.build,
        run_image=base.run,
        why=project,
        versions=(version,),
        manager="nuget" + (", locked" if locked else ""),
        build=(
            Run(overrides.install or f"dotnet restore {project}{locked}", _CACHES),
            Run(overrides.build or publish, _CACHES),
        ),
        build_environment=(("DOTNET_CLI_TELEMETRY_OPTOUT", "1"), ("DOTNET_NOLOGO", "1")),
        run_environment=(("DOTNET_ROLL_FORWARD", "Major"),),
        artifacts=(("/app", "/app"),) if overrides.build and "/out" not in overrides.build else (("/out", "/app"),),
        start=start,
        start_why="the start command given" if overrides.start else project,
    )


def _application(files: Files, projects: list[str]) -> str:
    """The project that is a program. Raises CannotPlan when there is none, or more than one."""
    texts = {path: files.read(path) for path in projects[:200] if not _TESTS.search(path)}
    web = [p for p, text in texts.items() if "Microsoft.NET.Sdk.Web" in text and not _TEST.search(text)]
    programs = web or [p for p, text in texts.items() if "<OutputType>Exe" in text and not _TEST.search(text)]
    if len(programs) == 1:
        return programs[0]
    if not programs:
        raise NothingToStart(
            f"this is .NET, but no project is a program: {', '.join(projects[:10])}; use the SDK Microsoft.NET.Sdk.Web,"
            " or OutputType Exe"
        )
    raise CannotPlan(
        f"several projects are programs: {', '.join(programs[:10])}; set source.git.rootDirectory to one of their"
        " directories"
    )


def _version(files: Files, images: BaseImages, text: str) -> tuple[BaseImage, Version]:
    """The SDK that global.json insists on, else the one of the target framework."""
    try:
        sdk = formats.table(json.loads(formats.jsonc(files.read("global.json") or "{}")), "sdk")
    except (ValueError, RecursionError) as error:
        raise CannotPlan(f"global.json is not valid JSON: {error}") from error
    target = _FRAMEWORK.search(text)
    found = [VersionConstraint(target[1], "TargetFramework", pin=True)] if target else []
    wanted, loose = sdk.get("version"), sdk.get("rollForward") in {"major", "latestMajor", "latestMinor", "minor"}
    if isinstance(wanted, str) and versions.number_of(wanted) and not loose:
        found.insert(0, VersionConstraint(wanted, "global.json", pin=True))
    return versions.choose(images, "dotnet", RULES, found)
