"""The repository's own Dockerfile: which one is built, and what is checked before the daemon sees it. Pure."""

import re

from ink_api.reasons import Reason

from ink_planner.model.errors import CannotPlan
from ink_planner.model.files import Files
from ink_planner.model.options import BuildOptions

DEFAULT = "Dockerfile"
_DIRECTIVE = re.compile(r"^(?:#|//)\s*(?P<key>[a-zA-Z][a-zA-Z0-9-]*)\s*=\s*(?P<value>\S+)\s*$")
_OWN_FRONTEND = re.compile(r"^(?:docker\.io/)?docker/dockerfile(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?$")


def find(files: Files, options: BuildOptions) -> str | None:
    """The path of the Dockerfile to build; None when it is to be planned.

    Raises CannotPlan: DockerfileNotFound when one is asked for and missing, BuildRefused for another frontend.
    """
    if options.pack not in {"Auto", "Dockerfile"}:
        return None
    path = (options.dockerfile or "").removeprefix("./").lstrip("/") or files.first(DEFAULT, DEFAULT.lower())
    if path is None and options.pack == "Auto":
        return None
    if path is None or path not in files:
        raise CannotPlan(f"there is no {path or DEFAULT} in this commit{_hint(files)}", Reason.DOCKERFILE_NOT_FOUND)
    if files.is_utf16(path):
        message = f"{path} is saved as UTF-16, which BuildKit cannot read: save it as UTF-8"
        raise CannotPlan(message, Reason.BUILD_FAILED)
    check_frontend(path, files.read(path))
    return path


def check_frontend(path: str, text: str) -> None:
    """The daemon's own Dockerfile frontend builds every Dockerfile: one that names another program is refused."""
    named = frontend(text)
    if named is not None and not _OWN_FRONTEND.match(named):
        raise CannotPlan(
            f"{path} asks for the frontend {named}, which Ink does not run: remove its `# syntax=` line",
            Reason.BUILD_REFUSED,
        )


def frontend(text: str) -> str | None:
    """The value of the `# syntax=` directive; directives count only before everything else."""
    lines = text.removeprefix("\ufeff").splitlines()
    if lines and lines[0].startswith("#!"):
        del lines[0]
    for line in lines:
        found = _DIRECTIVE.match(line.strip())
        if found is None:
            return None
        if found["key"].lower() == "syntax":
            return found["value"]
    return None


def _hint(files: Files) -> str:
    others = [p for p in files.named(DEFAULT, depth=3) if p != DEFAULT][:3]
    return f"; there is {', '.join(others)}: set build.dockerfile or source.git.rootDirectory" if others else ""
