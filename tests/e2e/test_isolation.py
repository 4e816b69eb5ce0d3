"""What a tenant's pod cannot reach, with real packets; and that the same packets arrive where no policy is.

Every address outside the cluster belongs to a stand-in that answers (local/ink_local/standin.py). Before anything is
sent, the node's routes must lead there: no packet leaves the machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from support.cluster.kubectl import Json
from support.outside.platform import Deployed, Platform, pod_of
from support.outside.probe import MAIL, PRIVATE, PUBLIC, connect, control_plane_targets, is_open, platform_targets


def tried(platform: Platform, pod: Json, *targets: str) -> Mapping[str, str]:
    return connect(platform.kubectl, pod["metadata"]["namespace"], pod["metadata"]["name"], targets)


@pytest.mark.usefixtures("routes")
def test_a_tenants_pod_reaches_nothing_private(platform: Platform, hello: Deployed) -> None:
    private = [f"{address}:{port}" for address in PRIVATE for port in (80, 443, 8080)]
    targets = [*private, *control_plane_targets(platform), *platform_targets(platform)]
    outcomes = tried(platform, pod_of(platform, hello), *targets)
    assert {target: said for target, said in outcomes.items() if said != "timeout"} == {}


@pytest.mark.usefixtures("routes")
def test_the_same_packets_arrive_where_no_policy_is(platform: Platform, free_pod: Json) -> None:
    """Otherwise the test above would prove nothing."""
    private = [f"{address}:{port}" for address in PRIVATE for port in (80, 443, 8080)]
    mail = [f"{PUBLIC}:{port}" for port in MAIL]
    outcomes = tried(platform, free_pod, *private, *mail, *control_plane_targets(platform))
    assert {target: said for target, said in outcomes.items() if not is_open(said)} == {}
    said_by_stand_in = {target: outcomes[target] for target in (*private, *mail)}
    assert {t: s for t, s in said_by_stand_in.items() if f"stand-in reached at {t}" not in s} == {}


@pytest.mark.usefixtures("routes")
def test_the_public_internet_is_open_but_for_mail(platform: Platform, hello: Deployed) -> None:
    pod = pod_of(platform, hello)
    outcomes = tried(platform, pod, *(f"{PUBLIC}:{port}" for port in (80, 443, *MAIL)))
    assert {target for target, said in outcomes.items() if is_open(said)} == {f"{PUBLIC}:80", f"{PUBLIC}:443"}
    assert {said for said in outcomes.values() if not is_open(said)} == {"timeout"}


def test_tenants_do_not_reach_each_other(
    platform: Platform, hello: Deployed, stranger: Deployed, free_pod: Json
) -> None:
    mine, theirs = pod_of(platform, hello), pod_of(platform, stranger)
    port = platform.cr(hello.name)["status"]["port"]
    address = {name: f"{pod['status']['podIP']}:{port}" for name, pod in
               {"mine": mine, "theirs": theirs, "free": free_pod}.items()}  # fmt: skip
    assert is_open(tried(platform, free_pod, address["free"])[address["free"]]), "somebody listens there"
    assert tried(platform, mine, address["theirs"], address["free"]) == {
        address["theirs"]: "timeout",
        address["free"]: "timeout",
    }
    assert tried(platform, theirs, address["mine"]) == {address["mine"]: "timeout"}
    assert tried(platform, free_pod, address["mine"], address["theirs"]) == {
        address["mine"]: "timeout",
        address["theirs"]: "timeout",
    }


def test_names_and_the_own_namespace_work(platform: Platform, hello: Deployed, neighbour: Deployed) -> None:
    namespace = platform.namespace()
    service = platform.kubectl.get("service", neighbour.name, namespace)
    assert service is not None
    port = service["spec"]["ports"][0]["port"]
    targets = [f"{neighbour.name}:{port}", f"{neighbour.name}.{namespace}.svc.cluster.local:{port}"]
    outcomes = tried(platform, pod_of(platform, hello), *targets)
    assert {target for target, said in outcomes.items() if is_open(said)} == set(targets), outcomes


def test_a_tenants_pod_has_no_rights(platform: Platform, hello: Deployed) -> None:
    pod = pod_of(platform, hello)
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    security = container["securityContext"]
    assert spec["automountServiceAccountToken"] is False
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert not security.get("privileged")
    profile = security.get("seccompProfile") or spec["securityContext"]["seccompProfile"]
    assert profile == {"type": "RuntimeDefault"}
    assert not any(spec.get(share) for share in ("hostNetwork", "hostPID", "hostIPC"))
    assert not [volume for volume in spec.get("volumes", []) if "hostPath" in volume or "projected" in volume]
    assert container["resources"]["limits"].keys() >= {"cpu", "memory"}
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    read = "import os; print(os.path.exists('/var/run/secrets/kubernetes.io'), open('/proc/self/status').read())"
    told = platform.kubectl.exec(namespace, name, "python3", "-c", read)
    assert told.startswith("False")
    assert "CapEff:\t0000000000000000" in told
    assert "NoNewPrivs:\t1" in told


def test_a_tenants_namespace_refuses_privileged_pods(platform: Platform, hello: Deployed) -> None:
    namespace = platform.kubectl.get("namespace", platform.namespace())
    assert namespace is not None
    labels = namespace["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    assert labels["pod-security.kubernetes.io/warn"] == "restricted"
    container = {"name": "x", "image": "x", "securityContext": {"privileged": True}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [container]}}
    refused = platform.kubectl.attempt(
        "create", "-n", platform.namespace(), "--dry-run=server", "-f", "-", stdin=json.dumps(pod)
    )
    assert "violates PodSecurity" in refused.stderr


def test_a_tenants_namespace_is_bounded(platform: Platform, hello: Deployed) -> None:
    quota = platform.kubectl.get("resourcequota", "ink", platform.namespace())
    assert quota is not None
    assert quota["spec"]["hard"]["pods"] == "200"
    assert platform.kubectl.get("limitrange", "ink", platform.namespace()) is not None
