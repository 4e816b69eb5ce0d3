"""A newer operator with other defaults restarts nothing by itself: a workload keeps its pod template.

The Deployment stores the template as it was rendered, and a hash of the request behind it. While the request is the
same, that template is the wanted one, so that manual edits are still undone; a new request is rendered again.
"""

import json
from typing import Any

from ink_api import group
from ink_api.inkservice import InkService

from ink_operator.core import canonical, objects

ANNOTATION_ASKED = f"{group.GROUP}/asked"
ANNOTATION_TEMPLATE = f"{group.GROUP}/template"
TEMPLATE_MAX_BYTES = 200_000
"""All annotations of an object together may have 256 KiB. A larger template follows the operator's defaults at once."""

NON_POD_FIELDS = frozenset(
    {
        "autoscaling",
        "build",
        "domains",
        "idle_after",
        "mode",
        "rebuild_token",
        "release",
        "replicas",
        "source",
        "subdomain",
        "suspend",
        "ttl",
    }
)
"""Fields of the spec that do not affect pods: changing them must not apply new defaults."""


def asked_of(service: InkService, template: objects.Manifest) -> str:
    """A hash of what the user asks for: the spec's part in the pods, the image, and the template's annotations.

    Annotations of the template stand for data (a restart, values of variables): do not put constants there.
    """
    spec = service.spec.model_dump(mode="json", by_alias=True, exclude=set(NON_POD_FIELDS), exclude_defaults=True)
    pods: dict[str, Any] = template["spec"]
    image = [container["image"] for container in pods["containers"]]
    pull = pods.get("imagePullSecrets")
    return canonical.fingerprint([spec, image, pull, template["metadata"].get("annotations")])


def kept_template(live: objects.Manifest | None, asked: str) -> objects.Manifest | None:
    """The stored template of the live Deployment for the same request; None if there is none to keep."""
    if live is None:
        return None
    notes = objects.annotations_of(live)
    if notes.get(ANNOTATION_ASKED) != asked:
        return None
    try:
        template: objects.Manifest = json.loads(notes.get(ANNOTATION_TEMPLATE, ""))
        return template if template["spec"]["containers"] and template["metadata"]["labels"] else None
    except (ValueError, KeyError, TypeError):
        return None


def notes_of(asked: str, template: objects.Manifest) -> dict[str, str]:
    """The annotations that store the template for a later operator."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    if len(text.encode()) > TEMPLATE_MAX_BYTES:
        return {ANNOTATION_ASKED: asked}
    return {ANNOTATION_ASKED: asked, ANNOTATION_TEMPLATE: text}
