"""Files that a repository of any language may have: a Procfile, and those that pin versions of tools."""

import re

from ink_planner.model.files import Files
from ink_planner.toolkit.formats import table, toml
from ink_planner.toolkit.versions import VersionConstraint

_PROCESS = re.compile(r"^(web|worker)[ \t]*:[ \t]*(\S.*)$", re.MULTILINE)
_LINE = re.compile(r"^[ \t]*([\w.-]+)[ \t]+(\S+)", re.MULTILINE)


def procfile(files: Files) -> tuple[str, str] | None:
    """The command of the first `web` (else `worker`) line of a Procfile, and its name."""
    found = {name: command.strip() for name, command in reversed(_PROCESS.findall(files.read("Procfile")))}
    name = next((name for name in ("web", "worker") if name in found), None)
    return (found[name], f"Procfile, {name}") if name else None


def tool_version(files: Files, *names: str) -> list[VersionConstraint]:
    """What .tool-versions or mise.toml asks for one of `names`."""
    found = [
        VersionConstraint(v, ".tool-versions", pin=True)
        for n, v in _LINE.findall(files.read(".tool-versions"))
        if n in names
    ]
    for path in ("mise.toml", ".mise.toml"):
        tools = table(toml(files, path), "tools")
        found += [
            VersionConstraint(str(tools[n]), path, pin=True)
            for n in names
            if isinstance(tools.get(n), str | int | float)
        ]
    return found


def pin_file(files: Files, *paths: str) -> list[VersionConstraint]:
    """The first line of a file that holds a version and nothing else."""
    texts = [(path, files.read(path).strip()) for path in paths]
    return [VersionConstraint(text.splitlines()[0], path, pin=True) for path, text in texts if text]
