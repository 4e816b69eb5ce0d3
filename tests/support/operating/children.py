"""Every kind of child that the operator makes, on services that together have all of them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from ink_api.names import host_claim, identity_of
from ink_api.sealing import ALGORITHM, ENCRYPTION, binding_of, header_of, plaintext_of
from joserfc import jwe
from joserfc.jwk import ECKey
from support.cluster.kube_api import Json
from support.operating.engine import (
    BINDINGS,
    CLAIMS,
    CRS,
    DEPLOYMENTS,
    INGRESSES,
    POLICIES,
    REVISIONS,
    SERVICES,
    Engine,
    stable,
)
from support.waiting import eventually

AUTOSCALERS = "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers"
CRON_JOBS = "/apis/batch/v1/namespaces/{}/cronjobs"
VOLUME_CLAIMS = "/api/v1/namespaces/{}/persistentvolumeclaims"
SECRETS = "/api/v1/namespaces/{}/secrets"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles"
QUOTAS = "/api/v1/namespaces/{}/resourcequotas"
LIMIT_RANGES = "/api/v1/namespaces/{}/limitranges"
TENANTS = "ink-tenants"
SEALING_KEYS = f"{CLAIMS}/ink-sealing"


@dataclass(frozen=True)
class Home:
    """A service, and where its workload lies."""

    owner: str
    """Namespace of the custom resource."""
    name: str
    space: str

    @property
    def child(self) -> str:
        """What children are named after."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True)
class Child:
    """One kind of child: of which service, where, and an edit by hand that has to be undone."""

    of: str
    path: Callable[[Home], str]
    edit: Json
    is_restored: bool = True
    """Whether somebody who deletes it gets it back."""

    def found(self, engine: Engine, home: Home) -> Json | None:
        """The live object, unless it is on its way out."""
        live = engine.api.find(self.path(home))
        return None if live is None or "deletionTimestamp" in live["metadata"] else live

    def state(self, engine: Engine, home: Home) -> str | None:
        """Everything about it but what differs from one life to the next."""
        live, service = self.found(engine, home), engine.service(home.owner, home.name)
        return (
            None
            if live is None or service is None
            else stable(live, home.space, home.child, service["metadata"]["uid"])
        )


def named(collection: str, name: str = "{}") -> Callable[[Home], str]:
    """The object of that name, or of one made from the service's."""
    return lambda home: f"{collection.format(home.space)}/{name.format(home.child)}"


def labels(**values: str | None) -> Json:
    return {"metadata": {"labels": {f"ml.ink/{name.replace('_', '-')}": value for name, value in values.items()}}}


RECORDS: dict[str, str] = {}
"""Name of the only record of each service, by its namespace."""


def home_record(home: Home) -> str:
    return f"{REVISIONS.format(home.space)}/{RECORDS[home.space]}"


SERVICES_MADE: dict[str, Json] = {
    "server": {"autoscaling": {"minReplicas": 1, "maxReplicas": 5}},
    "store": {"volumes": [{"name": "data", "mountPath": "/data", "size": "1Gi"}]},
    "tick": {"cron": {"schedule": "0 0 1 1 *"}},
    "ours": {},
}
KINDS: dict[str, Child] = {
    "Deployment": Child("server", named(DEPLOYMENTS), {"spec": {"revisionHistoryLimit": 9}}),
    "Service": Child("server", named(SERVICES), {"spec": {"selector": {"ml.ink/service": "other"}}}),
    "Ingress": Child("server", named(INGRESSES), {"spec": {"ingressClassName": "other"}}),
    "HorizontalPodAutoscaler": Child("server", named(AUTOSCALERS), {"spec": {"maxReplicas": 50}}),
    "NetworkPolicy": Child("server", named(POLICIES, "ink-default-deny"), {"spec": {"policyTypes": ["Ingress"]}}),
    "RoleBinding": Child("server", named(BINDINGS, "ink-operator"), {"subjects": []}),
    "ControllerRevision": Child("server", home_record, labels(owner_uid=None)),
    "the claim of the host": Child(
        "server", lambda home: f"{CLAIMS}/{host_claim(home.space + '.apps.localhost')}", labels(owner_uid=None)
    ),
    "Secret": Child("server", named(SECRETS, "{}-env"), {"data": {"TOKEN": "ZXZpbA=="}}),
    "PersistentVolumeClaim": Child(
        "store", named(VOLUME_CLAIMS, "{}-data"), {"metadata": {"annotations": {"ml.ink/deletion-policy": "Delete"}}}
    ),
    "CronJob": Child("tick", named(CRON_JOBS), {"spec": {"schedule": "* * * * *"}}),
    "Namespace": Child(
        "ours",
        lambda home: f"/api/v1/namespaces/{home.space}",
        {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}},
        is_restored=False,
    ),
    "ResourceQuota": Child("ours", named(QUOTAS, "ink"), {"spec": {"hard": {"pods": "9999"}}}),
    "LimitRange": Child("ours", named(LIMIT_RANGES, "ink"), {"spec": {"limits": []}}),
    "the gateway's RoleBinding": Child("ours", named(BINDINGS, "ink-gateway"), {"subjects": []}),
    "the RoleBinding of the Secret": Child("ours", named(BINDINGS, "{}-env"), {"subjects": []}),
    "the Role of the Secret": Child("ours", named(ROLES, "{}-env"), {"rules": []}),
}


def make_all(engine: Engine) -> dict[str, Home]:
    """The services, ready and at rest."""
    project = secrets.token_hex(4)
    homes = {name: Home(space, name, space) for name in SERVICES_MADE for space in [engine.namespace(name)]}
    homes["ours"] = Home(TENANTS, f"acme.p{project}.web", f"ink-t-acme--p{project}")
    for what, home in homes.items():
        spec = SERVICES_MADE[what]
        if what in ("server", "ours"):
            spec = {**spec, "env": [{"name": "TOKEN", "valueFrom": {"sealed": seal(engine, home, "TOKEN")}}]}
        host = home.space if what != "ours" else f"p{project}"
        engine.create(home.owner, home.name, **{"subdomain": host, **spec})
    for home in homes.values():
        engine.wait_ready(home.owner, home.name)
    (record,) = engine.api.get(REVISIONS.format(homes["server"].space))["items"]
    RECORDS[homes["server"].space] = record["metadata"]["name"]
    engine.rest()
    return homes


def seal(engine: Engine, home: Home, variable: str) -> str:
    """A value that only this service can use."""
    found = eventually(lambda: engine.api.find(SEALING_KEYS), within=30, what="the keys are published")
    key = json.loads(found["data"]["jwks.json"])["keys"][0]
    text = plaintext_of(binding_of(identity_of(home.owner, home.name, TENANTS), variable), "hunter2")
    return jwe.encrypt_compact(header_of(key["kid"]), text, ECKey.import_key(key), algorithms=[ALGORITHM, ENCRYPTION])


def touch(engine: Engine, home: Home) -> None:
    """Have the operator look at the service."""
    note = {"metadata": {"annotations": {"example.com/touched": secrets.token_hex(4)}}}
    engine.api.merge(f"{CRS.format(home.owner)}/{home.name}", note)
