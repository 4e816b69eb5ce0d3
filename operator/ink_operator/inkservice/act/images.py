"""Carries out what is decided about old images. Housekeeping: its failure fails no pass, and is tried again."""

import logging
from typing import Any

from ink_operator.core import kinds
from ink_operator.core.errors import InkError, NotRenewed
from ink_operator.core.objects import Key, Manifest
from ink_operator.inkservice import names
from ink_operator.inkservice.model import RetireImages, ServiceContext
from ink_operator.ports import Ports

log = logging.getLogger(__name__)
AGAIN_SECONDS = 60.0


async def retire_images(context: ServiceContext, retire: RetireImages, ports: Ports) -> None:
    """Delete from the registry first, then note it: who is killed in between does the same again."""
    try:
        digests, tags = await _in_use(context, retire.repository, ports)
        logs = frozenset(names.build_log_tag(build) for build in retire.builds)
        await ports.registry.prune(retire.repository, retire.digests | digests, tags | logs)
    except NotRenewed:
        raise
    except InkError as error:
        meta = context.service.metadata
        log.info("images of %s/%s are deleted later: %s", meta.namespace, meta.name, error)
        ports.wakeups.add(Key(kinds.INK_SERVICE.kind, meta.namespace, meta.name), AGAIN_SECONDS)
        return
    for ref in retire.records:
        await ports.cluster.merge_patch(ref, {"metadata": {"annotations": {names.ANNOTATION_IMAGE_DELETED: "true"}}})


async def _in_use(context: ServiceContext, repository: str, ports: Ports) -> tuple[frozenset[str], frozenset[str]]:
    """Digests and tags that anybody's pods name. By admission only those of this namespace may."""
    space, own = context.identity.namespace, f"{context.settings.registry}/{repository}"
    digests, tags = set(), set()
    for kind in (kinds.DEPLOYMENT, kinds.CRON_JOB, kinds.POD):
        for live in await ports.cluster.list(kind, space):
            for image in _images(live):
                name, _, digest = image.partition("@")
                if name == own or name.startswith(f"{own}:"):
                    digests.add(digest)
                    tags.add(name[len(own) + 1 :])
    return frozenset(digests - {""}), frozenset(tags - {""})


def _images(live: Manifest) -> list[str]:
    """All images that the pods of an object, or a pod, name."""
    spec: dict[str, Any] = live.get("spec") or {}
    spec = (spec.get("jobTemplate") or {}).get("spec") or spec
    spec = (spec.get("template") or {}).get("spec") or spec
    lists = ("initContainers", "containers", "ephemeralContainers")
    return [str(container.get("image") or "") for kind in lists for container in spec.get(kind) or []]
