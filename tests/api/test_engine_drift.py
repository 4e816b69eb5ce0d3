"""What somebody deletes or edits comes back; what belongs to others stays as they left it."""

from __future__ import annotations

import pytest
from support.engine import BINDINGS, CHILDREN, CLAIMS, CRS, DEPLOYMENTS, INGRESSES, POLICIES, SERVICES, Engine
from support.kube_api import Json
from support.waiting import eventually, stays

EDITS = {
    "the image": (
        DEPLOYMENTS,
        "shop",
        {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "evil"}]}}}},
    ),
    "the strategy": (DEPLOYMENTS, "shop", {"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 1}}}}),
    "the replicas": (DEPLOYMENTS, "shop", {"spec": {"replicas": 7}}),
    "a label of ours": (DEPLOYMENTS, "shop", {"metadata": {"labels": {"ml.ink/tenant": "other"}}}),
    "the Service's selector": (SERVICES, "shop", {"spec": {"selector": {"ml.ink/service": "other"}}}),
    "the Ingress' class": (INGRESSES, "shop", {"spec": {"ingressClassName": "other"}}),
    "an open policy": (POLICIES, "ink-default-deny", {"spec": {"policyTypes": ["Ingress"]}}),
    "a policy for others": (POLICIES, "ink-allow-egress", {"spec": {"podSelector": None}}),
}
DELETED = {
    "Deployment": (DEPLOYMENTS, "shop"),
    "Service": (SERVICES, "shop"),
    "Ingress": (INGRESSES, "shop"),
    "NetworkPolicy": (POLICIES, "ink-default-deny"),
    "RoleBinding": (BINDINGS, "ink-operator"),
}
STRATEGIC = "application/strategic-merge-patch+json"


@pytest.fixture(scope="module")
def settled(world: Engine) -> tuple[str, list[str]]:
    """A service at rest, and its children."""
    namespace = world.namespace("drift")
    world.create(namespace, "shop")
    world.wait_ready(namespace, "shop")
    world.rest()
    return namespace, world.children(namespace, "shop")


def comes_back(engine: Engine, namespace: str, before: list[str]) -> None:
    eventually(
        lambda: engine.children(namespace, "shop") == before,
        within=60,
        what="the same children again",
        state=lambda: "\n".join(
            [*sorted(set(engine.children(namespace, "shop")) ^ set(before)), engine.operator.tail(20)]
        ),
    )


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_by_hand_is_undone(engine: Engine, settled: tuple[str, list[str]], what: str) -> None:
    namespace, before = settled
    path, name, patch = EDITS[what]
    engine.api.request("PATCH", f"{path.format(namespace)}/{name}", patch, content_type=STRATEGIC)
    comes_back(engine, namespace, before)


@pytest.mark.parametrize("kind", DELETED)
def test_a_deleted_child_comes_back(engine: Engine, settled: tuple[str, list[str]], kind: str) -> None:
    namespace, before = settled
    path, name = DELETED[kind]
    engine.api.delete(f"{path.format(namespace)}/{name}")
    comes_back(engine, namespace, before)


def test_a_deleted_claim_comes_back_at_the_next_pass(engine: Engine, settled: tuple[str, list[str]]) -> None:
    namespace, before = settled
    claims = engine.api.get(CLAIMS)["items"]
    (claim,) = [c for c in claims if c["metadata"]["annotations"].get("ml.ink/owner") == f"{namespace}/shop"]
    engine.api.delete(f"{CLAIMS}/{claim['metadata']['name']}")
    note = {"metadata": {"annotations": {"example.com/touched": "yes"}}}
    engine.api.merge(f"{CRS.format(namespace)}/shop", note)
    comes_back(engine, namespace, before)


def test_what_others_add_is_left_alone(engine: Engine, settled: tuple[str, list[str]]) -> None:
    namespace, _ = settled
    note = {"annotations": {"example.com/injected": "yes"}, "labels": {"example.com/team": "blue"}}
    theirs: Json = {"metadata": note}
    for path in CHILDREN[:3]:
        engine.api.merge(f"{path.format(namespace)}/shop", theirs)
    pods = {"spec": {"template": {"metadata": {"annotations": {"example.com/injected": "yes"}}}}}
    engine.api.merge(f"{DEPLOYMENTS.format(namespace)}/shop", pods)
    engine.change(namespace, "shop", replicas=2)
    engine.wait_ready(namespace, "shop")
    engine.rest()

    def kept() -> bool:
        found = [engine.api.get(f"{path.format(namespace)}/shop") for path in CHILDREN[:3]]
        template = found[0]["spec"]["template"]["metadata"]["annotations"]
        return template.get("example.com/injected") == "yes" and all(
            item["metadata"]["annotations"].get("example.com/injected") == "yes"
            and item["metadata"]["labels"].get("example.com/team") == "blue"
            for item in found
        )

    engine.proxy.forget()
    stays(kept, seconds=2, what="what others added")
    assert engine.proxy.writes == []
