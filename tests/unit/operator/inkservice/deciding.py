"""What the decide modules take and give, as values: the one place that knows their types and where their inputs lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import pytest
from ink_api.condition_types import ConditionType
from ink_api.inkservice import InkService
from ink_api.reasons import Reason
from ink_operator.core.effects import Apply, Create, Delete, HandOver, MergePatch
from ink_operator.core.kinds import ROLE_BINDING
from ink_operator.core.objects import Manifest, ref_of
from ink_operator.inkservice import names
from ink_operator.inkservice.decide.plan import ServicePlanBuilder as PlanBuilder
from ink_operator.inkservice.desired.namespace import set_up
from ink_operator.inkservice.facts.source import build_plan
from ink_operator.inkservice.model import (
    Attempt,
    BuildState,
    Observed,
    ReleaseRun,
    ReleaseState,
    RetireImages,
    Revision,
    Running,
    ServiceContext,
    StartBuild,
    Verdict,
    WantedBuild,
)
from ink_operator.inkservice.names import OPERATOR_GRANT
from ink_operator.settings import Settings
from unit.operator.inkservice.making import GIT, IDENTITY, NOW, SETTINGS, ago, service

COMMIT, NEXT = "a" * 40, "b" * 40
SPACE = IDENTITY.namespace
OWN = {"ml.ink/owner-uid": "u-1"}
REPOSITORY = f"{SETTINGS.registry}/acme/shop/web"


class Row(NamedTuple):
    """One line of a table: what is given, what must come of it, and why that is right."""

    why: str
    given: dict[str, Any]
    expected: Any


def rows(*table: Row) -> Callable[..., Any]:
    """The table as parameters of a test, each named by its why."""
    return pytest.mark.parametrize("row", table, ids=[row.why.replace(" ", "-") for row in table])


def deciding(
    *,
    spec: dict[str, Any] | None = None,
    meta: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    now: datetime = NOW,
    settings: Settings = SETTINGS,
    granted: bool = True,
    **seen: Any,
) -> PlanBuilder:
    """A plan to be decided. `seen`: what was observed. `granted`: the operator may look into the namespace."""
    if granted:
        manifests = set_up(IDENTITY, True, settings)
        grant = next(m for m in manifests if m["metadata"]["name"] == OPERATOR_GRANT)
        seen.setdefault("tenancy", {(ROLE_BINDING.kind, OPERATOR_GRANT): grant})
    context = ServiceContext(asked(spec, meta, status), IDENTITY, settings)
    return PlanBuilder(context, Observed(IDENTITY, **seen), now)


def asked(
    spec: dict[str, Any] | None = None, meta: dict[str, Any] | None = None, status: dict[str, Any] | None = None
) -> InkService:
    """The custom resource of the gateway's, changed."""
    wire = service(**(spec or {})).model_dump(by_alias=True, exclude_none=True, mode="json")
    wire["metadata"] |= meta or {}
    return InkService.model_validate(wire | ({"status": status} if status else {}))


def effects(plan: PlanBuilder) -> list[str]:
    """Each as a line: `Apply Deployment web`, `Delete Job web-1`, `MergePatch Deployment web {"spec": …}`."""
    return [_line(effect) for effect in plan.effects]


def _line(effect: Any) -> str:
    name = type(effect).__name__
    match effect:
        case Apply(manifest) | Create(manifest) | HandOver(manifest):
            ref = ref_of(manifest)
            return f"{name} {ref.kind.kind} {ref.name}"
        case Delete(ref):
            return f"{name} {ref.kind.kind} {ref.name}"
        case MergePatch(ref, patch):
            return f"{name} {ref.kind.kind} {ref.name} {json.dumps(patch, sort_keys=True)}"
        case StartBuild():
            return f"{name} {effect.number}{' without cache' if effect.no_cache else ''}"
        case RetireImages():
            return f"{name} keeps {sorted(effect.digests)}"
    return name


def said(plan: PlanBuilder, kind: ConditionType) -> tuple[str, str] | None:
    """(status, reason) of a condition; None: nothing was said."""
    fact = plan.facts.get(kind)
    return (fact.status, str(fact.reason)) if fact else None


def message(plan: PlanBuilder, kind: ConditionType) -> str:
    return plan.facts[kind].message


def again(plan: PlanBuilder) -> float | None:
    """Seconds until the service is looked at again at the latest."""
    return plan.requeue_seconds


def records(plan: PlanBuilder) -> list[str]:
    """`<number> <name>` of the revisions as they will be."""
    return [f"{r.number} {r.name}" for r in plan.revisions]


def build(commit: str = COMMIT, **spec: Any) -> WantedBuild:
    return build_plan(service(**spec), IDENTITY, commit)


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


GOOD = Verdict(True, digest("1"), ports=(3000,))
BAD = Verdict(False, reason=Reason.BUILD_FAILED, message="No.", log=("line 1",))
SPOILED = Verdict(False, reason=Reason.BUILD_INFRASTRUCTURE, message="The registry is full.", infrastructure=True)


def attempt(
    state: str,
    verdict: Verdict | None = None,
    *,
    number: int = 1,
    commit: str = COMMIT,
    finished: float = 60,
    **more: Any,
) -> Attempt:
    """One at the build of that commit, as the settings of today name it. `finished`: so many seconds ago."""
    key = build(commit).key
    ended = ago(finished) if verdict is not None else None
    one = Attempt(f"b-{key}-{number}", f"job-{number}", key, commit, number, BuildState(state), ago(600), verdict)
    return replace(one, recorded=verdict is not None, finished=ended, **more)


def running(commit: str = COMMIT, letter: str = "1", **more: Any) -> Running:
    """What a build of that commit brings up."""
    plan = build(commit)
    return replace(Running(f"{REPOSITORY}@{digest(letter)}", 3000, commit, plan.key, None, plan.planner), **more)


def revision(number: int, template: str = "t", runs: Running | None = None, **more: Any) -> Revision:
    """A record of what was brought up."""
    runs = runs or running()
    name = names.revision(IDENTITY, template, runs.build_key)
    return Revision(name, number, template, runs, uid=f"record-{number}", created=ago(900), **more)


def workload(kind: str = "Deployment", of: Revision | None = None, *, replicas: int = 1, **spec: Any) -> Manifest:
    """A live one, whose annotations say which revision it runs."""
    notes: dict[str, str] = {}
    if of is not None and of.running is not None:
        runs = of.running
        pairs = {
            "revision": of.template,
            "image": runs.image,
            "port": str(runs.port),
            "commit": runs.commit,
            "build-key": runs.build_key,
            "planner": runs.planner,
        }
        notes = {f"ml.ink/{name}": value for name, value in pairs.items() if value}
    meta = {"name": "web", "namespace": SPACE, "uid": f"{kind}-1", "labels": OWN, "annotations": notes, "generation": 2}
    api = {"Deployment": "apps/v1", "CronJob": "batch/v1"}[kind]
    body = {"replicas": replicas} if kind == "Deployment" else {"schedule": "0 3 * * *", "suspend": False}
    return {"apiVersion": api, "kind": kind, "metadata": meta | {"resourceVersion": "7"}, "spec": {**body, **spec}}


def child(kind: str, name: str = "web", *, labels: dict[str, str] | None = None, **more: Any) -> Manifest:
    """Some other live object, of ours unless `labels` say otherwise."""
    apis = {"Ingress": "networking.k8s.io/v1", "HorizontalPodAutoscaler": "autoscaling/v2"}
    meta = {"name": name, "namespace": SPACE, "uid": f"{kind}-{name}", "labels": OWN if labels is None else labels}
    return {"apiVersion": apis.get(kind, "v1"), "kind": kind, "metadata": meta | more.pop("meta", {}), **more}


def run(state: str, of: Revision, run: str = "r1", message: str = "", pod: Manifest | None = None) -> ReleaseRun:
    """A release Job."""
    return ReleaseRun(f"web-r-{run}", f"uid-{run}", run, of.name, ReleaseState(state), ago(60), message, pod)


__all__ = ["GIT", "IDENTITY", "NOW", "SETTINGS", "ago"]
