"""What only the operator can tell: it says no in a condition, tells nothing of the other, and touches nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from ink_api.reasons import Reason
from support.cluster.control_plane import ControlPlane
from support.cluster.kube_api import Json, managed_namespace
from support.operating.attack import VALUE, Attack, sealed_for, secret, under_attack
from support.operating.engine import CRS, DEPLOYMENTS, REVISIONS
from support.operating.process import COMMIT
from support.waiting import eventually

GIT = "https://git.localhost:8443"
OTHER = f"{GIT}/acme/shop.git"
Spec = Callable[[Attack], Json]


@pytest.fixture(scope="module")
def attack(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attack]:
    with under_attack(plane, tmp_path_factory.mktemp("attack")) as made:
        yield made


@pytest.fixture
def mine(attack: Attack) -> str:
    """A fresh namespace of the attacker's."""
    return attack.fresh()


@pytest.fixture(autouse=True)
def untouched(attack: Attack) -> Iterator[None]:
    """Whatever was tried: what the victim has is what it had, to the version."""
    before = attack.belongings()
    yield
    attack.engine.rest(quiet=0.5)
    assert attack.belongings() == before


def env(**source: Json) -> Json:
    return {"env": [{"name": "TOKEN", "valueFrom": source}]}


def git(url: str, **auth: Json) -> Json:
    return {"source": {"git": {"url": url, "branch": "main", **({"auth": auth} if auth else {})}}}


def image(ref: str, **more: Json) -> Json:
    return {"source": {"image": {"ref": ref, **more}}}


ASKED: dict[str, tuple[Spec, Reason]] = {
    "another's host": (lambda a: {"subdomain": a.victim}, Reason.HOST_TAKEN),
    "the platform's host": (lambda a: {"subdomain": "git"}, Reason.HOST_RESERVED),
    "another's Secret": (lambda a: env(secretKeyRef={"name": "login", "key": "password"}), Reason.CONFIG_NOT_FOUND),
    "another's Secret as a whole": (
        lambda a: {"envFrom": [{"secretRef": {"name": "login"}}]}, Reason.CONFIG_NOT_FOUND),
    "another's Secret for git": (
        lambda a: git("https://example.com/x.git", secretRef={"name": "login"}), Reason.CONFIG_NOT_FOUND),
    "another's sealed value": (lambda a: env(sealed=sealed_for(a.api, a.victim)), Reason.SEALED_VALUE_INVALID),
    "another's repository": (lambda a: git(OTHER, internal={}), Reason.REFERENCE_DENIED),
    "another's repository, not saying so": (lambda a: git(OTHER), Reason.REFERENCE_DENIED),
    "another's repository by a detour": (lambda a: git(f"{GIT}/{a.mine}/../acme/shop.git"), Reason.INVALID_SPEC),
    "another's installation": (
        lambda a: git("https://github.com/acme/shop.git", githubApp={"installationId": 1}), Reason.NOT_IMPLEMENTED),
    "another's image": (
        lambda a: image(f"{a.registry}/ink.namespaces/{a.victim}/shop:1"), Reason.REFERENCE_DENIED),
    "a workspace's image": (lambda a: image(f"{a.registry}/acme/shop/web:1"), Reason.REFERENCE_DENIED),
    "another's resource": (lambda a: env(resourceRef={"name": "db", "key": "url"}), Reason.NOT_IMPLEMENTED),
    "another's variables": (
        lambda a: env(serviceEnvRef={"service": "shop", "name": "TOKEN"}), Reason.NOT_IMPLEMENTED),
    "another's domain": (lambda a: {"domains": [{"host": f"www.{a.victim}.com"}]}, Reason.NOT_IMPLEMENTED),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_what_is_anothers_is_refused_in_a_condition(attack: Attack, mine: str, name: str) -> None:
    spec, reason = ASKED[name]
    assert attack.service(mine, **spec(attack)) == ""
    stated = attack.ready(mine)
    assert (stated["status"], stated["reason"]) == ("False", reason), stated
    found = json.dumps(attack.api.get(f"{CRS.format(mine)}/shop")["status"])
    assert VALUE not in found
    assert attack.api.find(f"{DEPLOYMENTS.format(mine)}/shop") is None


def test_a_pull_secret_is_looked_for_beside_the_pod(attack: Attack, mine: str) -> None:
    ref = "registry.example.com/shop@sha256:" + "1" * 64
    assert attack.service(mine, **image(ref, pullSecretRef={"name": "login"})) == ""
    attack.engine.wait_ready(mine, "shop")
    pods = attack.api.get(f"{DEPLOYMENTS.format(mine)}/shop")["spec"]["template"]["spec"]
    assert pods["imagePullSecrets"] == [{"name": "login"}]
    assert attack.api.find(f"/api/v1/namespaces/{mine}/secrets/login") is None


def test_a_zone_and_a_resource_of_anothers_are_not_there_yet(attack: Attack, mine: str) -> None:
    zone = {"zone": f"{attack.victim}.com", "records": [{"name": "www", "type": "A", "values": ["192.0.2.1"]}]}
    outside = {"type": "External", "external": {"secretRef": {"name": "login"}}}
    for kind, spec in (("InkDomain", zone), ("InkResource", outside)):
        meta = {"name": "mine", "namespace": mine}
        assert attack.creates({"apiVersion": "ml.ink/v1alpha1", "kind": kind, "metadata": meta, "spec": spec}) == ""
        stated = attack.ready(mine, "mine", f"{kind.lower()}s")
        assert (stated["status"], stated["reason"]) == ("False", Reason.NOT_IMPLEMENTED)
        assert VALUE not in json.dumps(stated)


def test_a_namespace_named_like_a_workspace_is_not_the_workspace(attack: Attack) -> None:
    """Its repository and its images are the workspace's."""
    managed_namespace(attack.api, "acme-ws")
    attack.engine.create("acme-ws", "shop", **git(f"{GIT}/acme-ws/shop.git", internal={}))
    assert attack.ready("acme-ws")["reason"] == Reason.REFERENCE_DENIED
    attack.engine.create("acme-ws", "other", **image(f"{attack.registry}/acme-ws/shop/web:1"))
    assert attack.ready("acme-ws", "other")["reason"] == Reason.REFERENCE_DENIED


def test_a_name_like_the_gateways_gives_no_workspace(attack: Attack, mine: str) -> None:
    assert attack.service(mine, "acme.shop.web") == ""
    stated = attack.ready(mine, "acme.shop.web")
    assert stated["reason"] == Reason.INVALID_SPEC
    assert attack.api.find("/api/v1/namespaces/ink-t-acme--shop") is None


@pytest.mark.parametrize("namespace", ["dp-builds", "dp-system", "dp-buildkit", "ink-ingress", "ink-t-w--p"])
def test_no_service_runs_among_the_platforms_own_pods(attack: Attack, namespace: str) -> None:
    """Not even one that an administrator made, in a namespace that was labelled by mistake."""
    attack.api.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": {"ml.ink/managed": "true"}}})
    attack.engine.create(namespace, "stray", subdomain="stray")
    stated = attack.ready(namespace, "stray")
    assert stated["reason"] == Reason.NAMESPACE_NOT_MANAGED
    assert "belongs to the platform" in stated["message"]
    attack.engine.delete(namespace, "stray")
    attack.engine.wait_gone(namespace, "stray")
    attack.api.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": {"ml.ink/managed": None}}})


def test_a_forged_head_brings_no_other_commit(attack: Attack, mine: str) -> None:
    assert attack.service(mine, **git("https://example.com/shop.git")) == ""
    attack.engine.wait_ready(mine, "shop")
    forged = {"metadata": {"annotations": {"ml.ink/head": "main@" + "e" * 40}}}
    assert attack.changes(f"{CRS.format(mine)}/shop", forged) == ""
    attack.changes(f"{CRS.format(mine)}/shop", {"spec": {"replicas": 2}})
    attack.engine.wait_ready(mine, "shop")
    found = attack.api.get(f"{CRS.format(mine)}/shop")["status"]
    assert found["commit"] == COMMIT
    assert [r["commit"] for r in found["revisions"]] == [COMMIT]


def test_a_forged_revision_runs_no_image_of_anothers(attack: Attack, mine: str) -> None:
    """It says that the victim's image was deployed last; then the Deployment goes, and is made again from memory."""
    assert attack.service(mine, **git("https://example.com/shop.git")) == ""
    attack.engine.wait_ready(mine, "shop")
    (real,) = attack.api.get(REVISIONS.format(mine))["items"]
    meta = {key: real["metadata"][key] for key in ("namespace", "labels", "annotations", "ownerReferences")}
    stolen = f"{attack.registry}/ink.namespaces/{attack.victim}/shop@sha256:" + "2" * 64
    forged = {**real, "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": 99}
    forged |= {"metadata": {**meta, "name": "shop-forged"}, "data": {**real["data"], "image": stolen}}
    assert "cannot create" in attack.creates(forged)
    attack.api.create(REVISIONS.format(mine), forged)  # as somebody with more rights than `edit`
    assert attack.ask("DELETE", f"{DEPLOYMENTS.format(mine)}/shop") == ""
    again = eventually(
        lambda: attack.api.find(f"{DEPLOYMENTS.format(mine)}/shop"), within=60, what="the Deployment comes back"
    )
    assert again["spec"]["template"]["spec"]["containers"][0]["image"] == real["data"]["image"]
    attack.engine.wait_ready(mine, "shop")
    assert stolen not in json.dumps(attack.api.get(f"{CRS.format(mine)}/shop")["status"])


def test_the_value_of_a_service_of_its_own_is_not_told(attack: Attack, mine: str) -> None:
    """A value that exists, under a key that does not."""
    attack.creates(secret(mine, "own", password=VALUE))
    assert attack.service(mine, **env(secretKeyRef={"name": "own", "key": "nothing"})) == ""
    stated = attack.ready(mine)
    assert stated["reason"] == Reason.CONFIG_NOT_FOUND
    assert VALUE not in json.dumps(attack.api.get(f"{CRS.format(mine)}/shop")["status"])
    assert VALUE not in attack.engine.operator.tail(2000)
