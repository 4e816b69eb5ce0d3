"""Configuration and argument lists of the node's components."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import yaml
from ink_install.node_files import SECCOMP_PROFILE
from ink_local.cluster import LocalCluster
from ink_local.control_plane import apiserver, certs, controllers, etcd
from ink_local.network import link
from ink_local.node import calico, containerd, kube_proxy, kubelet, pods, registry_mirror, seccomp


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> LocalCluster:
    made = LocalCluster("dev", 2, tmp_path_factory.mktemp("state"))
    certs.ensure(made)
    return made


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "machine_mtu", lambda: 1400)
    monkeypatch.setattr(link, "machine_resolvers", lambda: ["10.200.0.53"])


def test_containerd_is_configured_for_a_machine_without_cap_sys_resource(cluster: LocalCluster) -> None:
    cri = tomllib.loads(containerd.config(cluster, "registry.ink.local/pause:1"))["plugins"][
        "io.containerd.grpc.v1.cri"
    ]
    assert cri["restrict_oom_score_adj"] is True
    assert cri["sandbox_image"] == "registry.ink.local/pause:1"
    assert cri["registry"]["config_path"] == str(cluster.paths.certs_d)
    assert cri["containerd"]["runtimes"]["runc"]["options"]["SystemdCgroup"] is False


def test_docker_io_is_asked_of_the_registry_mirror_first(cluster: LocalCluster) -> None:
    hosts = tomllib.loads(containerd.docker_io_hosts(cluster))
    assert list(hosts["host"]) == ["http://10.240.0.10:5001"]


def test_the_kubelet_keeps_to_the_clusters_own_cgroup(cluster: LocalCluster) -> None:
    config = yaml.safe_load(kubelet.config(cluster))
    assert config["cgroupRoot"] == "/ink-2-dev"
    assert config["failCgroupV1"] is False
    assert config["readOnlyPort"] == 0
    assert config["authentication"]["anonymous"] == {"enabled": False}


def test_the_node_stands_for_every_pool_and_has_no_taints(cluster: LocalCluster) -> None:
    argv = kubelet.daemon(cluster, "kubelet").argv
    labels = next(a for a in argv if a.startswith("--node-labels="))
    assert labels.partition("=")[2].split(",") == [f"ml.ink/pool-{p}=true" for p in ("build", "ctrl", "ops", "run")]
    assert not [a for a in argv if "taint" in a]


def test_buildkits_profile_allows_two_more_calls_than_the_runtimes_default() -> None:
    found = json.loads(SECCOMP_PROFILE.read_text())
    assert found["defaultAction"] == "SCMP_ACT_ERRNO"
    assert found["syscalls"][0] == {"names": list(seccomp.ADDED), "action": "SCMP_ACT_ALLOW"}
    default = {**found, "syscalls": found["syscalls"][1:]}
    assert seccomp.profile(default) == found


def test_no_node_ranges_are_allocated_by_the_controller_manager(cluster: LocalCluster) -> None:
    argv = " ".join(controllers.controller_manager(cluster, "x").argv)
    assert "allocate-node-cidrs" not in argv
    assert "cluster-cidr" not in argv
    assert "--use-service-account-credentials=true" in argv


def test_pods_get_addresses_from_the_range_that_the_launcher_chose(cluster: LocalCluster) -> None:
    plugin = json.loads(calico.conflist(cluster))["plugins"][0]
    assert plugin["ipam"]["ranges"] == [[{"subnet": "10.246.0.0/24"}]]
    assert plugin["mtu"] == 1400
    pool = next(o for o in yaml.safe_load_all(calico.objects(cluster)) if o["kind"] == "IPPool")
    assert pool["spec"]["cidr"] == "10.246.0.0/24"


def test_the_policy_engine_and_kube_proxy_both_use_nftables(cluster: LocalCluster) -> None:
    assert calico.daemon(cluster, "felix").env["FELIX_IPTABLESBACKEND"] == "nft"
    assert yaml.safe_load(kube_proxy.config(cluster))["mode"] == "nftables"


def test_the_audit_log_holds_every_write_and_no_body() -> None:
    rules = yaml.safe_load(apiserver.audit_policy())["rules"]
    assert rules[0] == {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]}
    assert rules[1] == {"level": "None"}


def test_etcd_wants_client_certificates(cluster: LocalCluster) -> None:
    argv = etcd.daemon(cluster, "etcd").argv
    assert {"--client-cert-auth=true", "--peer-client-cert-auth=true"} <= set(argv)


def test_a_daemon_is_restarted_when_its_certificate_changes(cluster: LocalCluster) -> None:
    before = etcd.daemon(cluster, "etcd").fingerprint()
    assert before == etcd.daemon(cluster, "etcd").fingerprint()
    assert before != etcd.daemon(cluster, "/other/etcd").fingerprint()
    path = cluster.paths.certs / "etcd.crt"
    old = path.read_bytes()
    path.write_bytes(old + b"\n")
    try:
        assert etcd.daemon(cluster, "etcd").fingerprint() != before
    finally:
        path.write_bytes(old)


def test_the_registry_mirror_takes_no_pushes(cluster: LocalCluster) -> None:
    config = yaml.safe_load(registry_mirror.daemon(cluster).files[cluster.paths.config / "registry-mirror.yaml"])
    assert config["storage"]["maintenance"]["readonly"] == {"enabled": True}
    assert config["http"]["addr"] == cluster.registry_mirror


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("python:3.12-slim", ("library/python", "3.12-slim")),
        ("docker.io/library/node:22-slim", ("library/node", "22-slim")),
        ("grafana/loki:3", ("grafana/loki", "3")),
    ],
)
def test_stand_ins_are_pushed_under_the_names_docker_io_knows(reference: str, expected: tuple[str, str]) -> None:
    assert registry_mirror.repository_of(reference) == expected


def test_manifests_are_whole_and_name_only_images_of_the_platform(cluster: LocalCluster) -> None:
    texts = (
        pods.coredns(cluster, "registry.ink.local/coredns:1"),
        pods.volumes("registry.ink.local/local-path-provisioner:1", "registry.ink.local/busybox:1"),
        pods.metrics_server(cluster, "registry.ink.local/metrics-server:1"),
    )
    objects = [o for text in texts for o in yaml.safe_load_all(text)]
    assert {o["kind"] for o in objects} >= {"Deployment", "StorageClass", "APIService", "Service", "ConfigMap"}
    for deployment in (o for o in objects if o["kind"] == "Deployment"):
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            assert container["image"].startswith("registry.ink.local/")
            assert container["imagePullPolicy"] == "IfNotPresent"
    teardown = next(o for o in objects if o["metadata"]["name"] == "local-path-config")["data"]["teardown"]
    assert '"$VOL_DIR"' in teardown


def test_ctrs_table_gives_the_digest_of_each_image() -> None:
    table = "REF TYPE DIGEST SIZE PLATFORMS LABELS\nregistry.ink.local/a:1 application/x sha256:ab 1 MiB linux -\n"
    assert containerd.parse_images(table) == {"registry.ink.local/a:1": "sha256:ab"}


def test_no_configuration_names_another_clusters_directory(cluster: LocalCluster) -> None:
    for daemon in (etcd.daemon(cluster, "e"), apiserver.daemon(cluster, "a"), kubelet.daemon(cluster, "k")):
        for path in daemon.files:
            assert Path(path).is_relative_to(cluster.paths.root)
