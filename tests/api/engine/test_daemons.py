"""A buildkitd for each tenant before a real API server, with the rights that the chart gives the operator."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from support.cluster import helm
from support.cluster.helm import Manifest
from support.cluster.kube_api import Json, KubeApi, Refused
from support.operating.engine import OPERATOR, Engine, Surroundings, is_operators, source_of
from support.waiting import eventually

SPACE = "dp-buildkit"
SETS = f"/apis/apps/v1/namespaces/{SPACE}/statefulsets"
POLICIES = f"/apis/networking.k8s.io/v1/namespaces/{SPACE}/networkpolicies"
SERVICES, SECRETS, CLAIMS = (
    f"/api/v1/namespaces/{SPACE}/{kind}" for kind in ("services", "secrets", "persistentvolumeclaims")
)
JOBS = "/apis/batch/v1/namespaces/dp-builds/jobs"
SOURCE = source_of("https://example.com/shop.git")


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    return helm.render(tmp_path_factory.mktemp("chart"), {"builders": {"shared": False}}, local=True)


@pytest.fixture(scope="module")
def settings(chart: list[Manifest]) -> dict[str, str]:
    """What the chart tells the operator of daemons."""
    (operator,) = [m for m in chart if m["kind"] == "Deployment" and m["metadata"]["name"] == "operator"]
    env = operator["spec"]["template"]["spec"]["containers"][0]["env"]
    found = {v["name"]: v["value"] for v in env if v["name"].startswith("INK_BUILDKIT_") and "value" in v}
    return {**found, "INK_BUILDKIT_SEED": "s" * 64, "INK_BUILDKIT_IDLE_SECONDS": "3600"}


@pytest.fixture(scope="module")
def world(around: Surroundings, chart: list[Manifest], settings: dict[str, str]) -> Iterator[Engine]:
    """With the rights of an installation that gives each tenant a buildkitd."""
    api = around.plane.api
    api.apply(f"/api/v1/namespaces/{SPACE}", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as manifests:
        yaml.safe_dump_all([item for item in chart if is_operators(item)], manifests)
        manifests.flush()
        around.plane.kubectl.run("apply", "--server-side", "--force-conflicts", f"--filename={manifests.name}")
    try:
        with around.engine(**settings) as engine:
            yield engine
    finally:
        for path in (SETS, POLICIES, SECRETS):
            api.request("DELETE", f"{path}?propagationPolicy=Background")


def built(engine: Engine) -> str:
    """A tenant whose service was built from a repository; its namespace."""
    namespace = engine.namespace("builds")
    engine.create(namespace, "shop", source=SOURCE)
    engine.wait_ready(namespace, "shop")
    return namespace


def daemon(api: KubeApi, tenant: str) -> Json | None:
    """The tenant's StatefulSet."""
    found = api.get(f"{SETS}?labelSelector=ml.ink/tenant={tenant}")["items"]
    assert len(found) <= 1
    return found[0] if found else None


def parts(api: KubeApi, tenant: str) -> list[str]:
    """Kinds of what a daemon consists of."""
    mine = f"labelSelector=ml.ink/tenant={tenant}"
    paths = (SETS, SECRETS, POLICIES, SERVICES)
    return [path.rpartition("/")[2] for path in paths if api.get(f"{path}?{mine}")["items"]]


def claim_of(api: KubeApi, workload: Json) -> Json | None:
    return api.find(f"{CLAIMS}/state-{workload['metadata']['name']}-0")


def test_each_tenant_builds_with_a_daemon_of_its_own(engine: Engine) -> None:
    tenants = [built(engine), built(engine)]
    live = [daemon(engine.api, tenant) for tenant in tenants]
    names = [workload["metadata"]["name"] for workload in live if workload]
    assert len(set(names)) == 2
    for tenant, workload in zip(tenants, live, strict=True):
        assert workload is not None
        name = workload["metadata"]["name"]
        assert workload["spec"]["replicas"] == 1
        (job,) = engine.api.get(f"{JOBS}?labelSelector=ml.ink/tenant={tenant}")["items"]
        pod = job["spec"]["template"]
        assert pod["metadata"]["labels"]["ml.ink/daemon"] == name
        env = {v["name"]: v.get("value") for v in pod["spec"]["containers"][0]["env"]}
        assert env["INK_BUILDKIT_ADDRESS"] == f"{name}.{SPACE}.svc.cluster.local:1234"
        policy = engine.api.get(f"{POLICIES}/{name}")
        (allowed,) = policy["spec"]["ingress"][0]["from"]
        assert allowed["podSelector"]["matchLabels"]["ml.ink/daemon"] == name
        assert engine.api.get(f"{SECRETS}/{name}")["data"].keys() == {"ca.crt", "tls.crt", "tls.key"}
        assert engine.api.get(f"{SERVICES}/{name}")["spec"]["selector"] == {"ml.ink/daemon": name}


def test_a_daemon_at_rest_is_not_written_to(engine: Engine) -> None:
    tenant = built(engine)
    eventually(lambda: marked(engine.api, tenant), within=30, what="it is marked as idle", state=engine.operator.tail)
    engine.rest(quiet=3)
    engine.operator.stop()
    engine.proxy.forget()
    engine.operator.start()
    eventually(
        lambda: engine.operator.metric("ink_reconcile_seconds_count") >= 1, within=60, what="a new process has looked"
    )
    engine.rest(quiet=3)
    assert [write for write in engine.proxy.writes if SPACE in write.path] == []


def test_what_somebody_took_away_comes_back(engine: Engine) -> None:
    tenant = built(engine)
    workload = daemon(engine.api, tenant)
    assert workload is not None
    name = workload["metadata"]["name"]
    for path in (SERVICES, POLICIES):
        engine.api.delete(f"{path}/{name}")
        eventually(lambda path=path: engine.api.find(f"{path}/{name}"), within=30, what=f"{path} is there again")


def test_it_stops_when_idle_and_the_next_build_starts_it_with_its_volume(
    alone: Surroundings, settings: dict[str, str]
) -> None:
    with alone.engine(**{**settings, "INK_BUILDKIT_IDLE_SECONDS": "2"}) as engine:
        tenant = built(engine)
        stopped = eventually(
            lambda: stopped_daemon(engine.api, tenant), within=60, what="it stops", state=engine.operator.tail
        )
        volume = claim_of(engine.api, stopped)
        assert volume is not None, "the cache stays"
        since = stopped["metadata"]["generation"]
        engine.change(tenant, "shop", rebuildToken="again")
        eventually(
            lambda: restarted(engine.api, tenant, since), within=60, what="it starts", state=engine.operator.tail
        )
        after = claim_of(engine.api, stopped)
        assert after is not None
        assert after["metadata"]["uid"] == volume["metadata"]["uid"]


def test_all_of_it_goes_with_the_last_service(engine: Engine) -> None:
    tenant = built(engine)
    workload = daemon(engine.api, tenant)
    assert workload is not None
    eventually(lambda: claim_of(engine.api, workload), within=30, what="it has a volume")
    engine.delete(tenant, "shop")
    engine.wait_gone(tenant, "shop")
    eventually(
        lambda: parts(engine.api, tenant) == [] and claim_of(engine.api, workload) is None,
        within=60,
        what="nothing of it is left",
        state=lambda: f"{parts(engine.api, tenant)} {claim_of(engine.api, workload)}\n{engine.operator.tail()}",
    )


Change = Callable[[dict[str, Any]], object]
FORGED: dict[str, Change] = {
    "another program": lambda pod: pod["containers"][0].update(image="registry.example.com/other:1"),
    "another command": lambda pod: pod["containers"][0].update(command=["sh", "-c", "true"]),
    "arguments": lambda pod: pod["containers"][0].update(args=["x"]),
    "a hook": lambda pod: pod["containers"][0].update(lifecycle={"postStart": {"exec": {"command": ["true"]}}}),
    "a probe that runs something": lambda pod: pod["containers"][0].update(
        livenessProbe={"exec": {"command": ["true"]}}
    ),
    "privileged": lambda pod: pod["containers"][0]["securityContext"].update(privileged=True),
    "another capability": lambda pod: pod["containers"][0]["securityContext"].update(
        capabilities={"drop": ["ALL"], "add": ["SYS_MODULE"]}
    ),
    "the node's network": lambda pod: pod.update(hostNetwork=True),
    "the node's processes": lambda pod: pod.update(hostPID=True),
    "a service account": lambda pod: pod.update(automountServiceAccountToken=True),
    "the node's files": lambda pod: pod["volumes"].append({"name": "h", "hostPath": {"path": "/"}}),
    "another Secret": lambda pod: pod["volumes"].append({"name": "s", "secret": {"secretName": "other"}}),
    "a second container": lambda pod: pod["containers"].append({"name": "b", "image": "x"}),
    "an init container": lambda pod: pod.update(initContainers=[{"name": "b", "image": "x"}]),
}


@pytest.fixture(scope="module")
def live(world: Engine) -> Json:
    """A daemon as the operator makes it."""
    found = daemon(world.api, built(world))
    assert found is not None
    return found


@pytest.mark.parametrize("forged", FORGED)
def test_the_operators_identity_makes_no_other_pod_there(engine: Engine, live: Json, forged: str) -> None:
    """The namespace allows privileged pods: whoever takes the operator over must not get one."""
    assert said(engine.api, live) == "", "as it is, it would be taken"
    bad = copy.deepcopy(live)
    FORGED[forged](bad["spec"]["template"]["spec"])
    assert "Ink's operator" in said(engine.api, bad)


def said(api: KubeApi, workload: Json) -> str:
    """What the API server says to the operator's identity that makes this."""
    meta = {"name": "buildkitd-forged", "namespace": SPACE}
    template = copy.deepcopy({**workload["spec"]["template"], "metadata": {"labels": {"a": "b"}}})
    for volume in template["spec"]["volumes"]:
        if volume.get("secret", {}).get("secretName") == workload["metadata"]["name"]:
            volume["secret"]["secretName"] = meta["name"]
    spec = {**workload["spec"], "selector": {"matchLabels": {"a": "b"}}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": spec}
    try:
        api.request("POST", f"{SETS}?dryRun=All", body, Impersonate_User=OPERATOR)
    except Refused as refused:
        return refused.message or str(refused)
    return ""


def marked(api: KubeApi, tenant: str) -> bool:
    workload = daemon(api, tenant)
    return workload is not None and "ml.ink/idle-since" in workload["metadata"]["annotations"]


def stopped_daemon(api: KubeApi, tenant: str) -> Json | None:
    workload = daemon(api, tenant)
    return workload if workload is not None and workload["spec"]["replicas"] == 0 else None


def restarted(api: KubeApi, tenant: str, since: int) -> bool:
    """It was asked to run after it had stopped, although it may have stopped again by now."""
    workload = daemon(api, tenant)
    return workload is not None and workload["metadata"]["generation"] > since
