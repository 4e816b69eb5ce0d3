"""What is made of a spec. The golden file is reviewed as a diff; INK_GOLDEN=write writes it anew."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ink_api.inkservice import Autoscaling, BuildStatus, Release
from ink_api.inkservice.workload import DEFAULT_CPU, DEFAULT_MEMORY
from ink_operator.inkservice.desired.buildjob import SECRET_KEYS, make_job, make_secret
from ink_operator.inkservice.desired.namespace import set_up
from ink_operator.inkservice.desired.network import make_claim, make_ingress, make_service
from ink_operator.inkservice.desired.policy import make_policies
from ink_operator.inkservice.desired.releasejob import make_release_job
from ink_operator.inkservice.desired.revision import make_revision
from ink_operator.inkservice.desired.storage import make_volume_claim
from ink_operator.inkservice.desired.workload import make_autoscaler, make_cron_job, make_deployment
from ink_operator.inkservice.facts.effective import default_requests, ports_of, public_port, resources_of
from ink_operator.inkservice.facts.ownership import volumes_of
from ink_operator.inkservice.facts.source import build_plan
from ink_operator.inkservice.model import Revision, Running, ServiceContext, StartBuild
from ink_operator.settings import parse_settings
from unit.operator.inkservice.making import IDENTITY, SETTINGS, service

GOLDEN = Path(__file__).parent / "golden.yaml"
IMAGE = "registry.dp-system.svc.cluster.local:5000/acme/shop/web@sha256:" + "d" * 64
RUNNING = Running(IMAGE, 3000, "a" * 40, "k" * 20)
REVISION = Revision("web-0123456789", 1, "t" * 16, RUNNING, BuildStatus(id="b-k-1", reason="Built"))
TENTH = default_requests(DEFAULT_CPU, DEFAULT_MEMORY)


def everything() -> list[dict[str, Any]]:
    one = service(env=[{"name": "B", "value": "2"}, {"name": "A", "value": "1"}])
    stored = service(volumes=[{"name": "data", "mountPath": "/data", "size": "1Gi"}])
    ports = ports_of(one, 3000)
    start = StartBuild(build_plan(one, IDENTITY, "a" * 40), 1, no_cache=False)
    deployed = make_deployment(one, IDENTITY, RUNNING, SETTINGS)
    return [
        *set_up(IDENTITY, True, SETTINGS),
        *make_policies(IDENTITY.namespace, True, SETTINGS),
        make_job(ServiceContext(one, IDENTITY, SETTINGS), start, suspend=False),
        deployed,
        make_revision(one, IDENTITY, REVISION),
        make_release_job(one, IDENTITY, REVISION, Release(command=["migrate"]), deployed),
        make_cron_job(service(cron={"schedule": "*/5 * * * *"}), IDENTITY, RUNNING, SETTINGS),
        *(make_volume_claim(stored, IDENTITY, volume, volume.size) for volume in volumes_of(stored)),
        make_deployment(stored, IDENTITY, RUNNING, SETTINGS),
        make_autoscaler(one, IDENTITY, Autoscaling(max_replicas=3)),
        make_service(one, IDENTITY, ports),
        make_ingress(one, IDENTITY, "web.apps.localhost", ports[0], SETTINGS),
        make_claim(one, IDENTITY, "web.apps.localhost", SETTINGS),
    ]


def test_the_manifests_are_those_of_the_golden_file() -> None:
    text = yaml.safe_dump_all(everything(), sort_keys=True, width=140)
    if os.environ.get("INK_GOLDEN") == "write":
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def container(one: Any, running: Running = RUNNING) -> dict[str, Any]:
    found: dict[str, Any] = make_deployment(one, IDENTITY, running, SETTINGS)["spec"]["template"]["spec"]["containers"][
        0
    ]
    return found


def test_port_is_set_unless_the_user_sets_it() -> None:
    assert {"name": "PORT", "value": "3000"} in container(service())["env"]
    own = container(service(env=[{"name": "PORT", "value": "9"}]))["env"]
    assert own == [{"name": "PORT", "value": "9"}]


def test_a_worker_has_no_port_no_probe_and_settles_before_it_counts() -> None:
    worker = service(ports=[])
    assert not {"ports", "readinessProbe", "startupProbe"} & set(container(worker))
    assert make_deployment(worker, IDENTITY, RUNNING, SETTINGS)["spec"]["minReadySeconds"] == 10


def test_a_pod_drains_before_it_is_told_to_stop_and_has_its_time_after_that() -> None:
    def left(**spec: Any) -> tuple[int | None, int]:
        template = make_deployment(service(**spec), IDENTITY, RUNNING, SETTINGS)["spec"]["template"]["spec"]
        hook = template["containers"][0].get("lifecycle")
        return hook and hook["preStop"]["sleep"]["seconds"], template["terminationGracePeriodSeconds"]

    assert left() == (5, 35)
    assert left(drain={"preStop": "20s", "terminationGracePeriod": "2m"}) == (20, 140)
    assert left(drain={"preStop": "0s"}) == (None, 30)
    assert left(ports=[]) == (None, 30)
    assert left(ports=[], drain={"preStop": "7s"}) == (7, 37)


def test_a_pod_is_restarted_by_its_health_only_if_asked() -> None:
    assert "livenessProbe" not in container(service(health={"path": "/up"}))
    asked = container(service(health={"path": "/up", "interval": "9s", "restartOnFailure": True}))
    assert asked["livenessProbe"] == asked["readinessProbe"]
    assert asked["livenessProbe"]["periodSeconds"] == 9


def test_a_start_is_seen_when_it_happens() -> None:
    def looks(**health: Any) -> tuple[bool, int, int]:
        """Whether another probe comes first; then seconds between two looks, and failures that count."""
        found = container(service(**({"health": health} if health else {})))
        ready = found["readinessProbe"]
        return "startupProbe" in found, ready["periodSeconds"], ready["failureThreshold"]

    assert looks() == looks(type="TCP", port=9) == (False, 1, 15)
    # Pages are fetched less often, and what is asked for counts.
    assert looks(path="/up") == (True, 5, 3)
    assert looks(path="/up", interval="1s") == (False, 1, 3)
    assert looks(type="TCP", interval="20s") == (True, 20, 3)
    assert looks(type="TCP", failureThreshold=2) == (True, 5, 2)
    # A restart must not come before the first success, however long that takes.
    assert looks(type="TCP", restartOnFailure=True) == (True, 5, 3)
    assert looks(path="/up", interval="1s", restartOnFailure=True) == (True, 1, 3)


def test_every_port_is_reached_by_the_service_and_the_public_one_by_the_ingress() -> None:
    one = service(
        ports=[
            {"name": "metrics", "port": 9090, "visibility": "Private"},
            {"name": "http", "port": 3000},
            {"name": "feed", "port": 5000, "protocol": "TCP", "visibility": "Private"},
        ]
    )
    ports = ports_of(one, 1)
    made = make_service(one, IDENTITY, ports)["spec"]["ports"]
    assert [(p["name"], p["port"], p["targetPort"]) for p in made] == [
        ("metrics", 9090, 9090),
        ("http", 3000, 3000),
        ("feed", 5000, 5000),
    ]
    assert [p["containerPort"] for p in container(one)["ports"]] == [9090, 3000, 5000]
    public = public_port(ports)
    assert public is not None
    (rule,) = make_ingress(one, IDENTITY, "web.apps.localhost", public, SETTINGS)["spec"]["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"]["port"] == {"number": 3000}


def revision(one: Any, running: Running = RUNNING) -> str:
    found: str = make_deployment(one, IDENTITY, running, SETTINGS)["metadata"]["annotations"]["ml.ink/revision"]
    return found


def test_scaling_makes_no_revision_and_a_restart_does() -> None:
    assert revision(service()) == revision(service(replicas=3))
    assert revision(service()) != revision(service(restartedAt="now"))
    assert revision(service()) != revision(service(), Running(IMAGE.replace("d", "e"), 3000))


@pytest.mark.parametrize(
    ("resources", "cpu", "memory"),
    [
        (None, (TENTH["cpu"], DEFAULT_CPU), (TENTH["memory"], DEFAULT_MEMORY)),
        ({"limits": {"cpu": "2", "memory": "1Gi"}}, ("200m", "2"), ("102Mi", "1Gi")),
        ({"requests": {"cpu": "1", "memory": "1Gi"}}, ("1", "1"), ("1Gi", "1Gi")),
    ],
)
def test_requests_never_exceed_limits(resources: Any, cpu: tuple[str, str], memory: tuple[str, str]) -> None:
    made = resources_of(service(resources=resources))
    assert (made["requests"]["cpu"], made["limits"]["cpu"]) == cpu
    assert (made["requests"]["memory"], made["limits"]["memory"]) == memory


def test_no_secret_is_in_the_job() -> None:
    one = service()
    context, start = (
        ServiceContext(one, IDENTITY, SETTINGS),
        StartBuild(build_plan(one, IDENTITY, "a" * 40), 1, no_cache=False),
    )
    secrets = {key: f"secret-of-{key}" for key in SECRET_KEYS}
    assert "secret-of" not in str(make_job(context, start, suspend=False))
    assert make_secret(context, start, secrets, "uid")["stringData"] == secrets


def test_policies_in_an_owners_namespace_touch_only_ink_pods() -> None:
    for policy in make_policies("team", False, SETTINGS):
        assert policy["spec"]["podSelector"]["matchExpressions"][0]["key"] == "ml.ink/service"


def test_a_build_is_told_the_platforms_base_images() -> None:
    start = StartBuild(build_plan(service(), IDENTITY, "a" * 40), 1, no_cache=False)

    def told(listed: str) -> list[str]:
        settings = replace(SETTINGS, base_images=parse_settings({"INK_BASE_IMAGES": listed}).base_images)
        job = make_job(ServiceContext(service(), IDENTITY, settings), start, suspend=False)
        env = job["spec"]["template"]["spec"]["containers"][0]["env"]
        return [pair["value"] for pair in env if pair["name"] == "INK_BASE_IMAGES"]

    assert told("{}") == told("") == [], "the publishers' own need no saying"
    assert told('{"go": {}}') == ['{"go": {}}']
    with pytest.raises(ValueError, match="INK_BASE_IMAGES"):
        parse_settings({"INK_BASE_IMAGES": "[]"})


def test_a_build_is_told_what_images_get_beside_their_layers() -> None:
    names = ("INK_SCAN_IMAGE", "INK_SBOM_GENERATOR", "INK_PROVENANCE", "INK_REGISTRY_CACHE", "INK_PLATFORM")
    start = StartBuild(build_plan(service(), IDENTITY, "a" * 40), 1, no_cache=False)

    def told(environ: dict[str, str]) -> dict[str, str]:
        asked = parse_settings(environ)
        fields = ("scan_image", "sbom_generator", "build_provenance", "build_registry_cache", "build_platform")
        settings = replace(SETTINGS, **{name: getattr(asked, name) for name in fields})
        job = make_job(ServiceContext(service(), IDENTITY, settings), start, suspend=False)
        env = job["spec"]["template"]["spec"]["containers"][0]["env"]
        return {pair["name"]: pair["value"] for pair in env if pair["name"] in names}

    off = {"INK_SCAN_IMAGE": "off", "INK_BUILD_PROVENANCE": "off", "INK_BUILD_REGISTRY_CACHE": "false"}
    assert told(off) == told({}) == {}
    chosen = {
        "INK_SCAN_IMAGE": "block",
        "INK_SBOM_GENERATOR": "scanner:1",
        "INK_BUILD_PROVENANCE": "max",
        "INK_BUILD_REGISTRY_CACHE": "true",
        "INK_BUILD_PLATFORM": "linux/arm64",
    }
    assert told(chosen) == dict(zip(names, ("block", "scanner:1", "max", "1", "linux/arm64"), strict=True))
