"""Reads only: images and runs that an earlier pass, or an earlier life of the operator, left behind."""

from ink_api.group import LABEL_COMPONENT

from ink_operator.core import kinds
from ink_operator.core.errors import Transient
from ink_operator.core.objects import Manifest, labels_of
from ink_operator.inkservice.desired.releasejob import COMPONENT as RELEASE
from ink_operator.inkservice.facts.releases import releases_of, secrets_of
from ink_operator.inkservice.facts.revisions import of_build
from ink_operator.inkservice.facts.rollout import running_of
from ink_operator.inkservice.model import (
    Attempt,
    BuildPlan,
    BuildState,
    Environment,
    Observed,
    ReleaseRun,
    ServiceContext,
)
from ink_operator.ports import Ports, StoredImage


def is_release(pod: Manifest) -> bool:
    """The pod of a release command, not of the application."""
    return labels_of(pod).get(LABEL_COMPONENT) == RELEASE


async def releases(
    context: ServiceContext, inside: Observed, environment: Environment, ports: Ports, mine: str
) -> tuple[ReleaseRun, ...]:
    """Release Jobs. Their pods tell whether there are any to be looked for when none is wanted."""
    spec = context.service.spec
    if not inside.identity.name or (spec.release is None and not inside.release_pods):
        return ()
    jobs = await ports.cluster.list(kinds.JOB, context.identity.namespace, f"{mine},{LABEL_COMPONENT}={RELEASE}")
    secrets = secrets_of(spec, environment.values.values()) if environment.failure is None else None
    return releases_of(jobs, inside.release_pods, secrets)


async def stored_image(
    build: BuildPlan | None, attempts: tuple[Attempt, ...], inside: Observed, ports: Ports
) -> StoredImage | None:
    """Asked only where the answer matters: nothing runs that build, and no Job says what became of it."""
    if build is None:
        return None
    running = running_of(inside.workload)
    if running is not None and running.build_key == build.key:
        return None
    mine = [a for a in attempts if a.build_key == build.key]
    if mine and not (mine[-1].state == BuildState.SUCCEEDED and not (mine[-1].verdict and mine[-1].verdict.digest)):
        return None
    try:
        return await ports.registry.find(build.repository, build.tag_prefix)
    except Transient:
        # What was deployed before comes back although the registry does not answer: nodes may have the image.
        known = of_build(inside.revisions, build.key)
        if known is None or known.running is None or known.image_deleted:
            raise
        return StoredImage(known.running.image.partition("@")[2], (known.running.port,))
