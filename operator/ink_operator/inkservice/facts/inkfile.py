"""Pure: what a repository's own ink.yaml says of how it runs, and what that makes of a service.

A build finds it and tells it in its verdict and in a label of the image; with the revision it is remembered. All three
may be somebody else's work: what is not of its form counts as absent.
"""

import json
from functools import lru_cache
from typing import Any

from ink_api.inkfile import InkTarget
from ink_api.inkservice import Health, InkService, InkServiceSpec, Port, Resources
from pydantic import ValidationError

FIELDS = frozenset({"command", "args", "ports", "health", "resources"})
MOST_CHARS = 4096
SHELL = ("/bin/sh", "-c")


def canonical(told: Any) -> str:
    """The settings as text that is equal for equal ones; empty when there are none of that form."""
    if not isinstance(told, dict):
        return ""
    try:
        target = InkTarget.model_validate({name: value for name, value in told.items() if name in FIELDS})
    except ValidationError:
        return ""
    wire = target.to_wire()
    text = json.dumps(wire, sort_keys=True, separators=(",", ":"))
    return text if wire and len(text) <= MOST_CHARS else ""


@lru_cache(maxsize=256)
def parsed(text: str) -> str:
    """The same of text that may be anything. Kept, as each pass reads it several times from the workload."""
    try:
        return canonical(json.loads(text)) if text else ""
    except (ValueError, RecursionError):
        return ""


def applied(service: InkService, inkfile: str) -> InkService:
    """The service with these settings wherever its spec says nothing. `inkfile`: as canonical() gives it."""
    if not inkfile:
        return service
    told = InkTarget.model_validate_json(inkfile)
    spec = service.spec
    changes = _process(spec, told)
    if spec.resources is None and told.resources is not None:
        changes["resources"] = Resources.model_validate(told.resources.to_wire())
    if spec.cron is None:
        changes |= _serving(spec, told)
    return service.model_copy(update={"spec": spec.model_copy(update=changes)}) if changes else service


def _process(spec: InkServiceSpec, told: InkTarget) -> dict[str, Any]:
    """What is started. A command of the spec has nothing to do with arguments for another one."""
    changes: dict[str, Any] = {}
    if spec.command is not None:
        return changes
    if told.command is not None:
        changes["command"] = [*SHELL, told.command] if isinstance(told.command, str) else told.command
    if spec.args is None and told.args is not None:
        changes["args"] = told.args
    return changes


def _serving(spec: InkServiceSpec, told: InkTarget) -> dict[str, Any]:
    """Ports, and how the first one is asked. A worker without a port of its own to ask is not asked."""
    changes: dict[str, Any] = {}
    if spec.ports is None and told.ports is not None:
        changes["ports"] = [Port.model_validate(port.to_wire()) for port in told.ports]
    askable = changes.get("ports", spec.ports) != [] or (told.health is not None and told.health.port is not None)
    if spec.health is None and told.health is not None and askable:
        changes["health"] = Health.model_validate(told.health.to_wire())
    return changes
