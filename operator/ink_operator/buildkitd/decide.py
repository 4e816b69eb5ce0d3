"""Pure: whether a tenant's buildkitd runs, rests or stops, and what of it has to be written."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ink_operator.buildkitd.desired import (
    ANNOTATION_CERTIFICATE,
    ANNOTATION_IDLE_SINCE,
    Daemon,
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
BUSY_LOOK_SECONDS = 60.0


@dataclass(frozen=True)
class SeenDaemon:
    """A tenant's buildkitd at one moment: live objects, None when absent."""

    workload: Manifest | None = None
    secret: Manifest | None = None
    policy: Manifest | None = None
    service: Manifest | None = None
    busy: bool = False
    """A build of the tenant runs, beside the one that is about to start."""
    authority: str = ""
    """Who signs the tenant's certificates now."""

    @property
    def runs(self) -> bool:
        """It is asked to run."""
        return self.workload is not None and bool(self.workload["spec"].get("replicas", 1))


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a daemon should be. `look_after_seconds`: when that is decided anew."""

    running: bool = True
    idle_since: str = ""
    look_after_seconds: float | None = None


def resting(seen: SeenDaemon, settings: Settings, now: datetime) -> Wanted:
    """What becomes of a daemon while nothing new is built."""
    most = settings.buildkit_idle_seconds
    if seen.busy:
        return Wanted(look_after_seconds=min(BUSY_LOOK_SECONDS, most))
    if not seen.runs:
        return Wanted(running=False)
    since = annotations_of(seen.workload or {}).get(ANNOTATION_IDLE_SINCE, "")
    idle = seconds_since(since, now)
    if idle is None:
        return Wanted(idle_since=utc(now), look_after_seconds=most)
    if idle < most:
        return Wanted(idle_since=since, look_after_seconds=most - idle + 1)
    return Wanted(running=False)


def needs_certificate(seen: SeenDaemon, now: datetime) -> bool:
    """None is there, another authority signed it, or it ends soon."""
    signed_by, _, expires = _certificate(seen.secret).partition(" ")
    until = parse_time(expires)
    return signed_by != seen.authority or until is None or until - now < RENEWED_BEFORE


def writes(daemon: Daemon, seen: SeenDaemon, fresh: Pair | None, wanted: Wanted, settings: Settings) -> list[Manifest]:
    """What to apply, in order. `fresh`: the certificate to put in place of the one that is there."""
    if not wanted.running:
        # Everything else is looked at when it starts again.
        stopped = _workload(daemon, seen, _live_certificate(seen), wanted, settings)
        return [stopped] if seen.runs else []
    certificate = certificate_name(seen.authority, fresh) if fresh else _certificate(seen.secret)
    found: list[Manifest] = []
    if seen.workload is None:
        # The record comes before anything that it must be found by.
        found.append(_workload(daemon, seen, certificate, replace(wanted, running=False), settings))
    if fresh is not None:
        found.append(make_secret(daemon, settings, certificate, fresh))
    for live, manifest in (
        (seen.policy, make_policy(daemon, settings)),
        (seen.service, make_service(daemon, settings)),
    ):
        if not settled(live, manifest):
            found.append(manifest)
    workload = _workload(daemon, seen, certificate, wanted, settings)
    if not settled(seen.workload, workload) and not _waits(seen, wanted):
        found.append(workload)
    return found


def _waits(seen: SeenDaemon, wanted: Wanted) -> bool:
    """A daemon at work is not restarted for new settings, but for a certificate that nobody trusts any more."""
    same_authority = _live_certificate(seen).partition(" ")[0] == seen.authority
    same_mark = annotations_of(seen.workload or {}).get(ANNOTATION_IDLE_SINCE, "") == wanted.idle_since
    return seen.busy and seen.runs and same_authority and same_mark


def _workload(daemon: Daemon, seen: SeenDaemon, certificate: str, wanted: Wanted, settings: Settings) -> Manifest:
    return make_workload(
        daemon,
        settings,
        certificate,
        replicas=int(wanted.running),
        idle_since=wanted.idle_since,
        live=seen.workload,
    )


def _certificate(live: Manifest | None) -> str:
    return annotations_of(live or {}).get(ANNOTATION_CERTIFICATE, "")


def _live_certificate(seen: SeenDaemon) -> str:
    """What the pods were started with."""
    return _certificate(seen.workload["spec"]["template"] if seen.workload else None)
