"""Pure: what is to be built. Decided before the registry is asked whether it has the image already."""

from ink_api.reasons import Reason

from ink_operator.inkservice.facts.revisions import running_now
from ink_operator.inkservice.facts.source import BuildNaming
from ink_operator.inkservice.model import BuildPlan, Observed, ServiceContext


def wanted_build(context: ServiceContext, seen: Observed) -> BuildPlan | None:
    """The build of the commit that is wanted; None where none is, or while it is not known.

    While the source does not answer, the commit that runs is still the wanted one.
    """
    git, head = context.service.spec.source.git, seen.head
    if git is None or seen.build_environment.failure is not None:
        return None
    running = running_now(seen.workload, seen.revisions)
    naming = BuildNaming(context.service, context.identity, seen.build_environment.digest)
    commit = git.commit or (head.commit if head else None)
    if commit is None:
        silent = head is not None and head.reason == Reason.SOURCE_UNREACHABLE
        if not silent or running is None or running.commit is None:
            return None
        build = naming.as_built(running.commit, running)
        return build if build.key == running.build_key else None
    # A commit that an older planner built is not built again for that.
    recorded = (r.running for r in reversed(seen.revisions) if r.running is not None and r.running.commit == commit)
    for built in (running, *recorded):
        if built is not None:
            build = naming.as_built(commit, built)
            if build.key == built.build_key:
                return build
    return naming.plan(commit)
