"""What prevents installing into an existing cluster."""

from __future__ import annotations

from typing import Any

from ink_install.cluster_checks import LISTED_IMAGES, HelmRelease, absent_images, collisions, host_ports, storage

RELEASE = HelmRelease("ink", "ink")
OPERATOR = "registry.ink.local/ink-operator:1"
BUILDER = "registry.ink.local/ink-builder:1"


def claim(class_name: str = "") -> dict[str, Any]:
    spec = {"storageClassName": class_name} if class_name else {}
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": "git"}, "spec": spec}


def storage_class(name: str, *, default: bool = False) -> dict[str, Any]:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {"kind": "StorageClass", "metadata": {"name": name, "annotations": annotations}}


def workload(image: str, **pod: Any) -> dict[str, Any]:
    container = {
        "image": image,
        "env": [{"name": "INK_BUILDER_IMAGE", "value": BUILDER}],
        "ports": pod.pop("ports", []),
    }
    template = {"spec": {"containers": [container], **pod}}
    return {"kind": "Deployment", "metadata": {"name": "x", "namespace": "ours"}, "spec": {"template": template}}


def node(*images: str, **spec: Any) -> dict[str, Any]:
    labels = spec.pop("labels", {})
    return {
        "metadata": {"name": "n", "labels": labels},
        "spec": spec,
        "status": {"images": [{"names": None}, *({"names": [image]} for image in images)]},
    }


def pod(namespace: str, port: dict[str, int], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": namespace}, "spec": {"containers": [{"ports": [port]}], **spec}}


def test_an_object_of_another_owner_is_a_collision_and_one_of_this_release_is_not() -> None:
    own = {"meta.helm.sh/release-name": "ink", "meta.helm.sh/release-namespace": "ink"}
    ours = {"kind": "Namespace", "metadata": {"name": "dp-builds", "annotations": own}}
    theirs = {"kind": "Namespace", "metadata": {"name": "dp-system"}}
    assert collisions([ours], RELEASE) == []
    (problem,) = collisions([ours, theirs], RELEASE)
    assert problem.seen == "Namespace dp-system"
    assert "namespaces.*" in problem.remedy


def test_claims_without_a_class_need_a_default_one() -> None:
    assert storage([claim()], [storage_class("fast", default=True)]) == []
    assert storage([claim("fast")], [storage_class("fast")]) == []
    (problem,) = storage([claim()], [storage_class("fast")])
    assert "no default StorageClass" in problem.what
    (problem,) = storage([claim("slow")], [storage_class("fast")])
    assert problem.seen == "slow"


def test_host_ports_of_other_pods_are_named() -> None:
    traefik = workload("traefik", ports=[{"containerPort": 8443, "hostPort": 443}])
    assert host_ports([traefik], [pod("ours", {"containerPort": 8443, "hostPort": 443})]) == []
    assert host_ports([traefik], [pod("theirs", {"containerPort": 443})]) == []
    for taken in (
        pod("theirs", {"containerPort": 1, "hostPort": 443}),
        pod("theirs", {"containerPort": 443}, hostNetwork=True),
    ):
        (problem,) = host_ports([traefik], [taken])
        assert problem.seen == "443 by pod theirs/p"


def test_every_node_that_may_run_a_pod_needs_its_image_and_the_builders() -> None:
    (problem,) = absent_images([workload(OPERATOR)], [node()])
    assert problem.seen == f"{BUILDER}, {OPERATOR}"
    assert absent_images([workload(OPERATOR)], [node(OPERATOR, BUILDER)]) == []
    closed = node(taints=[{"effect": "NoSchedule"}])
    assert absent_images([workload(OPERATOR)], [node(OPERATOR, BUILDER), closed]) == []
    (problem,) = absent_images(
        [workload(OPERATOR, nodeSelector={"pool": "ctrl"})], [node(BUILDER, labels={"pool": "ctrl"})]
    )
    assert problem.seen == OPERATOR


def test_a_list_that_may_be_cut_off_proves_nothing() -> None:
    full = node(*(f"other:{number}" for number in range(LISTED_IMAGES)))
    assert absent_images([workload(OPERATOR)], [full]) == []


def test_images_of_a_registry_are_the_registrys_matter() -> None:
    one = workload("registry.example.com/ink-operator:1")
    one["spec"]["template"]["spec"]["containers"][0]["env"] = []
    assert absent_images([one], [node()]) == []
