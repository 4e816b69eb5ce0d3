"""What the operator watches beside its three kinds, and which of it is kept to be read again."""

from typing import NamedTuple

from ink_api.group import (
    COMPONENT_CLAIM,
    COMPONENT_DAEMON,
    LABEL_COMPONENT,
    LABEL_MANAGED_BY,
    LABEL_SERVICE,
    MANAGED_BY,
)

from ink_operator.core import kinds
from ink_operator.core.store import Scope
from ink_operator.runtime.informer import ANY_CHANGE, LATER_CHANGE
from ink_operator.settings import Settings

SERVICES = Scope(kinds.INK_SERVICE, "", "")
"""kopf watches it; it is kept as well."""


class Watch(NamedTuple):
    """One watch: its events wake the service that an object belongs to; what is `shared` and belongs to none, any one
    of the namespace. Without `status_is_news` a change of the status alone wakes nobody (such objects are kept)."""

    scope: Scope
    events: frozenset[str] = ANY_CHANGE
    shared: bool = False
    kept: bool = True
    status_is_news: bool = True


def watches(settings: Settings) -> tuple[Watch, ...]:
    """Every watch on children. All with a server-side selector, but for namespaces."""
    builds, ours = f"{LABEL_COMPONENT}=build", f"{LABEL_MANAGED_BY}={MANAGED_BY}"
    pods = f"{LABEL_SERVICE},{LABEL_COMPONENT} in (app,cron,release)"
    return (
        *_daemons(settings),
        Watch(Scope(kinds.JOB, settings.builds_namespace, builds)),
        Watch(Scope(kinds.POD, settings.builds_namespace, builds)),
        Watch(Scope(kinds.POD, "", pods)),
        Watch(Scope(kinds.DEPLOYMENT, "", LABEL_SERVICE)),
        Watch(Scope(kinds.CONTROLLER_REVISION, "", LABEL_SERVICE), LATER_CHANGE),
        Watch(Scope(kinds.CRON_JOB, "", LABEL_SERVICE)),
        Watch(Scope(kinds.INGRESS, "", LABEL_SERVICE)),
        Watch(Scope(kinds.SERVICE, "", LABEL_SERVICE), LATER_CHANGE),
        Watch(Scope(kinds.PERSISTENT_VOLUME_CLAIM, "", LABEL_SERVICE)),
        Watch(Scope(kinds.ROLE, "", LABEL_SERVICE), LATER_CHANGE, kept=False),
        # Its status changes with every measurement; a quota's as well.
        Watch(Scope(kinds.HORIZONTAL_POD_AUTOSCALER, "", LABEL_SERVICE), LATER_CHANGE, status_is_news=False),
        Watch(Scope(kinds.CONFIG_MAP, settings.namespace, f"{LABEL_COMPONENT}={COMPONENT_CLAIM}"), LATER_CHANGE),
        Watch(Scope(kinds.NAMESPACE, "", ""), LATER_CHANGE, shared=True),
        Watch(Scope(kinds.RESOURCE_QUOTA, "", ours), LATER_CHANGE, shared=True, status_is_news=False),
        Watch(Scope(kinds.LIMIT_RANGE, "", ours), LATER_CHANGE, shared=True, kept=False),
        Watch(Scope(kinds.NETWORK_POLICY, "", ours), LATER_CHANGE, shared=True, kept=False),
        Watch(Scope(kinds.ROLE_BINDING, "", ours), LATER_CHANGE, shared=True, kept=False),
    )


def _daemons(settings: Settings) -> tuple[Watch, ...]:
    """Of tenants' own buildkitds; where all share one, the operator may not look there."""
    if settings.buildkit_shared:
        return ()
    scope = (settings.buildkit_namespace, f"{LABEL_COMPONENT}={COMPONENT_DAEMON}")
    return (
        Watch(Scope(kinds.STATEFUL_SET, *scope), LATER_CHANGE, status_is_news=False),
        Watch(Scope(kinds.SERVICE, *scope), LATER_CHANGE, status_is_news=False),
        Watch(Scope(kinds.NETWORK_POLICY, *scope), LATER_CHANGE, status_is_news=False),
    )


def kept(settings: Settings) -> tuple[Scope, ...]:
    """Everything that may be read from what the watches saw."""
    return (*(w.scope for w in watches(settings) if w.kept), SERVICES)
