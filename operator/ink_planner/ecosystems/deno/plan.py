"""Pack Deno: what the program imports is fetched at the build, and nothing at its start."""

import json
import re
from typing import Any

from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import CannotPlan, NothingToStart
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import PORT, ImagePlan, Run
from ink_planner.toolkit import formats, shared_files, sources, versions
from ink_planner.toolkit.versions import VersionRules

RULES = VersionRules("Deno", majors=False)
_DIR = "/deno-dir"
_ENTRIES = tuple(
    f"{folder}{name}.{ending}"
    for folder in ("", "src/")
    for name in ("main", "server", "mod", "index", "app")
    for ending in ("ts", "tsx", "js", "jsx")
)
_SERVES = re.compile(
    r"^export\s+default\s*(?:\{[^}]*\bfetch\b|\w+\s+satisfies\s+Deno\.ServeDefaultExport)", re.MULTILINE
)
_LISTEN = re.compile(r"\bport\s*:\s*(\d{4,5})")
_USES = re.compile(r"\bDeno\.(?:serve|env|listen)\b|[\"'](?:jsr:|npm:|https://deno\.land/)")


def detect(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    """A deno.json or its lock file; or a main.ts that uses Deno, without a package.json. Raises CannotPlan."""
    entry = files.first(*_ENTRIES)
    why = files.first("deno.json", "deno.jsonc", "deno.lock")
    if why is None and ("package.json" in files or entry is None or not _USES.search(files.read(entry))):
        return None
    config = _config(files)
    tasks = formats.strings(config.get("tasks"))
    if "package.json" in files and not tasks and "deno.lock" not in files:
        return None  # Node, with a formatter's settings
    start, start_why = _start(files, overrides, tasks, entry)
    base, version = versions.choose(images, "deno", RULES, shared_files.tool_version(files, "deno"))
    build = overrides.build or ("deno task build" if "build" in tasks else None)
    fetched = f"deno cache{' --frozen' if 'deno.lock' in files else ''} {entry}" if entry else "deno install"
    return ImagePlan(
        pack="Deno",
        image=base.build,
        run_image=base.run,
        why=why or entry or "",
        versions=(version,),
        manager="deno" + ("" if "deno.lock" in files else ", without a lock file"),
        build=(
            *((Run(overrides.install),) if overrides.install else (Run(fetched),)),
            *((Run(build),) if build else ()),
        ),
        build_environment=(("DENO_DIR", _DIR), ("DENO_NO_UPDATE_CHECK", "1")),
        run_environment=(("DENO_DIR", _DIR), ("DENO_NO_UPDATE_CHECK", "1")),
        artifacts=((_DIR, _DIR), ("/app", "/app")),
        start=start,
        start_why=start_why,
        port=sources.fixed_port(files.read(entry), _LISTEN) if entry and "task" not in start else 8080,
    )


def _config(files: Files) -> dict[str, Any]:
    path = files.first("deno.json", "deno.jsonc")
    if path is None:
        return {}
    try:
        data = json.loads(formats.jsonc(files.read(path)))
    except (ValueError, RecursionError) as error:
        raise CannotPlan(f"{path} is not valid JSON: {error}") from error
    return data if isinstance(data, dict) else {}


def _start(files: Files, overrides: Overrides, tasks: dict[str, str], entry: str | None) -> tuple[str, str]:
    if overrides.start:
        return overrides.start, "the start command given"
    if found := shared_files.procfile(files):
        return found
    for task in ("start", "serve", "preview"):
        if task in tasks and "--watch" not in tasks[task]:
            return f"deno task {task}", f"task {task}"
    if entry is None:
        raise NothingToStart("this is Deno, but no start command was found: add a task `start`, or a main.ts")
    if _SERVES.search(files.read(entry)):
        return f"deno serve --allow-all --host 0.0.0.0 --port {PORT} {entry}", entry
    return f"deno run --allow-all {entry}", entry
