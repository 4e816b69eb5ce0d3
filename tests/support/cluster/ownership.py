"""Which manager has set which field, as server-side apply keeps it; pure.

Lists are merged by key where Kubernetes' own kinds say so, and replaced as a whole elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

Json = dict[str, Any]
Path = tuple[str, ...]
"""Steps as `fieldsV1` writes them: `f:spec`, `k:{"name":"app"}`, `v:"a-finalizer"`."""
Manager = tuple[str, str]
"""Its name, and how it wrote: `Apply` or `Update`."""
Owners = dict[Manager, frozenset[Path]]

KEYS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "volumeMounts": ("mountPath",),
    "ownerReferences": ("uid",),
}
SETS = frozenset({"finalizers"})
SYSTEM = frozenset({"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp"}) | {
    "deletionTimestamp",
    "managedFields",
}
"""Fields of the metadata that the API server alone writes."""


def keys_of(name: str, items: list[Any]) -> list[str] | None:
    """What tells the items of a list apart, one step each; None: the list is one value."""
    if name in SETS:
        return [f"v:{json.dumps(item)}" for item in items]
    if name == "ports" and all(isinstance(item, dict) for item in items):
        port = next((p for p in ("containerPort", "port") if all(p in item for item in items)), None)
        return None if port is None else [_key({port: i[port], "protocol": i.get("protocol", "TCP")}) for i in items]
    if name not in KEYS or not all(isinstance(item, dict) and KEYS[name][0] in item for item in items):
        return None
    return [_named(KEYS[name][0], item[KEYS[name][0]]) for item in items]


@lru_cache(maxsize=4096)
def _named(part: str, value: str) -> str:
    return _key({part: value})


def _key(parts: Json) -> str:
    return f"k:{json.dumps(parts, sort_keys=True, separators=(',', ':'))}"


def leaves(manifest: Json) -> dict[Path, Any]:
    """Every value that a manager may own. Status and what the API server writes are not among them."""
    meta = {name: value for name, value in manifest.get("metadata", {}).items() if name not in SYSTEM}
    rest = {k: v for k, v in manifest.items() if k not in ("apiVersion", "kind", "metadata", "status")}
    return dict(_leaves({**rest, "metadata": meta} if meta else rest, (), ""))


def _leaves(value: Any, at: Path, name: str) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*at, f"f:{key}"), key)
        return
    keys = keys_of(name, value) if isinstance(value, list) else None
    if not keys:
        yield at, value
        return
    for key, item in zip(keys, value, strict=True):
        yield (*at, key), None
        if isinstance(item, dict):
            yield from _leaves(item, (*at, key), "")


def applied(live: Json, wanted: Json, manager: Manager, owners: Owners) -> tuple[Json, Owners]:
    """Server-side apply with `force`: the object as it is then, and who owns what."""
    before, asked = leaves({name: live[name] for name in wanted if name in live}), leaves(wanted)
    others = {m: paths for m, paths in owners.items() if m != manager}
    taken = {path for path, value in asked.items() if before.get(path) != value}
    dropped = owners.get(manager, frozenset()) - asked.keys()
    shared = frozenset[Path]().union(*others.values())
    body = merged(_system(live), {k: v for k, v in wanted.items() if k != "status"}, "")
    for path in sorted(dropped - shared, key=len):  # an item of a list before what is in it
        if not any(owned[: len(path)] == path for owned in shared):
            _remove(body, path, (), frozenset(asked))
    left = {m: paths - taken for m, paths in others.items()}
    return body, {m: paths for m, paths in left.items() if paths} | {manager: frozenset(asked)}


def updated(before: Json, after: Json, manager: Manager, owners: Owners) -> Owners:
    """Who owns what after another write: what it changed is the writer's now."""
    parts = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    old, new = (leaves({name: live[name] for name in parts if name in live}) for live in (before, after))
    changed = frozenset(path for path, value in new.items() if path not in old or old[path] != value)
    touched = changed | (old.keys() - new.keys())
    left = {m: paths - touched for m, paths in owners.items()}
    mine = left.pop(manager, frozenset()) | changed
    return {m: paths for m, paths in (*left.items(), (manager, mine)) if paths}


def _system(live: Json) -> Json:
    """A copy of the top and of the metadata: what is below them is copied as it is merged."""
    return {**live, "metadata": dict(live["metadata"])}


def merged(live: Any, wanted: Any, name: str) -> Any:
    """`wanted` laid over `live`. What the API server writes of the metadata stays."""
    if isinstance(live, dict) and isinstance(wanted, dict) and wanted:
        skip = SYSTEM if name == "metadata" else frozenset[str]()
        return {**live, **{k: merged(live.get(k), v, k) for k, v in wanted.items() if k not in skip}}
    if isinstance(live, list) and isinstance(wanted, list):
        had, asked = keys_of(name, live), keys_of(name, wanted)
        if had is not None and asked is not None:
            known = dict(zip(had, live, strict=True))
            first = [merged(known.get(key), item, "") for key, item in zip(asked, wanted, strict=True)]
            return first + [item for key, item in known.items() if key not in asked]
    return wanted


def _remove(body: Json, path: Path, at: Path, asked: frozenset[Path]) -> None:
    """Take the field away, and what is empty then unless it is asked for as empty.

    The steps to it are copied, as they may be the live object's. `at`: where `body` lies.
    """
    step, rest, here = path[0][2:], path[1:], (*at, path[0])
    if step not in body:
        return
    if not rest:
        del body[step]
        return
    body[step] = inner = body[step].copy()
    if isinstance(inner, list):
        keys = keys_of(step, inner) or []
        if rest[0] in keys:
            where = keys.index(rest[0])
            if len(rest) == 1:
                del inner[where]
            elif isinstance(inner[where], dict):
                inner[where] = dict(inner[where])
                _remove(inner[where], rest[1:], (*here, rest[0]), asked)
    else:
        _remove(inner, rest, here, asked)
    if not inner and here not in asked:
        del body[step]


def managed_fields(owners: Owners) -> list[Json]:
    """As `metadata.managedFields` shows it."""
    found = []
    for (name, operation), paths in sorted(owners.items()):
        tree: Json = {}
        for path in paths:
            at = tree
            for step in path:
                at = at.setdefault(step, {})
        found.append({"manager": name, "operation": operation, "fieldsV1": tree})
    return found
