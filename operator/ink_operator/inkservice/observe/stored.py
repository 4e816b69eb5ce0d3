"""Reads only: images and runs that an earlier pass, or an earlier life of the operator, left behind."""

from ink_api.group import LABEL_COMPONENT

from ink_operator.core import kinds
from ink_operator.core.errors import Transient
from ink_operator.inkservice import names
from ink_operator.inkservice.facts.releases import releases_of, secrets_of
from ink_operator.inkservice.facts.revisions import of_build
from ink_operator.inkservice.facts.rollout import running_of
from ink_operator.inkservice.model import BuildState, Environment, Observed, ReleaseRun, ServiceContext
from ink_operator.ports import Ports, StoredImage


async def releases(
    context: ServiceContext, inside: Observed, environment: Environment, ports: Ports
) -> tuple[ReleaseRun, ...]:
    """Release Jobs. Their pods tell whether there are any to look for when none is wanted."""
    spec = context.service.spec
    if not inside.identity.name or (spec.release is None and not inside.release_pods):
        return ()
    selector = f"{names.owner_selector(context.service)},{LABEL_COMPONENT}={names.RELEASE}"
    jobs = await ports.cluster.list(kinds.JOB, context.identity.namespace, selector)
    secrets = secrets_of(spec, environment.values.values()) if environment.failure is None else None
    return releases_of(jobs, inside.release_pods, secrets)


async def stored_image(seen: Observed, ports: Ports) -> StoredImage | None:
    """Asked only where the answer matters: nothing runs the wanted build, and no Job says what became of it."""
    build = seen.build
    if build is None:
        return None
    running = running_of(seen.workload)
    if running is not None and running.build_key == build.key:
        return None
    attempts = [a for a in seen.attempts if a.build_key == build.key]
    last = attempts[-1] if attempts else None
    if last is not None and not (last.state == BuildState.SUCCEEDED and not (last.verdict and last.verdict.digest)):
        return None
    try:
        return await ports.registry.find(build.repository, build.tag_prefix)
    except Transient:
        # What was deployed before comes back although the registry does not answer: nodes may have the image.
        known = of_build(seen.revisions, build.key)
        if known is None or known.running is None or known.image_deleted:
            raise
        return StoredImage(known.running.image.partition("@")[2], (known.running.port,))
