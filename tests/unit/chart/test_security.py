"""What every pod and every role of the chart keeps to."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from support.cluster.helm import Manifest
from unit.chart.looking import environment, one, pods


def containers(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    for name, pod in pods(manifests):
        for container in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
            yield name, pod["spec"], container


def test_every_container_but_buildkitd_is_unprivileged(local: list[Manifest]) -> None:
    for name, pod, container in containers(local):
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"] is True, name
        if name == "buildkitd":
            continue
        assert security["capabilities"] == {"drop": ["ALL"]}, name
        assert security["allowPrivilegeEscalation"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] == 65532, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name


def test_buildkitd_has_the_one_extra_capability_and_no_way_to_the_node(local: list[Manifest]) -> None:
    spec = one(local, "Deployment", "buildkitd")["spec"]["template"]["spec"]
    security = spec["containers"][0]["securityContext"]
    ordinary = (
        "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW "
        "SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"
    )
    assert security["privileged"] is False
    assert security["capabilities"] == {"drop": ["ALL"], "add": ["SYS_ADMIN", *ordinary.split()]}
    assert security["seccompProfile"] == {"type": "Localhost", "localhostProfile": "buildkit.json"}
    assert not any("hostPath" in volume for volume in spec["volumes"])
    assert not any(spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC"))


def test_only_those_who_ask_the_api_server_hold_a_token(local: list[Manifest]) -> None:
    holders = {name for name, pod in pods(local) if pod["spec"]["automountServiceAccountToken"]}
    assert holders == {"operator", "gateway", "traefik"}


def test_every_container_says_what_it_needs_and_how_it_is_probed(local: list[Manifest]) -> None:
    for name, _, container in containers(local):
        assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
        assert "memory" in container["resources"]["limits"], name
        if container["name"] not in ("test", "node-password"):
            assert "livenessProbe" in container, name


def test_no_role_holds_a_wildcard_or_cluster_wide_secrets(local: list[Manifest]) -> None:
    roles = [m for m in local if m["kind"] in ("Role", "ClusterRole")]
    assert roles
    for role in roles:
        for rule in role["rules"]:
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]], role["metadata"]["name"]
    operator = one(local, "ClusterRole", "ink-operator")
    gateway = one(local, "ClusterRole", "ink-gateway-hints")
    for role in (operator, gateway):
        assert all("secrets" not in rule["resources"] for rule in role["rules"])


def test_every_namespace_is_closed_and_every_pod_has_its_own_policy(local: list[Manifest]) -> None:
    policies = [m for m in local if m["kind"] == "NetworkPolicy"]
    closed = {
        m["metadata"]["namespace"]
        for m in policies
        if m["spec"]["podSelector"] == {} and sorted(m["spec"]["policyTypes"]) == ["Egress", "Ingress"]
    }
    assert closed == {"dp-system", "dp-builds", "dp-buildkit", "ink-ingress", "ink-tenants"}
    named = {(m["metadata"]["namespace"], m["metadata"]["name"]) for m in policies}
    for name, pod in pods(local):
        assert (pod["namespace"], name) in named, name


@pytest.mark.parametrize("name", ["build", "buildkitd", "resolver"])
def test_what_follows_tenants_addresses_cannot_reach_private_ranges(local: list[Manifest], name: str) -> None:
    blocks = [
        peer["ipBlock"]
        for rule in one(local, "NetworkPolicy", name)["spec"]["egress"]
        for peer in rule.get("to", [])
        if "ipBlock" in peer
    ]
    everywhere = {block["cidr"]: set(block["except"]) for block in blocks if "except" in block}
    private = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"}
    assert private <= everywhere["0.0.0.0/0"]
    assert {"fc00::/7", "fe80::/10"} <= everywhere["::/0"]
    assert [block for block in blocks if "except" not in block] == (
        [{"cidr": "10.240.0.2/32"}] if name == "buildkitd" else []
    )


def test_a_tenants_buildkitd_is_the_shared_one_with_limits_of_its_own(
    local: list[Manifest], tenants: list[Manifest]
) -> None:
    shared = one(local, "Deployment", "buildkitd")["spec"]["template"]["spec"]
    own = json.loads(environment(tenants, "operator")["INK_BUILDKIT_POD"])["spec"]
    (theirs,), (mine,) = shared["containers"], own["containers"]
    assert mine["resources"]["limits"].keys() == {"cpu", "memory"}
    assert {**mine, "resources": theirs["resources"]} == theirs
    assert {v["name"] for v in shared["volumes"]} - {v["name"] for v in own["volumes"]} == {"state", "tls"}
    assert "priorityClassName" not in own, "tenants' daemons push nobody aside"


def test_the_shared_buildkitd_is_reached_without_those_of_tenants(
    local: list[Manifest], tenants: list[Manifest]
) -> None:
    """Theirs are still there for a while after a change back to the shared one."""
    wanted = one(local, "Service", "buildkitd")["spec"]["selector"].items()
    shared = one(local, "Deployment", "buildkitd")["spec"]["template"]["metadata"]["labels"]
    own = json.loads(environment(tenants, "operator")["INK_BUILDKIT_POD"])["metadata"]["labels"]
    assert wanted <= shared.items()
    assert not wanted <= own.items()


def test_no_daemon_of_a_tenant_is_open_before_the_operator_opens_it(tenants: list[Manifest]) -> None:
    policy = one(tenants, "NetworkPolicy", "buildkitd")["spec"]
    assert (sorted(policy["policyTypes"]), policy["ingress"]) == (["Egress", "Ingress"], [])
