"""A world for the operator's reconciles: an API server in memory, controllers that act when told, death at any write.

The API server is held to the real one by a suite that runs on both (support/cluster/contract.py).
"""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime
from typing import Any

from ink_api.conditions import Condition, find
from ink_api.inkservice import InkServiceStatus
from ink_operator.clients.sealing import KeyRing
from ink_operator.core.errors import Transient
from ink_operator.core.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    INK_SERVICE,
    JOB,
    NETWORK_POLICY,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
)
from ink_operator.core.memo import Memo, Shared
from ink_operator.core.objects import Key, Manifest, Ref
from ink_operator.inkservice.reconcile import InkServiceController
from ink_operator.ports import Answer, Head, HeadQuestion, Pair, Ports, StoredImage
from ink_operator.settings import Settings
from support.cluster.memory import Died, MemoryCluster, copied, merge_patched, now

COMMIT = "a" * 40
DIGEST = "sha256:" + "d" * 64
FINISHED = "2026-11-21T12:00:30Z"
GOOD = {"ok": True, "digest": DIGEST, "pack": "Dockerfile", "ports": [3000]}


def owned(live: Manifest, owner: Manifest) -> bool:
    """`live` has an owner reference to `owner`."""
    return any(o["uid"] == owner["metadata"]["uid"] for o in live["metadata"].get("ownerReferences") or [])


class BesideImages:
    """Implements ports.Verdicts."""

    def __init__(self) -> None:
        self.before_the_end = 0
        """1: builds that work leave their verdict there before their pod is seen to end. 2: that end is never seen."""
        self.texts: dict[str, str] = {}
        """By the uid of the Job."""

    def early(self, key: Key, repository: str, build: str, uid: str) -> str:
        """What the builder of that Job left."""
        assert repository.rsplit("/", maxsplit=1)[-1] == key.name.split(".")[-1], "only in the service's own repository"
        assert build.startswith("b-")
        return self.texts.get(uid, "")


class Signatures:
    """Implements ports.Certificates, without any."""

    def authority(self, tenant: str) -> str:
        return "authority"

    def server(self, tenant: str, hosts: tuple[str, ...]) -> Pair:
        return Pair("ca", f"server {tenant} {hosts}", "key", "2099-01-01T00:00:00Z")

    def client(self, tenant: str) -> Pair:
        return Pair("ca", f"client {tenant}", "key", "2099-01-01T00:00:00Z")


class World:
    """A cluster, its controllers, and the operator's other neighbours."""

    def __init__(self, spec: dict[str, Any] | None = None, *, owner: str = "", **settings: Any) -> None:
        """`owner`: the namespace of somebody with kubectl in which the service lies; else it is the gateway's."""
        self.settings = Settings(**{"route_settle_seconds": 0.0, "retire_after_seconds": -1.0, **settings})
        self.cluster = MemoryCluster(
            (
                self.settings.namespace,
                self.settings.tenants_namespace,
                self.settings.builds_namespace,
                self.settings.buildkit_namespace,
            )
        )
        self.branch = Head(COMMIT)
        self.stored: StoredImage | None = None
        self.pushed: dict[str, StoredImage] = {}
        self.registry_answers = True
        self.release: dict[str, Any] | None = {"exitCode": 0}
        self.answers = True
        self.verdict: dict[str, Any] | None = GOOD
        self.beside = BesideImages()
        self._unseen: dict[Ref, dict[str, Any]] = {}
        self.pods_become_ready = True
        self.jobs_made: list[str] = []
        self.deleted_repositories: list[str] = []
        self.pruned: list[tuple[frozenset[str], frozenset[str]]] = []
        """Each time: digests and tags that were to be kept."""
        self.die_at_prune = False
        self.awake: list[Key] = []
        self.is_backlogged = False
        self.due: float | None = None
        """When the last pass wants to be called again."""
        self.followed: dict[Key, frozenset[Ref]] = {}
        self.questions: list[HeadQuestion] = []
        self.told: list[Condition] = []
        self.sealing = KeyRing(self.cluster, self.settings.namespace, 1)
        self.shared = Shared(tenancy=Memo(60), without_env=Memo(0), build_gate=asyncio.Lock())
        self.unreported: Memo[datetime] = Memo(600)
        self.key = Key("InkService", owner or "ink-tenants", "web" if owner else "acme.shop.web")
        if owner:
            meta = {"name": owner, "labels": {"ml.ink/managed": "true"}}
            self.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        self.make(self.key, spec or git_spec())

    def make(self, key: Key, spec: dict[str, Any]) -> None:
        """A CR, as the gateway writes it."""
        meta = {"name": key.name, "namespace": key.namespace, "uid": f"cr-{key.name}", "generation": 1}
        self.cluster.put(
            {
                "apiVersion": INK_SERVICE.api_version,
                "kind": INK_SERVICE.kind,
                "metadata": {**meta, "creationTimestamp": now()},
                "spec": spec,
                "status": {"observedGeneration": -1},
            }
        )

    @property
    def ports(self) -> Ports:
        return Ports(
            cluster=self.cluster,
            heads=self,
            registry=self,
            verdicts=self.beside,
            tokens=self,
            certificates=Signatures(),
            sealing=self.sealing,
            prober=self,
            wakeups=self,
            references=self,
            metrics=self,
            events=self,
        )

    async def run(self, key: Key | None = None, failures: int = 0) -> None:
        """One pass, after so many that failed."""
        controller = InkServiceController(self.ports, self.settings, self.shared)
        controller.unreported = self.unreported
        self.due = (await controller.reconcile(key or self.key, failures)).requeue_after_seconds

    async def settle(self, key: Key | None = None, passes: int = 30) -> World:
        """Passes and controllers in turn, until a pass writes nothing."""
        for _ in range(passes):
            before = self.cluster.writes
            await self.run(key)
            acted = self.controllers()
            if self.cluster.writes == before and not acted:
                return self
        raise AssertionError(f"not settled: {self.status.to_wire()}")

    def cr(self, key: Key | None = None) -> Manifest:
        key = key or self.key
        return self.cluster.objects[Ref(INK_SERVICE, key.namespace, key.name)]

    @property
    def status(self) -> InkServiceStatus:
        return InkServiceStatus.model_validate(self.cr().get("status") or {})

    def condition(self, kind: str) -> tuple[str, str]:
        """(status, reason); ("", "") when it is not stated."""
        found = find(self.status.conditions, kind)
        return (found.status, found.reason) if found else ("", "")

    def change(self, **spec: Any) -> None:
        """The user edits the spec; None removes a field."""
        live = copied(self.cr())
        live["spec"] = merge_patched(live["spec"], spec)
        live["metadata"]["generation"] += 1
        self.cluster.put(live)

    def children(self) -> list[str]:
        """Everything but the CR, without what differs from life to life."""
        return sorted(stable(live) for ref, live in self.cluster.objects.items() if ref.kind != INK_SERVICE)

    def of(self, kind: Kind) -> list[Manifest]:
        return [live for ref, live in sorted(self.cluster.objects.items()) if ref.kind == kind]

    def hosts(self) -> list[str]:
        """Hosts that services have now; claims that only keep one for a tenant are left out."""
        claims = [c for c in self.of(CONFIG_MAP) if c["metadata"]["name"].startswith("host-")]
        return sorted(c["data"]["host"] for c in claims if "ml.ink/owner-uid" in c["metadata"]["labels"])

    # controllers -------------------------------------------------------------------------------------------------

    def controllers(self) -> bool:
        """Kubernetes moves one step. Returns whether anything changed."""
        return any([*map(self._job, self.of(JOB)), *map(self._deployment, self.of(DEPLOYMENT))])

    def _job(self, job: Manifest) -> bool:
        name = job["metadata"]["name"]
        if name not in self.jobs_made:
            self.jobs_made.append(name)
        ref = Ref(POD, job["metadata"]["namespace"], f"{name}-x")
        if ref in self.cluster.objects:
            return self._seen_ended(ref)
        if job["metadata"]["labels"]["ml.ink/component"] == "release":
            return self._ended(ref, job, self.release)
        if job["spec"].get("suspend") or self.verdict is None:
            return False
        assert Ref(SECRET, ref.namespace, name) in self.cluster.objects, "the pod would wait for its Secret"
        self._daemon(job)
        verdict = dict(self.verdict)
        if verdict["ok"]:
            verdict["digest"] = digest_of(job["metadata"]["labels"]["ml.ink/commit"])
            variables = {v["name"]: v.get("value", "") for v in job["spec"]["template"]["spec"]["containers"][0]["env"]}
            prefix = variables["INK_IMAGE"].rpartition(":")[2].rpartition("-")[0] + "-"
            label = json.dumps(verdict["config"]) if "config" in verdict else ""
            self.pushed[prefix] = StoredImage(verdict["digest"], tuple(verdict["ports"]), label)
        ended = {"exitCode": 0 if verdict["ok"] else 1, "message": json.dumps(verdict), "finishedAt": now()}
        if self.beside.before_the_end and verdict["ok"]:
            self.beside.texts[job["metadata"]["uid"]] = json.dumps(verdict | {"finished": FINISHED})
            self._unseen[ref] = ended | {"message": self.beside.texts[job["metadata"]["uid"]]}
            return self._ended(ref, job, None)
        return self._ended(ref, job, ended)

    def _seen_ended(self, pod: Ref) -> bool:
        """The kubelet sees that a builder has ended whose verdict is beside its image already."""
        ended = self._unseen.pop(pod, None) if self.beside.before_the_end < 2 else None
        if ended is not None:
            self.cluster.objects[pod]["status"]["containerStatuses"] = [{"state": {"terminated": ended}}]
        return ended is not None

    def _daemon(self, job: Manifest) -> None:
        """A build whose tenant has a buildkitd of its own finds it, and may reach it."""
        name = job["metadata"]["labels"].get("ml.ink/daemon")
        if name is None:
            return
        refs = [Ref(k, self.settings.buildkit_namespace, name) for k in (STATEFUL_SET, SECRET, NETWORK_POLICY, SERVICE)]
        workload, *others = [self.cluster.objects.get(ref) for ref in refs]
        assert workload is not None
        assert workload["spec"]["replicas"] == 1, "the build would wait for its daemon"
        assert None not in others

    def _ended(self, ref: Ref, job: Manifest, terminated: dict[str, Any] | None) -> bool:
        """The Job's pod has come to its end; None: it runs on."""
        labels = {**job["metadata"]["labels"], "batch.kubernetes.io/job-name": job["metadata"]["name"]}
        state = {"terminated": terminated} if terminated is not None else {"running": {"startedAt": now()}}
        self._pod(ref, job, labels, {"containerStatuses": [{"state": state}]})
        return True

    def end_release(self, exit_code: int, message: str = "") -> None:
        """Release commands that run come to their end."""
        self.release = {"exitCode": exit_code, "message": message}
        for pod in self.of(POD):
            if pod["metadata"]["labels"].get("ml.ink/component") == "release":
                pod["status"]["containerStatuses"] = [{"state": {"terminated": self.release}}]

    def _deployment(self, deployment: Manifest) -> bool:
        space, name = deployment["metadata"]["namespace"], deployment["metadata"]["name"]
        template, wanted = deployment["spec"]["template"], deployment["spec"]["replicas"]
        revision = template["metadata"]["labels"]["ml.ink/revision"]
        pods = {Ref(POD, space, f"{name}-{revision}-{i}") for i in range(wanted)}
        mine = {r for r, live in self.cluster.objects.items() if r.kind == POD and owned(live, deployment)}
        old = mine - pods
        missing = pods - set(self.cluster.objects)
        for ref in missing:
            self._pod(ref, deployment, template["metadata"]["labels"], self._running())
        if self.pods_become_ready:
            for ref in old:
                del self.cluster.objects[ref]
        ready = wanted if self.pods_become_ready else 0
        counts = {"replicas": wanted, "updatedReplicas": wanted, "readyReplicas": ready, "availableReplicas": ready}
        status = {"observedGeneration": deployment["metadata"]["generation"], **counts}
        if deployment.get("status") == status:
            return bool(missing)
        self.cluster.put({**deployment, "status": status})
        return True

    def _running(self) -> dict[str, Any]:
        ready = "True" if self.pods_become_ready else "False"
        return {
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": now()}],
            "containerStatuses": [{"state": {"running": {"startedAt": now()}}, "restartCount": 0}],
        }

    def _pod(self, ref: Ref, owner: Manifest, labels: dict[str, str], status: dict[str, Any]) -> None:
        meta = {
            "name": ref.name,
            "namespace": ref.namespace,
            "labels": labels,
            "creationTimestamp": now(),
            "uid": f"pod-{ref.name}",
            "ownerReferences": [{"uid": owner["metadata"]["uid"]}],
        }
        spec = {"containers": [{"image": "x"}]}
        self.cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status})

    # neighbours --------------------------------------------------------------------------------------------------

    async def head(self, question: HeadQuestion) -> Head:
        self.questions.append(question)
        return self.branch

    async def find(self, repository: str, tag_prefix: str) -> StoredImage | None:
        if not self.registry_answers:
            raise Transient("the registry does not answer")
        return self.stored or self.pushed.get(tag_prefix)

    async def delete_repository(self, repository: str) -> None:
        self.deleted_repositories.append(repository)

    async def prune(self, repository: str, digests: frozenset[str], tags: frozenset[str]) -> None:
        if not self.registry_answers:
            raise Transient("the registry does not answer")
        self.pruned.append((digests, tags))
        if self.die_at_prune:
            raise Died
        self.pushed = {prefix: image for prefix, image in self.pushed.items() if image.digest in digests}

    def git_read(self, repository: str, tenant: str) -> str:
        return f"mlg_{repository}"

    def registry(self, repository: str, *actions: str) -> str:
        return f"token-{repository}"

    async def probe(self, host: str, path: str, *, healthy_only: bool, memo: str) -> Answer:
        return Answer(self.answers, "status 200" if self.answers else "the ingress gave no answer")

    def add(self, key: Key, after_seconds: float = 0.0) -> None:
        self.awake.append(key)

    def follow(self, key: Key, refs: frozenset[Ref]) -> None:
        self.followed[key] = refs

    def api_call(self, verb: str, resource: str, code: str) -> None:
        """Not counted here."""

    def build_ended(self, result: str) -> None:
        """Not counted here."""

    def went_live(self, seconds: float) -> None:
        """Not counted here."""

    def record(self, kind: Kind, owner: Manifest, before: list[Condition], after: list[Condition]) -> None:
        self.told += after


def digest_of(commit: str) -> str:
    """Each commit has an image of its own."""
    return "sha256:" + commit[:1] * 64


def git_spec(**more: Any) -> dict[str, Any]:
    """A service from Ink's own git."""
    git = {"url": "https://git.localhost:8443/acme/web.git", "branch": "main", "auth": {"internal": {}}}
    return {"source": {"git": git}, "replicas": 1, **more}


VOLATILE = ("uid", "resourceVersion", "creationTimestamp", "generation", "ownerReferences")


def stable(live: Manifest) -> str:
    """The object as text, without what names one life of it."""
    meta = {k: v for k, v in live["metadata"].items() if k not in VOLATILE}
    kept = {k: v for k, v in live.items() if k not in ("metadata", "status")}
    text = json.dumps({**kept, "metadata": meta}, sort_keys=True)
    return re.sub(r'("(?:started|finished|ml.ink/released-at)": )"[^"]*"', r'\1"TIME"', text)
