"""Pure: what a repository's own ink.yaml says about how to run it, and how that changes a service.

The builder reports it in its verdict and in a label of the image; the revision's record has it too. All three may have
been forged: anything malformed counts as absent.
"""

import json
from functools import lru_cache
from typing import Any

from ink_api.inkfile import InkTarget
from ink_api.inkservice import Health, InkService, InkServiceSpec, Port, Resources
from pydantic import ValidationError

FIELDS = frozenset({"command", "args", "ports", "health", "resources"})
MAX_CHARS = 4096
SHELL = ("/bin/sh", "-c")


def canonical(settings: Any) -> str:
    """The settings as canonical text; empty if there are none or they are malformed."""
    if not isinstance(settings, dict):
        return ""
    try:
        target = InkTarget.model_validate({name: value for name, value in settings.items() if name in FIELDS})
    except ValidationError:
        return ""
    wire = target.to_wire()
    text = json.dumps(wire, sort_keys=True, separators=(",", ":"))
    return text if wire and len(text) <= MAX_CHARS else ""


@lru_cache(maxsize=256)
def parsed(text: str) -> str:
    """The same for untrusted text. Cached, because each pass reads it several times from the workload."""
    try:
        return canonical(json.loads(text)) if text else ""
    except (ValueError, RecursionError):
        return ""


def applied(service: InkService, inkfile: str) -> InkService:
    """The service with these settings wherever its spec has none. `inkfile`: as canonical() gives it."""
    if not inkfile:
        return service
    settings = InkTarget.model_validate_json(inkfile)
    spec = service.spec
    changes = _process(spec, settings)
    if spec.resources is None and settings.resources is not None:
        changes["resources"] = Resources.model_validate(settings.resources.to_wire())
    if spec.cron is None:
        changes |= _serving(spec, settings)
    return service.model_copy(update={"spec": spec.model_copy(update=changes)}) if changes else service


def _process(spec: InkServiceSpec, settings: InkTarget) -> dict[str, Any]:
    """Command and arguments. Arguments of ink.yaml do not apply to a command of the spec."""
    changes: dict[str, Any] = {}
    if spec.command is not None:
        return changes
    if settings.command is not None:
        changes["command"] = [*SHELL, settings.command] if isinstance(settings.command, str) else settings.command
    if spec.args is None and settings.args is not None:
        changes["args"] = settings.args
    return changes


def _serving(spec: InkServiceSpec, settings: InkTarget) -> dict[str, Any]:
    """Ports and health check. A worker without a port is not checked."""
    changes: dict[str, Any] = {}
    if spec.ports is None and settings.ports is not None:
        changes["ports"] = [Port.model_validate(port.to_wire()) for port in settings.ports]
    can_check = changes.get("ports", spec.ports) != [] or (
        settings.health is not None and settings.health.port is not None
    )
    if spec.health is None and settings.health is not None and can_check:
        changes["health"] = Health.model_validate(settings.health.to_wire())
    return changes
