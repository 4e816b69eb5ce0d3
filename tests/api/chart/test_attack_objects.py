"""Objects that look like Ink's and are not: forged ones reach nobody else; of a child's name, they stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from ink_api.reasons import Reason
from support.cluster.control_plane import ControlPlane
from support.cluster.kube_api import Json
from support.operating.attack import Attack, collection, sealed_for, under_attack
from support.operating.engine import BINDINGS, CRS
from support.waiting import eventually

POD = {"containers": [{"name": "a", "image": "registry.example.com/other:1"}]}
LABELS = {"app": "other"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": POD}
RUN = {"template": {"metadata": {"labels": LABELS}, "spec": {**POD, "restartPolicy": "Never"}}}
SERVED = {"service": {"name": "x", "port": {"number": 80}}}


@pytest.fixture(scope="module")
def attack(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attack]:
    with under_attack(plane, tmp_path_factory.mktemp("attack")) as made:
        yield made


@pytest.fixture
def mine(attack: Attack) -> str:
    return attack.fresh()


def thing(namespace: str, kind: str, name: str = "shop") -> Json:
    """A small object of the kind, as anybody may make it."""
    version, body = BODIES[kind]
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **body}


BODIES: dict[str, tuple[str, Json]] = {
    "Deployment": ("apps/v1", {"spec": {"replicas": 0, "selector": {"matchLabels": LABELS}, "template": TEMPLATE}}),
    "Service": ("v1", {"spec": {"selector": LABELS, "ports": [{"port": 80}]}}),
    "Secret": ("v1", {"stringData": {"a": "b"}}),
    "ConfigMap": ("v1", {"data": {"host": "x"}}),
    "Ingress": (
        "networking.k8s.io/v1",
        {"spec": {"ingressClassName": "nginx", "defaultBackend": SERVED}},
    ),
    "PersistentVolumeClaim": (
        "v1",
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
    ),
    "CronJob": ("batch/v1", {"spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": RUN}}}),
    "Job": ("batch/v1", {"spec": {**RUN, "suspend": True}}),
    "HorizontalPodAutoscaler": (
        "autoscaling/v2",
        {"spec": {"maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}}},
    ),
    "NetworkPolicy": ("networking.k8s.io/v1", {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}),
    "ControllerRevision": ("apps/v1", {"revision": 1, "data": {"image": "registry.example.com/other:1"}}),
    "RoleBinding": (
        "rbac.authorization.k8s.io/v1",
        {
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "other"}],
        },
    ),
}
DISK = {"volumes": [{"name": "data", "mountPath": "/data", "size": "1Gi"}]}
Spec = Callable[[Attack, str], Json]


def of_image(attack: Attack, namespace: str) -> Json:
    return {}


def on_schedule(attack: Attack, namespace: str) -> Json:
    return {"cron": {"schedule": "0 3 * * *"}, "ports": []}


def scaled(attack: Attack, namespace: str) -> Json:
    return {"autoscaling": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 80}}


def with_disk(attack: Attack, namespace: str) -> Json:
    return DISK


def with_sealed_value(attack: Attack, namespace: str) -> Json:
    return {"env": [{"name": "TOKEN", "valueFrom": {"sealed": sealed_for(attack.api, namespace)}}]}


CONFLICTS: list[tuple[str, str, Spec]] = [
    ("Deployment", "shop", of_image),
    ("Service", "shop", of_image),
    ("Ingress", "shop", of_image),
    ("CronJob", "shop", on_schedule),
    ("HorizontalPodAutoscaler", "shop", scaled),
    ("Secret", "shop-env", with_sealed_value),
    ("PersistentVolumeClaim", "shop-data", with_disk),
    ("NetworkPolicy", "ink-default-deny", of_image),
    ("NetworkPolicy", "ink-allow-egress", of_image),
    ("RoleBinding", "ink-operator", of_image),
]


@pytest.mark.parametrize(("kind", "name", "spec"), [pytest.param(*row, id=f"{row[0]} {row[1]}") for row in CONFLICTS])
def test_an_object_of_a_childs_name_is_told_and_left_as_it_is(
    attack: Attack, mine: str, kind: str, name: str, spec: Spec
) -> None:
    theirs = thing(mine, kind, name)
    # An administrator of the namespace makes it: `edit` grants no roles.
    path = f"{collection(theirs)}/{name}"
    attack.api.create(collection(theirs), theirs)
    before = kept(attack.api.get(path))
    assert attack.service(mine, **spec(attack, mine)) == ""
    stated = attack.ready(mine)
    assert (stated["reason"], stated["status"]) == (Reason.NAME_CONFLICT, "False")
    assert f"The {kind} {name} in {mine} was not created" in stated["message"]
    assert kept(attack.api.get(path)) == before
    # Nor does it go with the service.
    attack.engine.delete(mine, "shop")
    attack.engine.wait_gone(mine, "shop")
    assert kept(attack.api.get(path)) == before
    # Without it the service comes to life.
    attack.api.delete(path)
    attack.service(mine, "shop")
    attack.engine.wait_ready(mine, "shop")


def kept(live: Json) -> Json:
    """What others than its own controllers may change."""
    meta = live["metadata"]
    notes = {k: v for k, v in (meta.get("annotations") or {}).items() if not k.startswith("deployment.kubernetes")}
    named = {key: meta.get(key) for key in ("uid", "labels", "ownerReferences", "deletionTimestamp")}
    body = {key: value for key, value in live.items() if key not in ("metadata", "status")}
    return {**named, "annotations": notes, **body}


FORGED = sorted(set(BODIES) - {"RoleBinding"})


@pytest.mark.parametrize("kind", FORGED)
def test_what_says_that_it_is_the_victims_changes_nothing_for_it(attack: Attack, mine: str, kind: str) -> None:
    """Labels, the owner annotation and an owner reference of the victim's service, on an object elsewhere."""
    victim = attack.api.get(f"{CRS.format(attack.victim)}/shop")
    uid = victim["metadata"]["uid"]
    forged = thing(mine, kind)
    component = {"Job": "build", "ConfigMap": "claim", "ControllerRevision": "revision"}.get(kind, "app")
    labels = {"ml.ink/owner-uid": uid, "ml.ink/service": "shop", "ml.ink/tenant": attack.victim}
    owner = {"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "name": "shop", "uid": uid}
    forged["metadata"] |= {
        "labels": {**labels, "ml.ink/component": component, "app.kubernetes.io/managed-by": "ink"},
        "annotations": {"ml.ink/owner": f"{attack.victim}/shop", "ml.ink/outcome": "Deployed"},
    }
    if kind in ("Secret", "ControllerRevision"):
        forged["metadata"]["ownerReferences"] = [owner]
    before = attack.belongings()
    attack.engine.proxy.forget()
    if kind == "ControllerRevision":
        assert "cannot create" in attack.creates(forged)
        attack.api.create(collection(forged), forged)
    else:
        assert attack.creates(forged) == ""
    attack.changes(f"{collection(forged)}/shop", {"metadata": {"annotations": {"example.com/touched": "yes"}}})
    attack.ask("DELETE", f"{collection(forged)}/shop")
    # A service that is made and live after all that shows that the operator has seen it.
    assert attack.service(mine, "marker", subdomain=f"{mine}-m") == ""
    attack.engine.wait_ready(mine, "marker")
    attack.engine.rest(quiet=0.5)
    assert attack.belongings() == before
    touched = [w for w in attack.engine.proxy.writes if attack.victim in w.path or "/dp-builds/" in w.path]
    assert touched == []


def test_a_binding_that_was_emptied_is_filled_again(attack: Attack, mine: str) -> None:
    """Without its rights the operator could not even look: it grants them anew and goes on."""
    attack.service(mine)
    attack.engine.wait_ready(mine, "shop")
    path = f"{BINDINGS.format(mine)}/ink-operator"
    attack.api.merge(path, {"subjects": None})
    eventually(
        lambda: attack.api.get(path).get("subjects"), within=60, what="filled", state=attack.engine.operator.tail
    )
    attack.changes(f"{CRS.format(mine)}/shop", {"spec": {"replicas": 2}})
    attack.engine.wait_ready(mine, "shop")


def test_a_projects_namespace_that_ink_did_not_make_is_not_used(attack: Attack) -> None:
    """Whoever made it could read the variables of what runs there."""
    name = "ink-t-eve--shop"
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    attack.api.create("/api/v1/namespaces", space)
    meta = {"name": "eve.shop.web", "namespace": "ink-tenants"}
    spec = {"source": {"image": {"ref": "registry.example.com/shop:1"}}}
    manifest = {"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "metadata": meta, "spec": spec}
    gateway = "system:serviceaccount:dp-system:gateway"
    attack.api.request("POST", CRS.format("ink-tenants"), manifest, Impersonate_User=gateway)
    stated = attack.ready("ink-tenants", "eve.shop.web")
    assert stated["reason"] == Reason.NAME_CONFLICT
    assert f"The namespace {name} was not created by Ink" in stated["message"]
    assert "ml.ink/tenant" not in (attack.api.get(f"/api/v1/namespaces/{name}")["metadata"].get("labels") or {})
    attack.engine.delete("ink-tenants", "eve.shop.web")
    attack.engine.wait_gone("ink-tenants", "eve.shop.web")
