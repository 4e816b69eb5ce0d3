"""The rights of Ink's own identities, verb by verb, as the API server sees them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest
from api.chart import objects
from api.chart.objects import BUILDS, DAEMONS, MANAGED, STRANGER, SYSTEM, TENANTS, WORKSPACE
from support.cluster import helm
from support.cluster.control_plane import ControlPlane
from support.cluster.kube_api import APPLY, KubeApi

KINDS = ("inkservices", "inkresources", "inkdomains")
NAMESPACES = (TENANTS, BUILDS, DAEMONS, SYSTEM, WORKSPACE, MANAGED, STRANGER, "kube-system", "")
EVERYBODYS = {"selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"}
"""What Kubernetes lets every identity ask about itself."""
CLUSTER_SCOPED = {
    "namespaces",
    "customresourcedefinitions",
    "clusterroles",
    "nodes",
    "ingressclasses",
    "runtimeclasses",
}
"""Of the resources in question; a right to one of them means the same whatever namespace is asked about."""


class Right(NamedTuple):
    """One verb on one resource; namespace "": in one where nobody bound anything, or of the cluster."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    names: str = ""
    """Of the only objects that it is about; "": any."""


def rights_of(api: KubeApi, account: str, namespace: str = SYSTEM) -> set[Right]:
    """Every right to a resource that the service account has, in each namespace, as the API server lists them to it."""
    user, found = f"system:serviceaccount:{namespace}:{account}", set()
    for where in NAMESPACES:
        review = {"spec": {"namespace": where or "no-such-namespace"}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
        status = api.request("POST", path, review, Impersonate_User=user)["status"]
        for rule in status["resourceRules"]:
            for verb, group, resource in product(rule["verbs"], rule["apiGroups"], rule["resources"]):
                names = ",".join(rule.get("resourceNames", []))
                scope = "" if resource in CLUSTER_SCOPED else where
                found.add(Right(verb, group, resource, scope, names))
    return {right for right in found if right.resource not in EVERYBODYS}


def meant(verbs: str, group: str, resources: str, *namespaces: str) -> set[Right]:
    """Rights written short: verbs and resources separated by blanks; no namespace means everywhere."""
    everywhere = namespaces or NAMESPACES
    return {Right(*parts) for parts in product(verbs.split(), [group], resources.split(), everywhere)}


@pytest.fixture(scope="module")
def bound(plane: ControlPlane, values_folder: Path) -> Iterator[ControlPlane]:
    """As the operator leaves namespaces behind: its grants in a project's and in a managed one.

    With a buildkitd for each tenant it has more rights than without.
    """
    helm.install(plane.kubeconfig, values_folder, {"builders": {"shared": False}})
    for where, role, account in (
        (WORKSPACE, "ink-operator-namespace", "operator"),
        (WORKSPACE, "ink-gateway-namespace", "gateway"),
        (MANAGED, "ink-operator-namespace", "operator"),
    ):
        binding = objects.role_binding(where, role, account)
        binding["metadata"] = {"name": role, "namespace": where}
        api_path = f"{objects.path_of(binding)}?fieldManager=ink-operator"
        plane.api.request("PATCH", api_path, binding, content_type=APPLY, Impersonate_User=objects.OPERATOR)
    yield plane
    helm.install(plane.kubeconfig, values_folder)


def test_the_gateway_has_exactly_these_rights(bound: ControlPlane) -> None:
    expected = (
        meant("get list watch create patch delete", "ml.ink", " ".join(KINDS), TENANTS)
        | meant("get list patch", "ml.ink", "inkservices")
        | meant("get list", "", "pods", BUILDS, WORKSPACE)
        | meant("get", "", "pods/log", BUILDS, WORKSPACE)
        | {Right("get", "", "configmaps", SYSTEM, "ink-sealing")}
    )
    assert rights_of(bound.api, "gateway") == expected


def test_the_operator_has_exactly_these_rights(bound: ControlPlane) -> None:
    rbac = "rbac.authorization.k8s.io"
    everywhere = (
        meant("get list watch patch", "ml.ink", " ".join(KINDS))
        | meant("get patch", "ml.ink", " ".join(f"{kind}/status" for kind in KINDS))
        | meant("update", "ml.ink", "inkservices/finalizers")
        | meant("get list watch", "apiextensions.k8s.io", "customresourcedefinitions", "")
        | meant("get list watch create patch delete", "", "namespaces", "")
        | meant("create patch", "", "events")
        | meant("list watch", "", "pods services persistentvolumeclaims resourcequotas limitranges")
        | meant("list watch", "apps", "deployments controllerrevisions")
        | meant("list watch", "batch", "cronjobs")
        | meant("list watch", "autoscaling", "horizontalpodautoscalers")
        | meant("list watch", "networking.k8s.io", "ingresses networkpolicies")
        | meant("get list watch create patch", rbac, "rolebindings")
        | meant("list watch", rbac, "roles")
    )
    platform = (
        meant("get list watch create patch delete", "", "configmaps", SYSTEM)
        | {Right(verb, "", "secrets", SYSTEM, "sealing-keys") for verb in ("get", "patch")}
        | meant("get create update", "coordination.k8s.io", "leases", SYSTEM)
        | meant("get list watch create patch delete", "batch", "jobs", BUILDS)
        | meant("get list watch", "", "pods", BUILDS)
        | meant("list create patch delete", "", "secrets", BUILDS)
        | meant("delete", "ml.ink", "inkservices", TENANTS)
        | meant("get list watch create patch delete", "apps", "statefulsets", DAEMONS)
        | meant("get list watch create patch delete", "", "services", DAEMONS)
        | meant("get list watch create patch delete", "networking.k8s.io", "networkpolicies", DAEMONS)
        | meant("get create patch delete", "", "secrets", DAEMONS)
    )
    tenants = (
        meant("get list watch create patch delete", "apps", "deployments", WORKSPACE, MANAGED)
        | meant("get list create patch delete", "apps", "controllerrevisions", WORKSPACE, MANAGED)
        | meant("get list create patch delete", "batch", "jobs", WORKSPACE, MANAGED)
        | meant("get create patch delete", "batch", "cronjobs", WORKSPACE, MANAGED)
        | meant("get create patch delete", "autoscaling", "horizontalpodautoscalers", WORKSPACE, MANAGED)
        | meant("get list create patch delete", "", "services persistentvolumeclaims", WORKSPACE, MANAGED)
        | meant("get list watch", "", "pods", WORKSPACE, MANAGED)
        | meant("get list watch create patch delete", "", "secrets", WORKSPACE, MANAGED)
        | meant("get list watch", "", "configmaps", WORKSPACE, MANAGED)
        | meant("get create patch", rbac, "roles", WORKSPACE, MANAGED)
        | meant("get create patch", "", "resourcequotas limitranges", WORKSPACE, MANAGED)
        | meant("get list create patch delete", "networking.k8s.io", "ingresses networkpolicies", WORKSPACE, MANAGED)
        | {Right("delete", rbac, "rolebindings", where, "ink-operator") for where in (WORKSPACE, MANAGED)}
    )
    sandbox = {Right("get", "node.k8s.io", "runtimeclasses", "", "gvisor")}
    binds = {Right("bind", rbac, "clusterroles", "", "ink-operator-namespace,ink-gateway-namespace")}
    assert rights_of(bound.api, "operator") == everywhere | platform | tenants | sandbox | binds


def test_the_operator_deletes_services_of_the_gateways_alone(bound: ControlPlane) -> None:
    mine, theirs = (objects.path_of(manifest) for manifest in (objects.MINE, objects.THEIRS))
    assert objects.deletion(bound.api, objects.OPERATOR, mine) == ""
    assert "cannot delete" in objects.deletion(bound.api, objects.OPERATOR, theirs)


def test_traefik_reads_and_nothing_more(bound: ControlPlane) -> None:
    rights = rights_of(bound.api, "traefik", "ink-ingress")
    assert {right.verb for right in rights} == {"list", "watch"}
    assert {right.resource for right in rights} == {
        "services", "secrets", "nodes", "endpointslices", "ingresses", "ingressclasses"
    }  # fmt: skip


@pytest.mark.parametrize(("account", "namespace"), [("default", SYSTEM), ("default", BUILDS), ("default", DAEMONS)])
def test_pods_without_an_account_of_their_own_may_nothing(bound: ControlPlane, account: str, namespace: str) -> None:
    assert rights_of(bound.api, account, namespace) == set()
