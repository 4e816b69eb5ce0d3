"""What the operator watches besides its three kinds, and what is cached."""

from typing import NamedTuple

from ink_api.group import (
    COMPONENT_CLAIM,
    COMPONENT_DAEMON,
    LABEL_COMPONENT,
    LABEL_MANAGED_BY,
    LABEL_SERVICE,
    MANAGED_BY,
)

from ink_operator.core import build_jobs, kinds
from ink_operator.core.object_cache import WatchScope
from ink_operator.runtime.informer import ANY_CHANGE, LATER_CHANGE
from ink_operator.settings import Settings

SERVICES = WatchScope(kinds.INK_SERVICE, "", "")
"""Watched by kopf; cached as well."""


class ChildWatch(NamedTuple):
    """One watch. Its events wake the service that an object belongs to; if it belongs to none and is `shared`, any one
    service of the namespace. Without `status_matters`, a change of only the status wakes nobody (such objects are
    cached)."""

    scope: WatchScope
    events: frozenset[str] = ANY_CHANGE
    shared: bool = False
    cached: bool = True
    status_matters: bool = True


def watches(settings: Settings) -> tuple[ChildWatch, ...]:
    """Every watch on children. All have a server-side selector, except for namespaces."""
    builds, ours = f"{LABEL_COMPONENT}={build_jobs.COMPONENT}", f"{LABEL_MANAGED_BY}={MANAGED_BY}"
    claims = f"{LABEL_COMPONENT}={COMPONENT_CLAIM}"
    pods = f"{LABEL_SERVICE},{LABEL_COMPONENT} in (app,cron,release)"
    return (
        *_buildkitds(settings),
        ChildWatch(WatchScope(kinds.JOB, settings.builds_namespace, builds)),
        ChildWatch(WatchScope(kinds.POD, settings.builds_namespace, builds)),
        ChildWatch(WatchScope(kinds.POD, "", pods)),
        ChildWatch(WatchScope(kinds.DEPLOYMENT, "", LABEL_SERVICE)),
        ChildWatch(WatchScope(kinds.CONTROLLER_REVISION, "", LABEL_SERVICE), LATER_CHANGE),
        ChildWatch(WatchScope(kinds.CRON_JOB, "", LABEL_SERVICE)),
        ChildWatch(WatchScope(kinds.INGRESS, "", LABEL_SERVICE)),
        ChildWatch(WatchScope(kinds.SERVICE, "", LABEL_SERVICE), LATER_CHANGE),
        ChildWatch(WatchScope(kinds.PERSISTENT_VOLUME_CLAIM, "", LABEL_SERVICE)),
        ChildWatch(WatchScope(kinds.ROLE, "", LABEL_SERVICE), LATER_CHANGE, cached=False),
        # Its status changes with every measurement; a quota's does too.
        ChildWatch(WatchScope(kinds.HORIZONTAL_POD_AUTOSCALER, "", LABEL_SERVICE), LATER_CHANGE, status_matters=False),
        ChildWatch(WatchScope(kinds.CONFIG_MAP, settings.namespace, claims), LATER_CHANGE),
        ChildWatch(WatchScope(kinds.NAMESPACE, "", ""), LATER_CHANGE, shared=True),
        ChildWatch(WatchScope(kinds.RESOURCE_QUOTA, "", ours), LATER_CHANGE, shared=True, status_matters=False),
        ChildWatch(WatchScope(kinds.LIMIT_RANGE, "", ours), LATER_CHANGE, shared=True, cached=False),
        ChildWatch(WatchScope(kinds.NETWORK_POLICY, "", ours), LATER_CHANGE, shared=True, cached=False),
        ChildWatch(WatchScope(kinds.ROLE_BINDING, "", ours), LATER_CHANGE, shared=True, cached=False),
    )


def _buildkitds(settings: Settings) -> tuple[ChildWatch, ...]:
    """Objects of tenants' own buildkitds; if all share one, the operator has no rights there."""
    if settings.buildkit_shared:
        return ()
    scope = (settings.buildkit_namespace, f"{LABEL_COMPONENT}={COMPONENT_DAEMON}")
    return (
        ChildWatch(WatchScope(kinds.STATEFUL_SET, *scope), LATER_CHANGE, status_matters=False),
        ChildWatch(WatchScope(kinds.SERVICE, *scope), LATER_CHANGE, status_matters=False),
        ChildWatch(WatchScope(kinds.NETWORK_POLICY, *scope), LATER_CHANGE, status_matters=False),
    )


def cached_scopes(settings: Settings) -> tuple[WatchScope, ...]:
    """Everything that is read from the cache."""
    return (*(w.scope for w in watches(settings) if w.cached), SERVICES)
