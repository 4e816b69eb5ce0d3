"""What a service's settings make of its workload, on a real API server."""

from __future__ import annotations

import pytest
from support.cluster.kube_api import Json
from support.operating.engine import CRS, Engine
from support.outside.platform import condition
from support.waiting import eventually, stays

DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
SECRETS = "/api/v1/namespaces/{}/secrets"
AT_ONCE_SECONDS = 10
"""Far below the ten minutes after which everything is looked at again anyway."""


def rests(world: Engine) -> None:
    """What was made is what is wanted: nothing is written any more."""
    world.rest(within=20, from_now=True)
    world.proxy.forget()
    stays(lambda: world.proxy.writes == [], seconds=4, what="no write")


def deployment(world: Engine, namespace: str) -> Json:
    return world.api.get(f"{DEPLOYMENTS.format(namespace)}/shop")


def revision(world: Engine, namespace: str) -> str:
    found: str = deployment(world, namespace)["metadata"]["annotations"]["ml.ink/revision"]
    return found


def says(world: Engine, namespace: str, reason: str, within: float = 30) -> str:
    """Wait until Ready gives that reason; returns its message."""

    def found() -> str:
        stated = condition(world.service(namespace, "shop") or {}, "Ready")
        assert stated.get("reason") == reason, stated
        return str(stated["message"])

    return eventually(found, within=within, what=f"{namespace}/shop says {reason}", state=world.operator.tail)


def change(world: Engine, namespace: str, **spec: object) -> None:
    world.api.merge(f"{CRS.format(namespace)}/shop", {"spec": spec})


def test_a_secret_that_comes_and_changes_is_noticed_at_once(running: Engine, namespace: str) -> None:
    running.create(namespace, "shop", envFrom=[{"secretRef": {"name": "app"}}])
    says(running, namespace, "ConfigNotFound")
    path, meta = f"{SECRETS.format(namespace)}/app", {"name": "app", "namespace": namespace}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta}
    running.api.apply(path, {**secret, "stringData": {"TOKEN": "first"}})
    says(running, namespace, "Ready")
    rests(running)
    before = revision(running, namespace)
    running.api.merge(path, {"metadata": {"annotations": {"example.com/touched": "yes"}}})
    stays(lambda: running.proxy.writes == [], seconds=3, what="no write for a change that is none")
    running.api.merge(path, {"stringData": {"TOKEN": "second"}})
    eventually(
        lambda: revision(running, namespace) != before,
        within=AT_ONCE_SECONDS,
        what="the pods are rolled",
        state=running.operator.tail,
    )
    running.wait_ready(namespace, "shop")


def test_ports_health_and_drain_are_taken_as_they_are_written(running: Engine, namespace: str) -> None:
    running.create(
        namespace,
        "shop",
        ports=[
            {"name": "feed", "port": 5000, "protocol": "TCP", "visibility": "Private"},
            {"name": "http", "port": 3000},
        ],
        health={"path": "/up", "port": 3000, "restartOnFailure": True},
        drain={"preStop": "0s", "terminationGracePeriod": "1m"},
    )
    running.wait_ready(namespace, "shop")
    rests(running)
    status = (running.service(namespace, "shop") or {})["status"]
    assert [port["name"] for port in status["effective"]["ports"]] == ["feed", "http"]
    assert status["privateUrl"] == f"http://shop.{namespace}.svc.cluster.local:3000"
    assert status["urls"] == [status["url"]]
    change(running, namespace, ports=[], health=None)
    running.wait_ready(namespace, "shop")
    rests(running)
    status = (running.service(namespace, "shop") or {})["status"]
    assert status["effective"]["ports"] == []
    assert {"health", "urls", "url"} & {*status, *status["effective"]} == set()


CRON_JOBS = "/apis/batch/v1/namespaces/{}/cronjobs"


def test_a_cron_job_takes_the_place_of_a_server_and_gives_it_back(running: Engine, namespace: str) -> None:
    running.create(namespace, "shop")
    running.wait_ready(namespace, "shop")
    change(running, namespace, cron={"schedule": "0 4 1 1 *", "timeZone": "Europe/Berlin", "retries": 2})
    running.wait_ready(namespace, "shop")
    rests(running)
    spec = running.api.get(f"{CRON_JOBS.format(namespace)}/shop")["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("0 4 1 1 *", "Europe/Berlin", "Forbid")
    for path in (DEPLOYMENTS, "/api/v1/namespaces/{}/services", "/apis/networking.k8s.io/v1/namespaces/{}/ingresses"):
        assert running.api.get(path.format(namespace))["items"] == []
    change(running, namespace, suspend=True)
    says(running, namespace, "Suspended")
    rests(running)
    running.api.delete(f"{CRON_JOBS.format(namespace)}/shop")
    change(running, namespace, suspend=False)
    says(running, namespace, "Ready")
    change(running, namespace, cron=None)
    running.wait_ready(namespace, "shop")
    assert running.api.get(CRON_JOBS.format(namespace))["items"] == []
    rests(running)


@pytest.mark.parametrize(
    ("cron", "words"),
    [({"schedule": "30-5 * * * *"}, "spec.schedule"), ({"schedule": "@daily", "timeZone": "Mars/Olympus"}, "timeZone")],
    ids=["schedule", "time zone"],
)
def test_what_only_the_api_server_can_tell_of_a_schedule_is_said(
    running: Engine, namespace: str, cron: Json, words: str
) -> None:
    running.create(namespace, "shop", cron=cron)
    assert words in says(running, namespace, "InvalidSpec")
    running.rest(within=20, from_now=True)  # it is not tried again and again
    change(running, namespace, cron={"schedule": "@daily", "timeZone": "Etc/UTC"})
    says(running, namespace, "Ready")


CLAIMS = "/api/v1/namespaces/{}/persistentvolumeclaims"


def disk(**more: object) -> Json:
    return {"name": "data", "mountPath": "/data", "size": "1Gi", **more}


def claim(world: Engine, namespace: str) -> Json | None:
    return world.api.find(f"{CLAIMS.format(namespace)}/shop-data")


def storage(world: Engine, namespace: str, storage_class: str) -> None:
    """A disk for the claim, as an administrator makes one by hand."""
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "hostPath": {"path": f"/nowhere/{namespace}"},
        "claimRef": {"namespace": namespace, "name": "shop-data"},
    }
    meta = {"name": namespace}
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta, "spec": spec}
    world.api.apply(f"/api/v1/persistentvolumes/{namespace}", volume)

    def bound() -> bool:
        found = claim(world, namespace)
        return found is not None and found["status"].get("phase") == "Bound"

    eventually(bound, within=30, what="the claim is bound")


def test_a_disk_comes_and_goes_with_its_policy(running: Engine, namespace: str) -> None:
    running.create(namespace, "shop")
    running.wait_ready(namespace, "shop")
    change(running, namespace, volumes=[disk(deletionPolicy="Delete")])
    running.wait_ready(namespace, "shop")
    rests(running)
    assert deployment(running, namespace)["spec"]["strategy"] == {"type": "Recreate"}
    change(running, namespace, volumes=[])
    running.wait_ready(namespace, "shop")
    eventually(lambda: claim(running, namespace) is None, within=30, what="the claim is gone")
    assert deployment(running, namespace)["spec"]["strategy"]["type"] == "RollingUpdate"
    rests(running)
    change(running, namespace, volumes=[disk()])
    running.wait_ready(namespace, "shop")
    kept = claim(running, namespace)
    assert kept is not None
    running.api.delete(f"{CRS.format(namespace)}/shop")
    eventually(lambda: running.service(namespace, "shop") is None, within=60, what="the service is gone")
    running.create(namespace, "shop", volumes=[disk()])
    running.wait_ready(namespace, "shop")
    rests(running)
    again = claim(running, namespace)
    assert again is not None
    assert again["metadata"]["uid"] == kept["metadata"]["uid"]
    assert again["metadata"]["labels"]["ml.ink/owner-uid"] != kept["metadata"]["labels"]["ml.ink/owner-uid"]


def test_a_disk_grows_where_its_class_can_and_says_so_where_it_cannot(running: Engine, namespace: str) -> None:
    elastic = f"elastic-{namespace}"
    meta = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": elastic}}
    path = f"/apis/storage.k8s.io/v1/storageclasses/{elastic}"
    running.api.apply(path, {**meta, "provisioner": "example.com/none", "allowVolumeExpansion": False})
    running.create(namespace, "shop", volumes=[disk(storageClassName=elastic)])
    running.wait_ready(namespace, "shop")
    storage(running, namespace, elastic)
    change(running, namespace, volumes=[disk(storageClassName=elastic, size="2Gi")], restartedAt="now")
    assert "allowVolumeExpansion" in says(running, namespace, "VolumeNotExpandable")
    annotations = deployment(running, namespace)["spec"]["template"]["metadata"]["annotations"]
    assert annotations["ml.ink/restarted-at"] == "now"
    running.rest(within=20, from_now=True)  # it is not tried again and again
    running.api.merge(path, {"allowVolumeExpansion": True})
    change(running, namespace, restartedAt="again")
    running.wait_ready(namespace, "shop")
    rests(running)
    grown = claim(running, namespace)
    assert grown is not None
    assert grown["spec"]["resources"]["requests"]["storage"] == "2Gi"


AUTOSCALERS = "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers"


def pods_wanted(world: Engine, namespace: str) -> int:
    found: int = deployment(world, namespace)["spec"]["replicas"]
    return found


def test_whoever_scales_an_autoscaled_service_is_not_fought(running: Engine, namespace: str) -> None:
    running.create(namespace, "shop", replicas=3)
    running.wait_ready(namespace, "shop")
    change(running, namespace, autoscaling={"minReplicas": 2, "maxReplicas": 6, "scaleDownCooldown": "10m"})
    running.wait_ready(namespace, "shop")
    rests(running)
    assert pods_wanted(running, namespace) == 3, "the pods that were there are still there"
    autoscaler = running.api.get(f"{AUTOSCALERS.format(namespace)}/shop")
    assert autoscaler["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 600
    scale = f"{DEPLOYMENTS.format(namespace)}/shop/scale"
    running.api.merge(scale, {"spec": {"replicas": 5}})
    running.wait_ready(namespace, "shop")
    rests(running)
    change(running, namespace, restartedAt="now")
    running.wait_ready(namespace, "shop")
    assert pods_wanted(running, namespace) == 5
    running.api.delete(f"{AUTOSCALERS.format(namespace)}/shop")
    eventually(
        lambda: running.api.find(f"{AUTOSCALERS.format(namespace)}/shop"), within=AT_ONCE_SECONDS, what="it is back"
    )
    change(running, namespace, suspend=True)
    says(running, namespace, "Suspended")
    assert pods_wanted(running, namespace) == 0
    assert running.api.get(AUTOSCALERS.format(namespace))["items"] == []
    change(running, namespace, suspend=False)
    running.wait_ready(namespace, "shop")
    rests(running)
    assert pods_wanted(running, namespace) == 3


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_lifetime_ends_by_itself_and_can_be_raised(running: Engine, namespace: str) -> None:
    """The shortest lifetime is a minute; tests/scenarios has the rest of it in no time."""
    running.create(namespace, "shop", ttl="1m", volumes=[disk()])
    running.wait_ready(namespace, "shop")
    running.rest(within=20, from_now=True)
    says(running, namespace, "Expired", within=90)
    for path in (DEPLOYMENTS, "/api/v1/namespaces/{}/services", "/apis/networking.k8s.io/v1/namespaces/{}/ingresses"):
        eventually(lambda path=path: running.api.get(path.format(namespace))["items"] == [], within=20, what=path)  # type: ignore[misc]
    rests(running)
    assert claim(running, namespace) is not None
    change(running, namespace, ttl="1h")
    running.wait_ready(namespace, "shop")
    rests(running)


def test_without_the_sandbox_a_service_says_so(running: Engine, namespace: str) -> None:
    path, meta = "/apis/node.k8s.io/v1/runtimeclasses/gvisor", {"name": "gvisor"}
    running.api.delete(path)
    running.create(namespace, "shop", isolation="GVisor")
    assert "RuntimeClass gvisor" in says(running, namespace, "RuntimeUnavailable")
    assert running.api.get(DEPLOYMENTS.format(namespace))["items"] == []
    sandbox = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": meta, "handler": "runsc"}
    running.api.apply(path, sandbox)
    change(running, namespace, restartedAt="now")
    running.wait_ready(namespace, "shop")
    rests(running)
    pod = deployment(running, namespace)["spec"]["template"]["spec"]
    assert (pod["runtimeClassName"], pod["hostUsers"]) == ("gvisor", False)
