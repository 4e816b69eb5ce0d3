"""ink.yaml of a repository: read, checked, and the part of it that counts for one service."""

import difflib
import shlex
from dataclasses import dataclass, field
from typing import Any

from ink_api.reasons import Reason

from ink_planner.model.errors import CannotPlan
from ink_planner.model.files import Files

_NAME = "ink.yaml"
_ELSEWHERE = {
    "env": "set variables on the service",
    "envFrom": "set variables on the service",
    "domains": "set domains on the service",
    "isolation": "set isolation on the service",
    "volumes": "set volumes on the service",
    "replicas": "set replicas on the service",
    "autoscaling": "set autoscaling on the service",
    "cron": "set cron on the service",
    "timeout": "set build.timeout on the service",
}
"""Fields of a service that no repository decides."""
_ARGS_OF_A_SHELL = "a shell command takes none: put them into command, or write command as a list of words"


class WrongInkFile(CannotPlan):
    """ink.yaml cannot be used; the text names file, line and remedy."""

    reason = Reason.BUILD_FAILED


@dataclass(frozen=True)
class InkSettings:
    """What ink.yaml says for one service. `rest` is not the build's: it is how the image is run."""

    path: str
    root_directory: str = ""
    build: dict[str, str] = field(default_factory=dict)
    start: str | None = None
    port: int | None = None
    rest: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def find(whole: Files, place: str, service: str) -> InkSettings | None:
    """Of the application's directory, else of the repository's top; None without one. Raises WrongInkFile."""
    path = whole.first(*((f"{place}/{_NAME}",) if place else ()), _NAME)
    if path is None:
        return None
    # only a repository with an ink.yaml pays for loading the models
    from ink_planner.inkfile import yaml_tree

    try:
        tree = yaml_tree.parse(whole.read(path))
    except yaml_tree.NotReadable as error:
        raise WrongInkFile(f"{path}, line {error.line}: {error}") from error
    return _settings(path, tree, whole, service)


def _settings(path: str, tree: Any, whole: Files, service: str) -> InkSettings:
    from ink_api.inkfile import InkFile
    from pydantic import ValidationError

    if tree.value is None:
        return InkSettings(path, notes=(f"{path} is empty",))
    try:
        parsed = InkFile.model_validate(tree.value)
    except ValidationError as error:
        raise WrongInkFile(_explained(path, tree, error)) from error
    target = parsed.target(service)
    wire = target.to_wire()
    build = {name: str(value) for name, value in (wire.pop("build", None) or {}).items()}
    root = (wire.pop("rootDirectory", None) or "").strip("/")
    if root and not whole.has_directory(root):
        line = tree.line(("services", service, "rootDirectory") if "services" in tree.value else ("rootDirectory",))
        raise WrongInkFile(f"{path}, line {line}: rootDirectory {root} is not in this commit: correct it, or commit it")
    command = target.command
    if isinstance(command, str) and target.args:
        line = tree.line(("services", service, "args") if "services" in tree.value else ("args",))
        raise WrongInkFile(f"{path}, line {line}: args: {_ARGS_OF_A_SHELL}")
    start = shlex.join([*command, *(target.args or ())]) if isinstance(command, list) else command
    port = next((p.port for p in target.ports or () if p.protocol == "HTTP"), None)
    known = sorted(parsed.services or {})
    notes = () if not known or service in known else (f"{path} has no service {service}, only {', '.join(known)}",)
    return InkSettings(path, root, build, start or None, port, wire, notes)


def _explained(path: str, tree: Any, error: Any) -> str:
    """The first mistake, with its line, and how many more there are."""
    found = error.errors(include_url=False, include_context=False)
    first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
    location = tuple(part for part in first["loc"] if part not in {"str", "list[str]"})
    where = ".".join(str(part) for part in location) or "the file"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{path}, line {tree.line(location)}: {where}: {_remedy(first, location)}{more}"


def _remedy(error: dict[str, Any], location: tuple[Any, ...]) -> str:
    from ink_api.inkfile import InkFile, InkTarget

    if error["type"] == "extra_forbidden":
        name = str(location[-1])
        if name in _ELSEWHERE:
            return f"this cannot be set in ink.yaml: remove it, and {_ELSEWHERE[name]}"
        fields = [f.alias or n for model in (InkFile, InkTarget) for n, f in model.model_fields.items()]
        near = difflib.get_close_matches(name, fields, 1) if len(location) in {1, 3} else []
        return "no such field: " + (
            f"did you mean {near[0]}?" if near else "remove it (docs/ink.schema.json lists them all)"
        )
    return str(error["msg"]).removeprefix("Value error, ")
