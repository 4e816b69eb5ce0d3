"""Claims of public hosts before a real API server: kept for their tenant, taken over by one, removed in the end."""

from __future__ import annotations

from support.cluster.kube_api import Json
from support.operating.engine import CRS, RELEASED, Engine, Surroundings
from support.outside.platform import condition
from support.waiting import eventually


def ready_message(engine: Engine, namespace: str, name: str) -> str:
    return str(condition(engine.service(namespace, name) or {}, "Ready").get("message", ""))


def given_up(engine: Engine, namespace: str) -> Json:
    """A service comes and goes; the claim that stays."""
    engine.create(namespace, "shop")
    engine.wait_ready(namespace, "shop")
    engine.delete(namespace, "shop")
    engine.wait_gone(namespace, "shop")
    (claim,) = engine.claims(namespace, "shop")
    assert "ml.ink/owner-uid" not in claim["metadata"]["labels"]
    assert claim["metadata"]["annotations"][RELEASED]
    return claim


def test_a_host_is_kept_for_its_tenant(engine: Engine, namespace: str) -> None:
    before = given_up(engine, namespace)
    other = engine.namespace("other")
    engine.create(other, "thief", subdomain=namespace)
    eventually(
        lambda: "It becomes available at " in ready_message(engine, other, "thief"),
        within=120,
        what="another tenant is told when",
        state=engine.operator.tail,
    )
    assert condition(engine.service(other, "thief") or {}, "Ready")["reason"] == "HostTaken"
    assert namespace not in ready_message(engine, other, "thief").replace(f"{namespace}.apps.localhost", "")
    assert engine.claims(namespace, "shop") == [before]
    engine.create(namespace, "shop2")
    engine.wait_ready(namespace, "shop2")
    (now,) = engine.claims(namespace, "shop2")
    assert (now["metadata"]["uid"], RELEASED in now["metadata"]["annotations"]) == (before["metadata"]["uid"], False)


def test_a_restart_forgets_no_claim_and_writes_nothing(engine: Engine, namespace: str) -> None:
    before = given_up(engine, namespace)
    engine.operator.kill()
    engine.proxy.forget()
    engine.operator.ensure()
    # A service that is made after the restart shows that the first look at everything is over.
    engine.create(namespace, "other", subdomain=f"{namespace}-b")
    engine.wait_ready(namespace, "other")
    engine.rest()
    assert engine.claims(namespace, "shop") == [before]
    assert not [w for w in engine.proxy.writes if before["metadata"]["name"] in str(w)]


def test_when_its_time_is_over_it_is_anybodys_and_goes(alone: Surroundings, namespace: str) -> None:
    with alone.engine("brief", INK_HOST_KEEP_SECONDS="1") as engine:
        engine.create(namespace, "shop")
        engine.wait_ready(namespace, "shop")
        engine.delete(namespace, "shop")
        engine.wait_gone(namespace, "shop")
        eventually(
            lambda: engine.claims(namespace, "shop") == [],
            within=120,
            what="the claim goes",
            state=engine.operator.tail,
        )
        other = engine.namespace("other")
        engine.create(other, "next", subdomain=namespace)
        engine.wait_ready(other, "next")


def test_what_a_vanished_service_left_is_given_up_and_goes(alone: Surroundings, namespace: str) -> None:
    """No operator ran while somebody took the finalizer away: the next one finds the claim by itself."""
    with alone.engine("before") as engine:
        engine.create(namespace, "shop")
        engine.wait_ready(namespace, "shop")
        engine.operator.kill()
        engine.delete(namespace, "shop")
        engine.api.merge(f"{CRS.format(namespace)}/shop", {"metadata": {"finalizers": None}})
        (claim,) = engine.claims(namespace, "shop")
        assert claim["metadata"]["labels"]["ml.ink/owner-uid"]
    with alone.engine("after", INK_HOST_KEEP_SECONDS="1") as engine:
        eventually(
            lambda: engine.claims(namespace, "shop") == [],
            within=120,
            what="the claim goes",
            state=engine.operator.tail,
        )
