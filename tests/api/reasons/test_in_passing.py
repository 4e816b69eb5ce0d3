"""Reasons that last for a moment: read from every version of an object that the API server remembers."""

from __future__ import annotations

from ink_api.conditions import ConditionType
from ink_api.reasons import Reason
from support.cluster.kube_api import Json
from support.gitops.kstatus import Kstatus
from support.operating.attack import secret
from support.operating.engine import CRS, Engine, Surroundings, source_of
from support.operating.process import PLAYED_ELSEWHERE, succeeded
from support.outside.platform import condition
from support.waiting import eventually

Told = list[tuple[str, str, str]]


def told(engine: Engine, namespace: str, name: str) -> Told:
    """(type, status, reason) of every condition that was ever stated, in order."""
    found = [
        c for version in versions(engine, namespace, name) for c in version.get("status", {}).get("conditions", [])
    ]
    return [(c["type"], c["status"], c["reason"]) for c in found]


def versions(engine: Engine, namespace: str, name: str) -> list[Json]:
    space = engine.api.get(f"/api/v1/namespaces/{namespace}")
    return engine.api.history(f"{CRS.format(namespace)}/{name}", space["metadata"]["resourceVersion"])


def test_the_way_of_a_commit(alone: Surroundings, namespace: str) -> None:
    """Two services and one place to build: one is built at once, one waits for its turn. The test is the builder."""
    git = source_of("https://example.com/shop.git")
    with alone.engine("one at a time", INK_BUILD_CONCURRENCY="1", INK_BUILDER_IMAGE=PLAYED_ELSEWHERE) as engine:
        for name in ("first", "second"):
            engine.create(namespace, name, source=git, subdomain=f"{namespace}-{name}")
        eventually(
            lambda: (
                {reason_of(engine, namespace, n, "Built") for n in ("first", "second")}
                == {Reason.BUILDING, Reason.QUEUED}
            ),
            within=60,
            what="one builds, one waits",
            state=engine.operator.tail,
        )
        waiting = [engine.service(namespace, name) or {} for name in ("first", "second")]
        assert {condition(w, "Deployed")["reason"] for w in waiting} == {Reason.PENDING}
        assert {condition(w, "Available")["reason"] for w in waiting} == {Reason.PENDING}
        assert {condition(w, "SourceResolved")["reason"] for w in waiting} == {Reason.RESOLVED}
        eventually(lambda: build(engine) and both_ready(engine, namespace), within=90, what="both are live")
        assert {reason_of(engine, namespace, n, "Built") for n in ("first", "second")} == {Reason.BUILT}


def reason_of(engine: Engine, namespace: str, name: str, kind: str) -> str:
    return str(condition(engine.service(namespace, name) or {}, kind).get("reason"))


def both_ready(engine: Engine, namespace: str) -> bool:
    return all(engine.is_ready(namespace, name) for name in ("first", "second"))


def build(engine: Engine) -> bool:
    """Every build that runs comes to its end."""
    for pod in engine.api.get("/api/v1/namespaces/dp-builds/pods")["items"]:
        if pod["status"].get("phase") == "Pending":
            path = f"/api/v1/namespaces/dp-builds/pods/{pod['metadata']['name']}/status"
            engine.api.merge(path, {"status": succeeded(pod["spec"]["containers"])})
    return True


def test_a_commit_is_asked_for_once_the_namespace_is_set_up(engine: Engine, namespace: str) -> None:
    """Its credentials lie in the namespace, which the operator may not read before."""
    engine.api.create(f"/api/v1/namespaces/{namespace}/secrets", secret(namespace, "login", password="x"))
    git = {"git": {"url": "https://example.com/shop.git", "branch": "main", "auth": {"secretRef": {"name": "login"}}}}
    engine.create(namespace, "shop", source=git)
    engine.wait_ready(namespace, "shop")
    assert (ConditionType.SOURCE_RESOLVED, "Unknown", Reason.RESOLVING) in told(engine, namespace, "shop")


def test_a_deletion_says_so_until_it_is_over(engine: Engine, namespace: str, kstatus: Kstatus) -> None:
    engine.create(namespace, "shop")
    engine.wait_ready(namespace, "shop")
    engine.delete(namespace, "shop")
    engine.wait_gone(namespace, "shop")
    going = [v for v in versions(engine, namespace, "shop") if "deletionTimestamp" in v["metadata"]]
    said = [v for v in going if condition(v, ConditionType.READY)["reason"] == Reason.DELETING]
    assert said
    for version in said:
        assert condition(version, ConditionType.READY)["status"] == "Unknown"
        assert condition(version, ConditionType.RECONCILING)["status"] == "True"
        assert not condition(version, ConditionType.STALLED)
        assert kstatus.one(version) == "Terminating"


def test_what_the_api_server_cannot_do_for_long_is_told(engine: Engine, namespace: str) -> None:
    """It is tried again all the while, and heals by itself."""
    engine.proxy.refuse(f"/namespaces/{namespace}/deployments/shop", 500)
    engine.create(namespace, "shop")
    eventually(
        lambda: condition(engine.service(namespace, "shop") or {}, "Ready").get("reason") == Reason.INTERNAL_ERROR,
        within=90,
        what="the fault is told",
        state=engine.operator.tail,
    )
    found = engine.service(namespace, "shop") or {}
    assert condition(found, ConditionType.STALLED)["reason"] == Reason.INTERNAL_ERROR
    engine.proxy.refuse_nothing()
    engine.wait_ready(namespace, "shop", within=120)


def test_a_right_that_is_missing_for_long_is_told(engine: Engine, namespace: str) -> None:
    engine.proxy.refuse(f"/namespaces/{namespace}/deployments/shop", 403)
    engine.create(namespace, "shop")
    eventually(
        lambda: condition(engine.service(namespace, "shop") or {}, "Stalled").get("status") == "True",
        within=180,
        what="it is told",
        state=engine.operator.tail,
    )
    engine.proxy.refuse_nothing()
    engine.wait_ready(namespace, "shop", within=180)
