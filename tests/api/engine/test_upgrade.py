"""A newer operator with other defaults finds workloads that run, and lets them run."""

from __future__ import annotations

from support.cluster.kube_api import Json
from support.operating.engine import DEPLOYMENTS, Engine, Surroundings, source_of
from support.waiting import eventually

NEWER = {"INK_RUN_POOL": '{"nodeSelector": {"disk": "fast"}}', "INK_STARTUP_GRACE_SECONDS": "90"}
"""Two of the defaults that an installation has: one of them is in the pod template."""


def pods(engine: Engine, namespace: str) -> set[str]:
    found = engine.api.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    return {pod["metadata"]["uid"] for pod in found if "deletionTimestamp" not in pod["metadata"]}


def template(engine: Engine, namespace: str, name: str) -> Json:
    found: Json = engine.api.get(f"{DEPLOYMENTS.format(namespace)}/{name}")["spec"]["template"]
    return found


def test_new_defaults_restart_nothing_until_something_is_asked(around: Surroundings, namespace: str) -> None:
    with around.engine("older") as older:
        older.create(namespace, "given")
        older.create(namespace, "built", subdomain=f"{namespace}-b", source=source_of("https://example.com/shop.git"))
        older.wait_all_ready(namespace, 2)
        older.rest()
        before = {name: template(older, namespace, name) for name in ("given", "built")}
        ran = pods(older, namespace)
        older.operator.stop()
        with around.engine("newer", **NEWER) as newer:
            for name in before:
                looked_at(newer, namespace, name)
            assert {name: template(newer, namespace, name) for name in before} == before
            assert pods(newer, namespace) == ran
            newer.wait_all_ready(namespace, 2)
            newer.change(namespace, "given", replicas=2)
            newer.wait_ready(namespace, "given")
            assert ran < pods(newer, namespace), "scaling brings a pod, and restarts none"
            newer.change(namespace, "built", restartedAt="now")
            newer.wait_ready(namespace, "built")
            assert template(newer, namespace, "built")["spec"]["nodeSelector"] == {"disk": "fast"}
            assert template(newer, namespace, "given") == before["given"]


def looked_at(engine: Engine, namespace: str, name: str) -> None:
    """Until the Deployment shows what of the new defaults restarts nothing: the operator has decided about it."""
    eventually(
        lambda: (
            engine.api.get(f"{DEPLOYMENTS.format(namespace)}/{name}")["spec"]["progressDeadlineSeconds"] == 90 + 180
        ),
        within=60,
        what=f"{name} has been looked at",
        state=engine.operator.tail,
    )
