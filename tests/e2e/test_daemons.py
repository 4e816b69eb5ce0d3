"""A buildkitd for each tenant: two tenants build, and neither reaches the other's daemon.

The chart of the running cluster is switched to `builders.shared=false` for this, and back again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e.test_kubectl import service
from support.building import ask_buildkitd
from support.cluster import helm
from support.cluster.kubectl import Json
from support.outside.platform import BUILDS, SAMPLES, SYSTEM, Deployed, Platform, condition
from support.waiting import eventually

pytestmark = [pytest.mark.full, pytest.mark.timeout(1200)]
SPACE = "dp-buildkit"
IDLE_SECONDS = 120
"""Long enough for what one test asks of a daemon that runs."""
CLIENT = ("INK_BUILDKIT_CA", "INK_BUILDKIT_CERT", "INK_BUILDKIT_KEY")
ASK = Path(ask_buildkitd.__file__).read_text()


@dataclass(frozen=True)
class Tenant:
    """A tenant's buildkitd, and what its last build showed it."""

    daemon: str
    client: dict[str, str]

    @property
    def address(self) -> str:
        return f"{self.daemon}.{SPACE}.svc.cluster.local:1234"


def switch(platform: Platform, *, shared: bool) -> None:
    """Another choice for the running release; until the operator that follows it is there."""
    values = [f"--set=builders.shared={str(shared).lower()}", f"--set=builders.idleSeconds={IDLE_SECONDS}"]
    where = [helm.RELEASE, str(helm.CHART), f"--namespace={helm.NAMESPACE}", "--reuse-values"]
    done = helm.run("upgrade", *where, *values, kubeconfig=platform.cluster.kubeconfig)
    assert done.returncode == 0, done.stderr
    rollout = ("rollout", "status", "--timeout=180s")
    platform.kubectl.run(*rollout, "deployment/operator", "-n", SYSTEM, timeout=200)
    if shared:
        platform.kubectl.run(*rollout, "deployment/buildkitd", "-n", SPACE, timeout=200)


@pytest.fixture(scope="module")
def own(platform: Platform) -> Iterator[Platform]:
    switch(platform, shared=False)
    yield platform
    switch(platform, shared=True)
    parts = "statefulsets,services,networkpolicies,secrets"
    platform.kubectl.run("delete", parts, "-n", SPACE, "-l", "ml.ink/component=buildkitd", "--ignore-not-found")


@pytest.fixture(scope="module")
def mine(own: Platform) -> Deployed:
    """A service of the workspace, built by its daemon."""
    return own.deploy(own.name("own"), SAMPLES / "hello-dockerfile")


@pytest.fixture(scope="module")
def theirs(own: Platform, managed: str) -> str:
    """A service of a namespace, which is another tenant; its name."""
    name = own.name("theirs")
    clone = own.repository(name, SAMPLES / "hello-dockerfile")
    clone.push()
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": {"password": clone.token}}
    own.kubectl.apply({**secret, "metadata": {"name": "theirs-git", "namespace": managed}})
    manifest = service(own, managed, name, url=clone.url, auth={"secretRef": {"name": "theirs-git"}})
    own.kubectl.apply(manifest)

    def live() -> bool:
        found = own.kubectl.get("inksvc", name, managed)
        return found is not None and condition(found, "Ready").get("status") == "True"

    eventually(live, within=240, what=f"{name} is live", state=lambda: own.describe(managed, name))
    return name


def tenant_of(platform: Platform, uid: str) -> Tenant:
    """As the last build of a service met it."""
    job = platform.kubectl.list("jobs", BUILDS, f"ml.ink/owner-uid={uid}")[-1]
    secret = platform.kubectl.get("secret", job["metadata"]["name"], BUILDS)
    assert secret is not None
    client = {name: base64.b64decode(secret["data"][name]).decode() for name in CLIENT}
    return Tenant(job["metadata"]["labels"]["ml.ink/daemon"], client)


@pytest.fixture
def tenants(own: Platform, mine: Deployed, theirs: str, managed: str) -> tuple[Tenant, Tenant]:
    resource = own.kubectl.get("inksvc", theirs, managed)
    assert resource is not None
    mine_uid = own.cr(mine.name)["metadata"]["uid"]
    found = tenant_of(own, mine_uid), tenant_of(own, resource["metadata"]["uid"])
    for one in found:
        wake(own, one)
    return found


def wake(platform: Platform, tenant: Tenant) -> None:
    """It may have gone to rest meanwhile; an idle one that somebody starts is stopped again after its time."""
    platform.kubectl.run("scale", f"statefulset/{tenant.daemon}", "-n", SPACE, "--replicas=1")
    platform.kubectl.run("rollout", "status", f"statefulset/{tenant.daemon}", "-n", SPACE, "--timeout=90s")


def tried(platform: Platform, name: str, *, label: str, to: Tenant, by: Tenant) -> str:
    """What a pod in the place of a build is told: labelled as a build of `label`, with the certificate of `by`."""
    (job, *_) = platform.kubectl.list("jobs", BUILDS, "ml.ink/component=build")
    client = {**by.client, "INK_BUILDKIT_CA": to.client["INK_BUILDKIT_CA"]}
    # What gRPC itself says of a refused handshake is of no interest.
    env = {
        "GRPC_VERBOSITY": "NONE",
        "ADDRESS": to.address,
        **{name.removeprefix("INK_BUILDKIT_"): text for name, text in client.items()},
    }
    security = job["spec"]["template"]["spec"]["containers"][0]["securityContext"]
    container = {
        "name": "try",
        "image": job["spec"]["template"]["spec"]["containers"][0]["image"],
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", ASK],
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "securityContext": security,
        "resources": {"limits": {"memory": "256Mi"}},
    }
    spec: Json = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [container]}
    spec["securityContext"] = job["spec"]["template"]["spec"]["securityContext"]
    meta = {"name": name, "namespace": BUILDS, "labels": {"ml.ink/component": "build", "ml.ink/daemon": label}}
    platform.kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    try:
        ended = ("Succeeded", "Failed")
        eventually(
            lambda: (platform.kubectl.get("pod", name, BUILDS) or {}).get("status", {}).get("phase") in ended,
            within=90,
            what=f"{name} ends",
        )
        return platform.kubectl.run("logs", name, "-n", BUILDS).strip()
    finally:
        platform.kubectl.delete("pod", name, BUILDS, wait=False)


def test_each_tenant_builds_with_a_daemon_of_its_own(own: Platform, tenants: tuple[Tenant, Tenant]) -> None:
    assert tenants[0].daemon != tenants[1].daemon
    assert own.kubectl.get("deployment", "buildkitd", SPACE) is None, "the shared one is gone"


def test_a_daemon_refuses_the_certificate_of_another_tenant(own: Platform, tenants: tuple[Tenant, Tenant]) -> None:
    """The network lets this pod through: it is the certificate that does not."""
    mine, theirs = tenants
    said = tried(own, own.name("wrong"), label=theirs.daemon, to=theirs, by=mine)
    assert said.startswith("refused"), said
    assert tried(own, own.name("right"), label=theirs.daemon, to=theirs, by=theirs).startswith("open v")


def test_a_tenants_build_pods_do_not_reach_another_daemon(own: Platform, tenants: tuple[Tenant, Tenant]) -> None:
    """Not even with a certificate that it would take."""
    mine, theirs = tenants
    said = tried(own, own.name("far"), label=mine.daemon, to=theirs, by=theirs)
    assert said.startswith("refused"), said
    assert tried(own, own.name("near"), label=theirs.daemon, to=theirs, by=theirs).startswith("open v")


def test_it_stops_when_idle_and_starts_with_its_cache(own: Platform, mine: Deployed) -> None:
    tenant = tenant_of(own, own.cr(mine.name)["metadata"]["uid"])

    def stopped() -> bool:
        found = own.kubectl.get("statefulset", tenant.daemon, SPACE)
        pods = own.kubectl.list("pods", SPACE, f"ml.ink/daemon={tenant.daemon}")
        return found is not None and found["spec"]["replicas"] == 0 and not pods

    eventually(
        stopped,
        within=IDLE_SECONDS * 3,
        every=1,
        what="it stops",
        state=lambda: json.dumps(own.kubectl.list("sts", SPACE)),
    )
    volume = own.kubectl.get("pvc", f"state-{tenant.daemon}-0", SPACE)
    assert volume is not None
    commit = mine.clone.push("Second version")
    eventually(
        lambda: (
            own.cr(mine.name)["status"].get("commit") == commit
            and condition(own.cr(mine.name), "Ready").get("status") == "True"
        ),
        within=240,
        what="the next version is live",
        state=lambda: own.state_of(mine.name),
    )
    (job, *_) = own.kubectl.list("jobs", BUILDS, f"ml.ink/commit={commit}")
    assert "cached" in own.kubectl.run("logs", f"job/{job['metadata']['name']}", "-n", BUILDS).lower()
    again = own.kubectl.get("pvc", f"state-{tenant.daemon}-0", SPACE)
    assert again is not None
    assert again["metadata"]["uid"] == volume["metadata"]["uid"]


def test_all_of_it_goes_with_the_tenants_last_service(own: Platform, theirs: str, managed: str) -> None:
    resource = own.kubectl.get("inksvc", theirs, managed)
    assert resource is not None
    tenant = tenant_of(own, resource["metadata"]["uid"])
    own.kubectl.run("delete", "inksvc", "--all", "-n", managed, "--timeout=120s")
    kinds = ("statefulset", "service", "networkpolicy", "secret")

    def gone() -> bool:
        parts = [own.kubectl.get(kind, tenant.daemon, SPACE) for kind in kinds]
        return not any(parts) and own.kubectl.get("pvc", f"state-{tenant.daemon}-0", SPACE) is None

    eventually(gone, within=120, every=1, what="nothing of the daemon is left")
