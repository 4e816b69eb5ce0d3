"""A newer operator with other defaults restarts nothing by itself: a workload keeps the pod template it was given.

The Deployment carries the template as it was rendered, and a name for what was asked of it then. While the same is
asked, that template is the wanted one, so an edit by hand is still undone; what is newly asked is rendered anew.
"""

import json
from typing import Any

from ink_api import group
from ink_api.inkservice import InkService

from ink_operator.core import canonical
from ink_operator.core.objects import Manifest, annotations_of

ANNOTATION_ASKED = f"{group.GROUP}/asked"
ANNOTATION_TEMPLATE = f"{group.GROUP}/template"
TEMPLATE_MOST_BYTES = 200_000
"""All annotations of an object together may have 256 KiB. A larger template follows the operator's defaults at once."""

NOT_OF_PODS = frozenset(
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
"""Fields of the spec that no pod sees by themselves: changing them must not bring new defaults along."""


def asked_of(service: InkService, template: Manifest) -> str:
    """Names what the user asks of the pods: the spec's part in them, the image, and the template's annotations.

    Annotations of the template name data (a restart, values of variables), so a constant does not belong there.
    """
    spec = service.spec.model_dump(mode="json", by_alias=True, exclude=set(NOT_OF_PODS), exclude_defaults=True)
    pods: dict[str, Any] = template["spec"]
    image = [container["image"] for container in pods["containers"]]
    pull = pods.get("imagePullSecrets")
    return canonical.fingerprint([spec, image, pull, template["metadata"].get("annotations")])


def kept_template(live: Manifest | None, asked: str) -> Manifest | None:
    """The template that the live Deployment was given for the same; None when there is none to keep."""
    if live is None:
        return None
    notes = annotations_of(live)
    if notes.get(ANNOTATION_ASKED) != asked:
        return None
    try:
        template: Manifest = json.loads(notes.get(ANNOTATION_TEMPLATE, ""))
        return template if template["spec"]["containers"] and template["metadata"]["labels"] else None
    except (ValueError, KeyError, TypeError):
        return None


def notes_of(asked: str, template: Manifest) -> dict[str, str]:
    """The annotations by which a later operator finds the template again."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    if len(text.encode()) > TEMPLATE_MOST_BYTES:
        return {ANNOTATION_ASKED: asked}
    return {ANNOTATION_ASKED: asked, ANNOTATION_TEMPLATE: text}
