"""An API server in memory: what the operator's port `Cluster` promises, without a server.

`contract.py` says how it behaves, and runs on a real kube-apiserver too. No validation, no admission, no watches; the
only controllers are the garbage collector and that of namespaces, and they act at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from ink_api.group import FIELD_MANAGER_HAND_OVER, FIELD_MANAGER_OPERATOR
from ink_api.reasons import Reason
from ink_operator.core.errors import AlreadyExists, Conflict, Rejected, Terminal, Transient
from ink_operator.core.kinds import (
    CONFIG_MAP,
    CONTROLLER_REVISION,
    CRON_JOB,
    DEPLOYMENT,
    INGRESS,
    INK_DOMAIN,
    INK_RESOURCE,
    INK_SERVICE,
    JOB,
    LEASE,
    LIMIT_RANGE,
    NAMESPACE,
    NETWORK_POLICY,
    ROLE,
    ROLE_BINDING,
    SECRET,
    STATEFUL_SET,
    Kind,
)
from ink_operator.core.objects import Manifest, Ref, ref_of
from support.cluster.ownership import SYSTEM, Manager, Owners, applied, managed_fields, updated

T = TypeVar("T")
OPERATOR, HAND_OVER = FIELD_MANAGER_OPERATOR, FIELD_MANAGER_HAND_OVER
COUNTED = frozenset(
    {DEPLOYMENT, STATEFUL_SET, JOB, CRON_JOB, NETWORK_POLICY, INGRESS, INK_SERVICE, INK_RESOURCE, INK_DOMAIN}
)
"""Kinds with a `generation`."""
WITHOUT_STATUS = frozenset({CONFIG_MAP, SECRET, ROLE, ROLE_BINDING, CONTROLLER_REVISION, LIMIT_RANGE, LEASE})


class Died(BaseException):
    """The process ended here."""


def now() -> str:
    """The time as the API server writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def copied(value: T) -> T:
    """As the API server passes it on: by way of JSON, which also is several times as fast as `copy.deepcopy`."""
    answer: T = orjson.loads(orjson.dumps(value))
    return answer


@lru_cache(maxsize=256)
def _requirements(selector: str) -> tuple[tuple[str, str, frozenset[str]], ...]:
    """(key, operator, values) of each part."""
    found = []
    for part in re.split(r",(?![^(]*\))", selector) if selector else []:
        among = re.fullmatch(r"(\S+) (in|notin) \((.*)\)", part)
        equal = re.fullmatch(r"([^!=]+)(==|=|!=)(.*)", part)
        if among:
            found.append((among[1], among[2], frozenset(among[3].replace(" ", "").split(","))))
        elif equal:
            found.append((equal[1], "notin" if equal[2] == "!=" else "in", frozenset({equal[3]})))
        else:
            found.append((part.lstrip("!"), "absent" if part.startswith("!") else "exists", frozenset()))
    return tuple(found)


def matches(labels: dict[str, str], selector: str) -> bool:
    """Whether a label selector takes an object with these labels."""
    for key, operator, values in _requirements(selector):
        has = key in labels
        fits = {"exists": has, "absent": not has, "in": labels.get(key) in values}.get(operator)
        if not (labels.get(key) not in values if fits is None else fits):
            return False
    return True


def merge_patched(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copied(patch)
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge_patched(out.get(key), value)
    return out


class MemoryCluster:
    """Implements ports.CachedKubernetesApi. `given`: namespaces that are there without an object.

    `die_at`: the write (from 1) at which the operator's process ends, before or after its effect.
    """

    def __init__(self, given: Iterable[str] = ()) -> None:
        self.objects: dict[Ref, Manifest] = {}
        self.writes = 0
        """Calls that may write, whether they change something or not."""
        self.die_at: tuple[int, bool] | None = None
        self.version = 0
        self._given = frozenset(given)
        self._owners: dict[Ref, Owners] = {}
        self._uids = 0

    async def get_fresh(self, ref: Ref) -> Manifest | None:
        return await self.get(ref)

    async def get(self, ref: Ref) -> Manifest | None:
        return copied(self.objects.get(ref))

    async def list(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        found = [
            (ref, live)
            for ref, live in self.objects.items()
            if ref.kind == kind
            and namespace in ("", ref.namespace)
            and matches(live["metadata"].get("labels") or {}, labels)
        ]
        return [copied(live) for _, live in sorted(found, key=lambda one: one[0])]

    async def create(self, manifest: Manifest) -> Manifest:
        return self._written(lambda: self._create(manifest, (OPERATOR, "Update")))

    async def apply(self, manifest: Manifest) -> Manifest:
        return self._written(lambda: self._apply(manifest, OPERATOR))

    async def apply_new(self, manifest: Manifest) -> Manifest:
        """Kube's and not the port's: apply where nothing of the name exists."""
        if ref_of(manifest) in self.objects:
            raise Conflict("exists already")
        return await self.apply(manifest)

    async def hand_over(self, manifest: Manifest) -> Manifest:
        return self._written(lambda: self._apply(manifest, HAND_OVER))

    async def merge_patch(self, ref: Ref, patch: dict[str, Any], *, subresource: str = "") -> Manifest | None:
        if ref not in self.objects:
            return None
        return self._written(lambda: self._patch(ref, patch, OPERATOR, subresource))

    async def delete(self, ref: Ref, *, uid: str | None = None, resource_version: str | None = None) -> None:
        self._written(lambda: self._delete(ref, uid, resource_version))

    def _written(self, act: Callable[[], T]) -> T:
        self.writes += 1
        if self.die_at == (self.writes, False):
            raise Died
        result = act()
        if self.die_at == (self.writes, True):
            raise Died
        return copied(result)

    # what others do ----------------------------------------------------------------------------------------------

    def put(self, manifest: Manifest) -> Manifest:
        """The object is as given from now on, whoever did it. The caller answers for uid, generation and status."""
        ref = ref_of(manifest)
        self.version += 1
        live = copied(manifest)
        live["metadata"]["resourceVersion"] = str(self.version)
        self.objects[ref] = live
        return live

    def edit(self, ref: Ref, patch: dict[str, Any], *, manager: str = "other", subresource: str = "") -> Manifest:
        """A person or a controller changes some fields, and owns them then."""
        return self._patch(ref, patch, manager, subresource)

    def discard(self, ref: Ref) -> None:
        """Somebody deletes it."""
        self._delete(ref)

    # the API server ----------------------------------------------------------------------------------------------

    def _create(self, manifest: Manifest, manager: Manager) -> Manifest:
        ref = ref_of(manifest)
        if ref in self.objects:
            raise AlreadyExists(ref.name)
        self._check_namespace(ref)
        live = copied(manifest)
        self._owners[ref] = updated({}, live, manager, {})
        if ref.kind not in WITHOUT_STATUS:
            live.pop("status", None)
        self._uids += 1
        # Times in the API have whole seconds; what was created later has to be seen as later all the same.
        created = datetime.now(UTC) - timedelta(seconds=900 - self._uids)
        kept = {k: v for k, v in live["metadata"].items() if k in ("name", "namespace") or k not in SYSTEM}
        created_at = created.strftime("%Y-%m-%dT%H:%M:%SZ")
        live["metadata"] = {**kept, "uid": f"uid-{self._uids}", "creationTimestamp": created_at}
        if ref.kind in COUNTED:
            live["metadata"]["generation"] = 1
        return self.put(self._completed(ref, live))

    def _check_namespace(self, ref: Ref) -> None:
        if not ref.kind.namespaced or ref.namespace in self._given:
            return
        namespace = self.objects.get(Ref(NAMESPACE, "", ref.namespace))
        if namespace is None:
            raise Transient(f"the namespace {ref.namespace} does not exist")
        if namespace["metadata"].get("deletionTimestamp"):
            raise Terminal(f"{ref.namespace} is being terminated", reason=Reason.NAMESPACE_TERMINATING)

    def _completed(self, ref: Ref, live: Manifest) -> Manifest:
        """With defaults, as far as the operator reads them back, and with its managers."""
        if ref.kind == DEPLOYMENT:
            live["spec"] = {"replicas": 1, **live["spec"]}
            live["metadata"]["managedFields"] = managed_fields(self._owners.get(ref, {}))
        return live

    def _apply(self, manifest: Manifest, manager: str) -> Manifest:
        ref, wanted = ref_of(manifest), copied(manifest)
        live = self.objects.get(ref)
        if live is None:
            if wanted["metadata"].get("uid"):
                raise Conflict("another object")
            if manager == HAND_OVER:
                raise Rejected("the part that is handed over is no whole object")
            return self._create(manifest, (manager, "Apply"))
        _check_conditions(live, wanted["metadata"])
        after, owners = applied(live, wanted, (manager, "Apply"), self._owners.get(ref, {}))
        return self._store(ref, live, after, owners)

    def _patch(self, ref: Ref, patch: dict[str, Any], manager: str, subresource: str) -> Manifest:
        live = self.objects[ref]
        _check_conditions(live, patch.get("metadata") or {})
        if subresource:
            after = {**live, subresource: merge_patched(live.get(subresource), patch.get(subresource, {}))}
            return self._store(ref, live, after, self._owners.get(ref, {}))
        served = {k: v for k, v in patch.items() if k != "status" or ref.kind in WITHOUT_STATUS}
        after = merge_patched(live, served)
        system = {k: v for k, v in live["metadata"].items() if k in SYSTEM}
        after["metadata"] = {**{k: v for k, v in after["metadata"].items() if k not in SYSTEM}, **system}
        return self._store(ref, live, after, updated(live, after, (manager, "Update"), self._owners.get(ref, {})))

    def _store(self, ref: Ref, before: Manifest, after: Manifest, owners: Owners) -> Manifest:
        """What a write made of an object. One that changes nothing leaves the version as it is."""
        meta = after["metadata"] = dict(after["metadata"])
        finalizers = set(meta.get("finalizers") or ())
        if meta.get("deletionTimestamp") and finalizers - set(before["metadata"].get("finalizers") or ()):
            raise Rejected("metadata.finalizers: no new finalizers can be added if the object is being deleted")
        self._owners[ref] = owners
        after = self._completed(ref, after)
        if ref.kind in COUNTED and _asks_otherwise(ref.kind, before, after):
            meta["generation"] = meta.get("generation", 1) + 1
        if meta.get("deletionTimestamp") and not finalizers:
            self._erase(ref)
            return after
        return before if after == before else self.put(after)

    def _delete(self, ref: Ref, uid: str | None = None, resource_version: str | None = None) -> None:
        live = self.objects.get(ref)
        if live is None:
            return
        _check_conditions(live, {"uid": uid, "resourceVersion": resource_version}, Conflict)
        if not live["metadata"].get("finalizers"):
            self._erase(ref)
        elif not live["metadata"].get("deletionTimestamp"):
            meta = {**live["metadata"], "deletionTimestamp": now()}
            if "generation" in meta:
                meta["generation"] += 1
            self.put({**live, "metadata": meta})

    def _erase(self, ref: Ref) -> None:
        """The object is gone, and with it what belongs to it alone."""
        gone = self.objects.pop(ref)["metadata"].get("uid")
        self._owners.pop(ref, None)
        if ref.kind == NAMESPACE:
            for inner in [r for r in self.objects if r.namespace == ref.name]:
                self._delete(inner)
        for child, live in list(self.objects.items()):
            owners = live["metadata"].get("ownerReferences") or []
            if gone is None or all(owner.get("uid") != gone for owner in owners) or child not in self.objects:
                continue
            others = [owner for owner in owners if owner.get("uid") != gone and self._lives(owner)]
            if others:
                self.put({**live, "metadata": {**live["metadata"], "ownerReferences": others}})
            else:
                self._delete(child)

    def _lives(self, owner: dict[str, Any]) -> bool:
        return any(live["metadata"].get("uid") == owner.get("uid") for live in self.objects.values())


def _check_conditions(live: Manifest, named: dict[str, Any], another: type[Exception] = Rejected) -> None:
    """Raises Conflict when a write names another version, and `another` when it names another object."""
    for part, refusal in (("uid", another), ("resourceVersion", Conflict)):
        if named.get(part) not in (None, live["metadata"].get(part)):
            raise refusal(f"{part} is {live['metadata'].get(part)} and not {named[part]}")


def _asks_otherwise(kind: Kind, before: Manifest, after: Manifest) -> bool:
    """Whether a write asks for something else: any field but metadata and status; of a Deployment also annotations."""
    notes = [live["metadata"].get("annotations") or {} for live in (before, after)]
    if kind == DEPLOYMENT and notes[0] != notes[1]:
        return True
    return any(before.get(k) != after.get(k) for k in {*before, *after} - {"metadata", "status"})
