"""The admission policies: what RBAC cannot say, asked of a real API server with the identities that it is about."""

from __future__ import annotations

import pytest
from api.chart import objects
from api.chart.objects import GATEWAY, MANAGED, OLGA, OPERATOR, STRANGER, SYSTEM, TENANTS, WORKSPACE, Object
from support.cluster.kube_api import KubeApi
from support.waiting import eventually

MASTERS = ""
"""No impersonation: the kubeconfig's own identity, in system:masters."""
MINE, THEIRS = objects.path_of(objects.MINE), objects.path_of(objects.THEIRS)
GIT = f"/apis/networking.k8s.io/v1/namespaces/{SYSTEM}/ingresses/git"
SPEC: Object = {"spec": {"replicas": 3}}
HEAD: Object = {"metadata": {"annotations": {"ml.ink/head": "main@" + "0" * 40}}}
PSS = {"pod-security.kubernetes.io/enforce": "baseline", "ml.ink/managed": "true"}


class TestTenantsNamespace:
    """ink-tenants is the gateway's."""

    def test_the_gateway_writes_there(self, api: KubeApi) -> None:
        assert objects.creation(api, GATEWAY, objects.service("w.p.new", TENANTS)) == ""
        assert objects.change(api, GATEWAY, MINE, SPEC) == ""
        assert objects.deletion(api, GATEWAY, MINE) == ""

    @pytest.mark.parametrize("user", [OLGA, MASTERS])
    def test_nobody_else_creates_or_changes_anything(self, api: KubeApi, user: str) -> None:
        refused = objects.creation(api, user, objects.service("w.p.new", TENANTS))
        assert "create_service" in refused
        assert "ml.ink/managed=true" in refused
        assert "only Ink's gateway changes" in objects.change(api, user, MINE, SPEC)

    def test_a_cluster_admin_deletes_nothing_but_an_administrator_of_ink_may(self, api: KubeApi) -> None:
        assert "delete_service" in objects.deletion(api, OLGA, MINE)
        assert objects.deletion(api, MASTERS, MINE) == ""

    def test_the_operator_keeps_metadata_and_status_but_not_the_spec(self, api: KubeApi) -> None:
        finalizer: Object = {"metadata": {"finalizers": ["ml.ink/cleanup"]}}
        assert objects.change(api, OPERATOR, MINE, finalizer) == ""
        assert "never the spec" in objects.change(api, OPERATOR, MINE, SPEC)
        status: Object = {"status": {"observedGeneration": 1}}
        assert objects.change(api, OPERATOR, f"{MINE}/status", status) == ""

    def test_an_administrator_may_take_a_stuck_finalizer_away(self, api: KubeApi) -> None:
        assert objects.change(api, MASTERS, MINE, {"metadata": {"finalizers": None}}) == ""

    def test_scaling_is_a_change_of_the_spec(self, api: KubeApi) -> None:
        assert "only Ink's gateway changes" in objects.change(api, OLGA, f"{MINE}/scale", SPEC)

    def test_other_namespaces_are_their_owners(self, api: KubeApi) -> None:
        assert objects.creation(api, OLGA, objects.service("new", MANAGED)) == ""
        assert objects.change(api, OLGA, THEIRS, SPEC) == ""
        assert objects.deletion(api, OLGA, THEIRS) == ""


class TestGatewayElsewhere:
    """Outside ink-tenants the gateway hints."""

    def test_it_says_that_a_branch_moved(self, api: KubeApi) -> None:
        assert objects.change(api, GATEWAY, THEIRS, HEAD) == ""

    @pytest.mark.parametrize(
        "patch",
        [
            SPEC,
            {"metadata": {"labels": {"a": "b"}}},
            {"metadata": {"annotations": {"example.com/a": "b"}}},
            {"metadata": {"annotations": {"example.com/mine": None}}},
            {"metadata": {"annotations": {"example.com/mine": "2"}}},
            {"metadata": {"finalizers": ["ml.ink/cleanup"]}},
            {"metadata": {**HEAD["metadata"], "labels": {"a": "b"}}},  # type: ignore[dict-item]
        ],
        ids=["spec", "label", "annotation", "annotation removed", "annotation changed", "finalizer", "hint and label"],
    )
    def test_it_changes_nothing_else(self, api: KubeApi, patch: Object) -> None:
        assert "ink-gateway-hints" in objects.change(api, GATEWAY, THEIRS, patch)

    def test_it_neither_creates_nor_deletes(self, api: KubeApi) -> None:
        assert "forbidden" in objects.creation(api, GATEWAY, objects.service("new", MANAGED))
        assert "forbidden" in objects.deletion(api, GATEWAY, THEIRS)


class TestOperatorsNamespaces:
    """The operator makes namespaces for the gateway's projects, and touches no other."""

    def test_it_makes_and_removes_those_of_projects(self, api: KubeApi) -> None:
        assert objects.creation(api, OPERATOR, objects.namespace("ink-t-a--b", **PSS)) == ""
        assert objects.deletion(api, OPERATOR, f"/api/v1/namespaces/{WORKSPACE}") == ""

    def test_they_must_enforce_pod_security(self, api: KubeApi) -> None:
        for labels in ({}, {"pod-security.kubernetes.io/enforce": "privileged"}):
            refused = objects.creation(api, OPERATOR, objects.namespace("ink-t-a--b", **labels))
            assert "pod-security.kubernetes.io/enforce" in refused

    def test_no_other_is_made_changed_or_removed(self, api: KubeApi) -> None:
        assert "ink-t-*" in objects.creation(api, OPERATOR, objects.namespace("kube-extra", **PSS))
        label: Object = {"metadata": {"labels": {"ml.ink/managed": "true"}}}
        assert "ink-t-*" in objects.change(api, OPERATOR, f"/api/v1/namespaces/{STRANGER}", label)
        assert "ink-t-*" in objects.deletion(api, OPERATOR, f"/api/v1/namespaces/{MANAGED}")

    def test_others_are_not_bound_by_it(self, api: KubeApi) -> None:
        assert objects.creation(api, OLGA, objects.namespace("whatever")) == ""


class TestOperatorsRoleBindings:
    """The operator grants two roles, to itself and the gateway, where Ink may work."""

    @pytest.mark.parametrize(
        ("where", "role", "account"),
        [
            (WORKSPACE, "ink-operator-namespace", "operator"),
            (WORKSPACE, "ink-gateway-namespace", "gateway"),
            (MANAGED, "ink-operator-namespace", "operator"),
        ],
    )
    def test_what_it_may_grant(self, api: KubeApi, where: str, role: str, account: str) -> None:
        assert objects.creation(api, OPERATOR, objects.role_binding(where, role, account)) == ""

    @pytest.mark.parametrize(
        ("where", "role", "account"),
        [
            (STRANGER, "ink-operator-namespace", "operator"),
            (SYSTEM, "ink-operator-namespace", "operator"),
            ("kube-system", "ink-operator-namespace", "operator"),
            (TENANTS, "ink-operator-namespace", "operator"),
            (MANAGED, "ink-gateway-namespace", "gateway"),
            (MANAGED, "ink-operator-namespace", "gateway"),
            (WORKSPACE, "ink-operator-namespace", "default"),
            (WORKSPACE, "ink-gateway-namespace", "operator"),
            (WORKSPACE, "cluster-admin", "operator"),
            (WORKSPACE, "edit", "operator"),
        ],
    )
    def test_what_it_may_not(self, api: KubeApi, where: str, role: str, account: str) -> None:
        assert "orbidden" in objects.creation(api, OPERATOR, objects.role_binding(where, role, account))

    def test_accounts_of_other_namespaces_get_nothing(self, api: KubeApi) -> None:
        binding = objects.role_binding(WORKSPACE, "ink-operator-namespace", "operator", of=STRANGER)
        assert "to nobody else" in objects.creation(api, OPERATOR, binding)

    def test_the_way_out_is_said(self, api: KubeApi) -> None:
        binding = objects.role_binding(STRANGER, "ink-operator-namespace", "operator")
        assert "kubectl label namespace" in objects.creation(api, OPERATOR, binding)


@pytest.fixture(scope="module")
def granted(api: KubeApi) -> KubeApi:
    """The operator has bound itself where it works."""
    for where in (WORKSPACE, MANAGED):
        binding = objects.role_binding(where, "ink-operator-namespace", "operator")
        api.apply(objects.path_of(binding), binding)

    def at_work() -> bool:
        """Rights and policies take a moment; until then the operator is refused for another reason, or not at all."""
        secret = objects.creation(api, OPERATOR, objects.env_secret(where, "probe"))
        role = objects.creation(api, OPERATOR, objects.env_role(where, "probe"))
        return "<service>-env" in secret and "<service>-env" in role

    for where in (WORKSPACE, MANAGED):
        eventually(at_work, within=30, what=f"the operator's rights in {where}")
    return api


class TestOperatorsSecrets:
    """The operator writes what it unsealed, and touches no other Secret."""

    @pytest.mark.parametrize("where", [WORKSPACE, MANAGED])
    def test_it_makes_those_of_services(self, granted: KubeApi, where: str) -> None:
        eventually(
            lambda: objects.creation(granted, OPERATOR, objects.env_secret(where, "web-env", **objects.OURS)) == "",
            within=10,
            what="the operator makes a service's Secret",
        )

    @pytest.mark.parametrize(("name", "labels"), [("web", objects.OURS), ("web-env", {}), ("default-token", {})])
    def test_it_makes_no_other(self, granted: KubeApi, name: str, labels: dict[str, str]) -> None:
        refused = objects.creation(granted, OPERATOR, objects.env_secret(MANAGED, name, **labels))
        assert "<service>-env" in refused

    def test_somebody_elses_stay_as_they_are(self, granted: KubeApi) -> None:
        theirs = objects.env_secret(MANAGED, "theirs-env")
        granted.apply(objects.path_of(theirs), theirs)
        adopt: Object = {"metadata": {"labels": dict(objects.OURS)}}
        assert "<service>-env" in objects.change(granted, OPERATOR, objects.path_of(theirs), adopt)
        assert "<service>-env" in objects.deletion(granted, OPERATOR, objects.path_of(theirs))

    def test_of_the_platforms_it_fills_its_own_keys_only(self, granted: KubeApi) -> None:
        keys = objects.path_of(objects.env_secret(SYSTEM, "sealing-keys"))
        assert objects.change(granted, OPERATOR, keys, {"data": {"rollout-key": "eA=="}}) == ""
        assert "orbidden" in objects.deletion(granted, OPERATOR, keys)
        for name in ("gateway", "registry-token"):
            path = objects.path_of(objects.env_secret(SYSTEM, name))
            assert "orbidden" in objects.change(granted, OPERATOR, path, {"data": {"x": "eA=="}})


class TestOperatorsRoles:
    """The operator lets the gateway read one service's values at a time."""

    def test_it_grants_the_one_secret_to_the_gateway(self, granted: KubeApi) -> None:
        role = objects.env_role(WORKSPACE, "web-env")
        assert objects.creation(granted, OPERATOR, role) == ""
        granted.apply(objects.path_of(role), role)
        binding = objects.role_binding(WORKSPACE, "web-env", "gateway", kind="Role")
        binding["metadata"] = {"name": "web-env", "namespace": WORKSPACE}
        eventually(lambda: objects.creation(granted, OPERATOR, binding) == "", within=10, what="the Role can be bound")
        binding["subjects"] = [{"kind": "ServiceAccount", "name": "default", "namespace": SYSTEM}]
        assert "to nobody else" in objects.creation(granted, OPERATOR, binding)

    @pytest.mark.parametrize(
        "role",
        [
            objects.env_role(MANAGED, "web-env"),
            objects.env_role(WORKSPACE, "web"),
            objects.env_role(WORKSPACE, "web-env", verbs=["get", "list"]),
            objects.env_role(WORKSPACE, "web-env", resourceNames=["other-env"]),
            objects.env_role(WORKSPACE, "web-env", resourceNames=[]),
            objects.env_role(WORKSPACE, "web-env", resources=["pods"]),
        ],
        ids=["managed namespace", "name", "verb", "other Secret", "all Secrets", "pods"],
    )
    def test_it_grants_nothing_else(self, granted: KubeApi, role: Object) -> None:
        assert "orbidden" in objects.creation(granted, OPERATOR, role)

    def test_a_role_of_another_name_cannot_be_bound(self, granted: KubeApi) -> None:
        role = objects.env_role(WORKSPACE, "other-env")
        granted.apply(objects.path_of(role), role)
        binding = objects.role_binding(WORKSPACE, "other-env", "gateway", kind="Role")
        eventually(
            lambda: "no other role" in objects.creation(granted, OPERATOR, binding),
            within=10,
            what="the binding of another name is refused",
        )
        assert "no other role" in objects.creation(granted, OPERATOR, binding)


class TestIngressClass:
    """IngressClass ink routes hosts that Ink gave out, so only Ink's operator writes Ingresses of it."""

    @pytest.mark.parametrize("user", [OLGA, MASTERS])
    def test_nobody_else_uses_it(self, api: KubeApi, user: str) -> None:
        assert "IngressClass ink is reserved" in objects.creation(api, user, objects.ingress(MANAGED, "ink"))
        legacy = objects.ingress(MANAGED, None, {"kubernetes.io/ingress.class": "ink"})
        assert "IngressClass ink is reserved" in objects.creation(api, user, legacy)

    def test_the_platforms_own_ingresses_are_the_administrators(self, api: KubeApi) -> None:
        assert objects.creation(api, MASTERS, objects.ingress(SYSTEM, "ink")) == ""
        assert "IngressClass ink is reserved" in objects.creation(api, OLGA, objects.ingress(SYSTEM, "ink"))

    def test_other_classes_are_free(self, api: KubeApi) -> None:
        assert objects.creation(api, OLGA, objects.ingress(MANAGED, "nginx")) == ""
        assert objects.creation(api, OLGA, objects.ingress(MANAGED, None)) == ""

    def test_an_ingress_of_another_class_cannot_become_one(self, api: KubeApi) -> None:
        nginx = objects.ingress(STRANGER, "nginx")
        api.apply(objects.path_of(nginx), nginx)
        become: Object = {"spec": {"ingressClassName": "ink"}}
        assert "reserved" in objects.change(api, OLGA, objects.path_of(nginx), become)

    def test_bookkeeping_on_the_platforms_ingresses_is_anybodys(self, api: KubeApi) -> None:
        label: Object = {"metadata": {"labels": {"a": "b"}}}
        assert objects.change(api, OLGA, GIT, label) == ""
        steal: Object = {"metadata": {"annotations": {"traefik.ingress.kubernetes.io/router.priority": "9999"}}}
        assert "reserved" in objects.change(api, OLGA, GIT, steal)
