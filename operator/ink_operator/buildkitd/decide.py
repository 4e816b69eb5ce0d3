"""Pure: whether a tenant's buildkitd runs, idles or stops, and which of its objects have to be written."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ink_operator.buildkitd.desired import (
    ANNOTATION_CERTIFICATE,
    ANNOTATION_IDLE_SINCE,
    TenantBuildkitd,
    certificate_name,
    make_policy,
    make_secret,
    make_service,
    make_workload,
)
from ink_operator.core.canonical import settled
from ink_operator.core.objects import Manifest, annotations_of
from ink_operator.core.times import parse_time, seconds_since, utc
from ink_operator.ports import Pair
from ink_operator.settings import Settings

RENEWED_BEFORE = timedelta(days=120)
"""A third of a certificate's life."""
BUSY_CHECK_SECONDS = 60.0


@dataclass(frozen=True)
class ObservedBuildkitd:
    """A tenant's buildkitd at one moment: live objects, None when absent."""

    workload: Manifest | None = None
    secret: Manifest | None = None
    policy: Manifest | None = None
    service: Manifest | None = None
    busy: bool = False
    """Another build of the tenant is running, besides the one that is about to start."""
    authority: str = ""
    """The current authority of the tenant's certificates."""

    @property
    def runs(self) -> bool:
        """Whether it should be running, by its StatefulSet."""
        return self.workload is not None and bool(self.workload["spec"].get("replicas", 1))


@dataclass(frozen=True, slots=True)
class DesiredState:
    """The desired state of a buildkitd. `requeue_after_seconds`: when to decide again."""

    running: bool = True
    idle_since: str = ""
    requeue_after_seconds: float | None = None


def decide_idle(seen: ObservedBuildkitd, settings: Settings, now: datetime) -> DesiredState:
    """The desired state while no new build starts."""
    most = settings.buildkit_idle_seconds
    if seen.busy:
        return DesiredState(requeue_after_seconds=min(BUSY_CHECK_SECONDS, most))
    if not seen.runs:
        return DesiredState(running=False)
    since = annotations_of(seen.workload or {}).get(ANNOTATION_IDLE_SINCE, "")
    idle = seconds_since(since, now)
    if idle is None:
        return DesiredState(idle_since=utc(now), requeue_after_seconds=most)
    if idle < most:
        return DesiredState(idle_since=since, requeue_after_seconds=most - idle + 1)
    return DesiredState(running=False)


def needs_certificate(seen: ObservedBuildkitd, now: datetime) -> bool:
    """There is none, it is from another authority, or it expires soon."""
    signed_by, _, expires = _certificate(seen.secret).partition(" ")
    until = parse_time(expires)
    return signed_by != seen.authority or until is None or until - now < RENEWED_BEFORE


def writes(
    daemon: TenantBuildkitd, seen: ObservedBuildkitd, fresh: Pair | None, desired: DesiredState, settings: Settings
) -> list[Manifest]:
    """What to apply, in order. `fresh`: a new certificate to replace the current one."""
    if not desired.running:
        # Everything else is compared when it starts again.
        stopped = _workload(daemon, seen, _live_certificate(seen), desired, settings)
        return [stopped] if seen.runs else []
    certificate = certificate_name(seen.authority, fresh) if fresh else _certificate(seen.secret)
    found: list[Manifest] = []
    if seen.workload is None:
        # The StatefulSet comes first: everything else is found through it.
        found.append(_workload(daemon, seen, certificate, replace(desired, running=False), settings))
    if fresh is not None:
        found.append(make_secret(daemon, settings, certificate, fresh))
    for live, manifest in (
        (seen.policy, make_policy(daemon, settings)),
        (seen.service, make_service(daemon, settings)),
    ):
        if not settled(live, manifest):
            found.append(manifest)
    workload = _workload(daemon, seen, certificate, desired, settings)
    if not settled(seen.workload, workload) and not _waits(seen, desired):
        found.append(workload)
    return found


def _waits(seen: ObservedBuildkitd, desired: DesiredState) -> bool:
    """While it builds, it is not restarted for new settings, only for a certificate that is no longer trusted."""
    same_authority = _live_certificate(seen).partition(" ")[0] == seen.authority
    same_mark = annotations_of(seen.workload or {}).get(ANNOTATION_IDLE_SINCE, "") == desired.idle_since
    return seen.busy and seen.runs and same_authority and same_mark


def _workload(
    daemon: TenantBuildkitd, seen: ObservedBuildkitd, certificate: str, desired: DesiredState, settings: Settings
) -> Manifest:
    return make_workload(
        daemon,
        settings,
        certificate,
        replicas=int(desired.running),
        idle_since=desired.idle_since,
        live=seen.workload,
    )


def _certificate(live: Manifest | None) -> str:
    return annotations_of(live or {}).get(ANNOTATION_CERTIFICATE, "")


def _live_certificate(seen: ObservedBuildkitd) -> str:
    """The certificate that the pods were started with."""
    return _certificate(seen.workload["spec"]["template"] if seen.workload else None)
