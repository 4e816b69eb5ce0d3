"""How the operator scales: many workers on simulated nodes (kwok), compared with raw server-side applies.

`.venv/bin/python bench/scale.py 250 1000` starts a separate control plane for each measurement and prints a table;
`--json` prints the figures. All sides use the same HTTP client, the same concurrency, and the same children; all are
done when every Deployment is. `--floor` measures a third side: the raw applies, and the writes of the InkService that
no controller can avoid (its creation, a finalizer, two statuses), without any logic in between. Figures depend on the
machine: compare the columns of one run, not two runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("install", "local", "crds", "operator", "mcp_gateway", "tests")]

import yaml
from ink_api.group import LABEL_SERVICE
from ink_api.inkservice import InkService
from ink_api.inkservice.workload import DEFAULT_CPU, DEFAULT_MEMORY
from ink_api.names import identity_of
from ink_artifacts import go_programs
from ink_artifacts.progress import ProgressPrinter
from ink_operator.clients.kube import Kube, configure
from ink_operator.core.errors import InkError
from ink_operator.core.kinds import DEPLOYMENT, INK_SERVICE, Kind
from ink_operator.core.objects import Manifest, Ref, condition_of
from ink_operator.inkservice import names
from ink_operator.inkservice.desired.namespace import set_up
from ink_operator.inkservice.desired.policy import make_policies
from ink_operator.inkservice.desired.revision import make_revision
from ink_operator.inkservice.desired.workload import make_deployment
from ink_operator.inkservice.model import Revision, Running
from ink_operator.settings import Settings
from support.cluster import crds
from support.cluster.control_plane import ControlPlane, running
from support.cluster.kube_api import managed_namespace
from support.operating.engine import IMAGE, install
from support.operating.process import OperatorProcess

SERVICES_A_NAMESPACE = 50
PODS_A_NODE = 300
WORKERS = Settings().workers
CONVERGES_SECONDS = 1800.0
REST_SECONDS = 60.0
COLUMNS = (
    "services",
    "raw applies",
    "with the InkService's writes",
    "Ink",
    "Ink / raw",
    "resident, most",
    "reads a service",
    "writes a service",
    "CPU of the operator",
    f"at rest, {REST_SECONDS:.0f} s: CPU, calls, writes",
    "load",
)


@dataclass
class Figures:
    """One row. Times in seconds, memory in MiB; `load`: of the machine, before each measurement."""

    services: int
    raw_seconds: float = 0.0
    floor_seconds: float = math.nan
    ink_seconds: float = 0.0
    resident: float = 0.0
    resident_most: float = 0.0
    calls: dict[str, float] = field(default_factory=dict)
    by_resource: dict[str, float] = field(default_factory=dict)
    cpu: float = 0.0
    rest_cpu: float = 0.0
    rest_calls: float = 0.0
    rest_writes: float = 0.0
    load: list[float] = field(default_factory=list)

    def row(self) -> str:
        reads = self.calls.get("GET", 0.0)
        writes = sum(self.calls.values()) - reads
        rest = f"{self.rest_cpu:.1f} s, {self.rest_calls:.0f}, {self.rest_writes:.0f}"
        ratio = self.ink_seconds / self.raw_seconds if self.raw_seconds else math.nan
        floor = "" if math.isnan(self.floor_seconds) else f"{self.floor_seconds:.1f} s"
        return (
            f"| {self.services:,} | {self.raw_seconds:.1f} s | {floor} | {self.ink_seconds:.1f} s "
            f"| {ratio:.2f} "
            f"| {self.resident_most:.0f} MiB | {reads / self.services:.1f} | {writes / self.services:.1f} "
            f"| {self.cpu:.1f} s | {rest} | {', '.join(f'{one:.1f}' for one in self.load)} |"
        )


class Free:
    """A benchmark needs no lease and no metrics."""

    def check(self) -> None:
        """Always."""

    def api_call(self, verb: str, resource: str, code: str) -> None:
        """Not counted."""

    def build_ended(self, result: str) -> None:
        """Not counted."""

    def went_live(self, seconds: float) -> None:
        """Not counted."""


def namespaces(count: int) -> list[str]:
    return [f"bench-{number}" for number in range(math.ceil(count / SERVICES_A_NAMESPACE))]


def resources(count: int) -> list[Manifest]:
    """The services: workers from an image."""
    homes = namespaces(count)
    spec = {"source": {"image": {"ref": IMAGE}}, "ports": []}
    return [
        {
            "apiVersion": INK_SERVICE.api_version,
            "kind": INK_SERVICE.kind,
            "metadata": {"name": f"w{number}", "namespace": homes[number % len(homes)]},
            "spec": spec,
        }
        for number in range(count)
    ]


def children(count: int) -> list[Manifest]:
    """The children that the operator would create for them."""
    settings = Settings()
    made = [m for home in namespaces(count) for m in set_up(identity_of(home, "x", "ink-tenants"), False, settings)]
    made += [m for home in namespaces(count) for m in make_policies(home, False, settings)]
    for raw in resources(count):
        meta = {**raw["metadata"], "uid": "0", "generation": 1}
        service = InkService.model_validate({"metadata": meta, "spec": raw["spec"]})
        identity = identity_of(meta["namespace"], meta["name"], settings.tenants_namespace)
        running_now = Running(IMAGE, 8080)
        deployment = make_deployment(service, identity, running_now, settings)
        template = deployment["metadata"]["annotations"][names.ANNOTATION_REVISION]
        revision = Revision(names.revision(identity, template, None), 1, template, running_now)
        for child in (deployment, make_revision(service, identity, revision)):
            child["metadata"].pop("ownerReferences", None)
            made.append(child)
    return made


@contextmanager
def pretending(plane: ControlPlane, count: int) -> Iterator[None]:
    """Nodes for this many pods, kwok to simulate them, and the scheduler, which a control plane alone does not have."""
    for number in range(math.ceil(count * 1.2 / PODS_A_NODE) + 1):
        name = f"kwok-{number}"
        room = {"cpu": "1000", "memory": "4000Gi", "pods": str(PODS_A_NODE)}
        meta = {"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"}}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": meta, "status": {"allocatable": room, "capacity": room}}
        plane.api.create("/api/v1/nodes", node)
    programs = go_programs.ensure(("kwok", "kube"), ProgressPrinter())
    config = f"--kubeconfig={plane.kubeconfig}"
    kwok = [
        str(programs["kwok"]),
        config,
        f"--config={ROOT / 'bench' / 'kwok.yaml'}",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--node-lease-duration-seconds=40",
    ]
    scheduler = [
        str(programs["kube-scheduler"]),
        config,
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=300",
        "--kube-api-burst=600",
    ]
    with tempfile.TemporaryFile() as log:
        daemons = [subprocess.Popen(argv, stdout=log, stderr=log) for argv in (kwok, scheduler)]
        try:
            yield
        finally:
            for daemon in daemons:
                daemon.terminate()
                daemon.wait(timeout=20)


async def all_of(work: list[Any]) -> None:
    """Run coroutines, as many at a time as the operator has workers."""
    places = asyncio.Semaphore(WORKERS)

    async def one(call: Any) -> None:
        async with places:
            await call

    await asyncio.gather(*(one(call) for call in work))


async def until(kube: Kube, kind: Kind, count: int, done: Any) -> None:
    """Watch a kind until this many of its objects are done."""
    finished: set[tuple[str, str]] = set()
    version = "0"
    while len(finished) < count:
        with suppress(InkError):
            async for event in kube.watch(kind, "", "", version):
                live = event["object"]
                if event["type"] in ("ADDED", "MODIFIED") and done(live):
                    finished.add((live["metadata"]["namespace"], live["metadata"]["name"]))
                    if len(finished) >= count:
                        return


def available(deployment: Manifest) -> bool:
    status = deployment.get("status") or {}
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    return seen and status.get("availableReplicas", 0) >= deployment["spec"]["replicas"]


def deployed(service: Manifest) -> bool:
    return (condition_of(service, "Deployed") or {}).get("status") == "True"


@contextmanager
def fresh(name: str, count: int) -> Iterator[ControlPlane]:
    """A control plane with Ink's kinds, namespaces and nodes."""
    with running(name, "--control-plane-only") as plane:
        crds.install(plane.kubectl)
        install(plane)
        for home in namespaces(count):
            managed_namespace(plane.api, home)
        with pretending(plane, count):
            yield plane


async def raw(plane: ControlPlane, count: int) -> float:
    """Seconds until the same children are applied and available."""
    kube = Kube(await configure(str(plane.kubeconfig)), Free(), Free())
    wanted = children(count)
    began = time.monotonic()
    async with asyncio.timeout(CONVERGES_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(until(kube, DEPLOYMENT, count, available))
        group.create_task(all_of([kube.apply(manifest) for manifest in wanted]))
    took = time.monotonic() - began
    await kube.close()
    return took


def made_up_status(service: Manifest, status: str) -> Manifest:
    """A status of realistic size; its content does not matter."""
    said = {"status": status, "reason": "Deploying", "message": "The new revision is being rolled out."}
    at = {"observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"}
    kinds = ("Available", "Built", "Deployed", "Ready", "Reconciling", "Released", "Routed", "SourceResolved")
    name, home = service["metadata"]["name"], service["metadata"]["namespace"]
    return {
        "observedGeneration": 1,
        "conditions": [{"type": kind, **said, **at} for kind in kinds],
        "effective": {"ports": [], "resources": {"limits": {"cpu": DEFAULT_CPU, "memory": DEFAULT_MEMORY}}},
        "image": IMAGE,
        "namespace": home,
        "revisions": [{"active": True, "image": IMAGE, "name": f"{name}-1", "number": 1}],
        "selector": f"ml.ink/component=app,ml.ink/service={name}",
    }


async def floor(plane: ControlPlane, count: int) -> float:
    """Seconds until the same children are applied and available, and an InkService reports each of them."""
    kube = Kube(await configure(str(plane.kubeconfig)), Free(), Free())
    services = {(s["metadata"]["namespace"], s["metadata"]["name"]): s for s in resources(count)}
    mine: dict[tuple[str, str], list[Manifest]] = {place: [] for place in services}
    shared = []
    for child in children(count):
        place = child["metadata"].get("namespace", ""), child["metadata"].get("labels", {}).get(LABEL_SERVICE, "")
        mine.get(place, shared).append(child)
    up: dict[tuple[str, str], asyncio.Event] = {place: asyncio.Event() for place in services}

    async def one(place: tuple[str, str]) -> None:
        await kube.create(services[place])
        ref = Ref(INK_SERVICE, *place)
        await kube.merge_patch(ref, {"metadata": {"finalizers": ["ml.ink/bench"]}})
        for child in mine[place]:
            await kube.apply(child)
        await kube.merge_patch(ref, {"status": made_up_status(services[place], "Unknown")}, subresource="status")

    async def other(place: tuple[str, str]) -> None:
        await up[place].wait()
        status = made_up_status(services[place], "True")
        await kube.merge_patch(Ref(INK_SERVICE, *place), {"status": status}, subresource="status")

    def told(deployment: Manifest) -> bool:
        if available(deployment):
            up[deployment["metadata"]["namespace"], deployment["metadata"]["name"]].set()
            return True
        return False

    began = time.monotonic()
    async with asyncio.timeout(CONVERGES_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(until(kube, DEPLOYMENT, count, told))
        await all_of([kube.apply(manifest) for manifest in shared])
        group.create_task(all_of([one(place) for place in services]))
        for place in services:
            group.create_task(other(place))
    took = time.monotonic() - began
    await kube.close()
    return took


async def ink(plane: ControlPlane, count: int) -> float:
    """Seconds until the operator has done the same."""
    kube = Kube(await configure(str(plane.kubeconfig)), Free(), Free())
    began = time.monotonic()
    async with asyncio.timeout(CONVERGES_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(until(kube, INK_SERVICE, count, deployed))
        group.create_task(all_of([kube.create(manifest) for manifest in resources(count)]))
    took = time.monotonic() - began
    await kube.close()
    return took


def operators_kubeconfig(plane: ControlPlane, folder: Path) -> Path:
    """The operator's own identity and rights."""
    accounts = "/api/v1/namespaces/dp-system/serviceaccounts"
    plane.api.create(accounts, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "operator"}})
    token = plane.api.create(f"{accounts}/operator/token", {"spec": {"expirationSeconds": 36000}})["status"]["token"]
    config = yaml.safe_load(plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def calls(operator: OperatorProcess) -> dict[str, float]:
    """The operator's own calls so far, by verb."""
    return {
        verb: operator.metric("ink_api_calls_total", f'verb="{verb}"') for verb in ("GET", "POST", "PATCH", "DELETE")
    }


def by_resource(operator: OperatorProcess) -> dict[str, float]:
    """The same, by verb and resource."""
    found = re.findall(r'ink_api_calls_total\{code="\w+",resource="(\w+)",verb="(\w+)"\} (\S+)', operator.metrics)
    sums: Counter[str] = Counter()
    for resource, verb, value in found:
        sums[f"{verb} {resource}"] += float(value)
    return dict(sums.most_common())


def measure(count: int, name: str, *, with_floor: bool) -> Figures:
    """One row of the table."""
    figures = Figures(count)
    figures.load.append(os.getloadavg()[0])
    with fresh(name, count) as plane:
        figures.raw_seconds = asyncio.run(raw(plane, count))
    if with_floor:
        with fresh(name, count) as plane:
            figures.floor_seconds = asyncio.run(floor(plane, count))
    figures.load.append(os.getloadavg()[0])
    with fresh(name, count) as plane, tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "operator.log"
        operator = OperatorProcess(
            operators_kubeconfig(plane, Path(folder)), log, INK_LEASE_SECONDS="", INK_LOG_LEVEL="WARNING"
        )
        operator.start()
        try:
            while operator.metric("ink_leader") != 1:
                time.sleep(0.1)
            figures.ink_seconds = asyncio.run(ink(plane, count))
            time.sleep(15)
            figures.calls, figures.by_resource = calls(operator), by_resource(operator)
            figures.cpu = operator.cpu_seconds
            figures.resident, figures.resident_most = operator.resident_mib
            rest(operator, figures)
        except BaseException:
            print(operator.tail(40), file=sys.stderr)
            raise
        finally:
            operator.end()
    return figures


def rest(operator: OperatorProcess, figures: Figures) -> None:
    """The operator's work when there is nothing to do."""
    cpu, before = operator.cpu_seconds, calls(operator)
    time.sleep(REST_SECONDS)
    after = calls(operator)
    figures.rest_cpu = operator.cpu_seconds - cpu
    figures.rest_calls = sum(after.values()) - sum(before.values())
    figures.rest_writes = sum(after[verb] - before[verb] for verb in after if verb != "GET")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("services", type=int, nargs="*", default=[250, 1000], help="numbers of services, one row each")
    parser.add_argument("--name", default="bench", help="name of the control plane")
    parser.add_argument("--floor", action="store_true", help="measure the third side as well")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    if not options.json:
        print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}")
    for count in options.services:
        figures = measure(count, options.name, with_floor=options.floor)
        rows.append(asdict(figures))
        if not options.json:
            print(figures.row(), flush=True)
    if options.json:
        print(json.dumps(rows, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
