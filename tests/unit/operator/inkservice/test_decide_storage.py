"""Claims of volumes: made before the pods, grown after them, never shrunk, and removed as their policy says."""

from typing import Any

from ink_api.condition_types import ConditionType
from ink_operator.core.objects import Manifest
from ink_operator.inkservice.decide.prerequisites import drop_volumes, grow_step, storage_step
from ink_operator.inkservice.desired.storage import make_volume_claim
from unit.operator.inkservice.deciding import IDENTITY, OWN, Row, again, asked, deciding, effects, rows, said

DATA = {"name": "data", "size": "1Gi", "mountPath": "/data"}
OTHER_CLASS = ("False", "VolumeExists")


def claim(size: str = "1Gi", phase: str = "Bound", meta: dict[str, Any] | None = None, **spec: Any) -> Manifest:
    """The live claim of `data`."""
    one = asked({"volumes": [DATA]})
    made = make_volume_claim(one, IDENTITY, (one.spec.volumes or [])[0], size)
    made["metadata"] |= {"uid": "claim-1", **(meta or {})}
    return {**made, "spec": {**made["spec"], **spec}, "status": {"phase": phase}}


GOES = {"deletionTimestamp": "2026-11-21T12:00:00Z"}
CLASS = {"volumes": [{**DATA, "storageClassName": "fast"}]}


@rows(
    Row("a service without volumes needs nothing", {}, (True, [], None, None)),
    Row("a volume that is missing is made", {"spec": {"volumes": [DATA]}}, (True, ["web-data"], None, None)),
    Row(
        "a claim as it should be is left alone",
        {"spec": {"volumes": [DATA]}, "volumes": {"web-data": claim()}},
        (True, [], None, None),
    ),
    Row(
        "a claim keeps its size here, as growing comes last",
        {"spec": {"volumes": [{**DATA, "size": "2Gi"}]}, "volumes": {"web-data": claim()}},
        (True, [], None, None),
    ),
    Row(
        "a claim on its way out is made again once it is gone",
        {"spec": {"volumes": [DATA]}, "volumes": {"web-data": claim(meta=GOES)}},
        (True, [], None, 15.0),
    ),
    Row(
        "a claim of another class cannot be used",
        {"spec": CLASS, "volumes": {"web-data": claim(storageClassName="slow")}},
        (False, [], OTHER_CLASS, 60.0),
    ),
    Row(
        "a class that only the spec names is given to the claim",
        {"spec": CLASS, "volumes": {"web-data": claim()}},
        (True, ["web-data"], None, None),
    ),
    Row(
        "a class that the spec does not name may be any",
        {"spec": {"volumes": [DATA]}, "volumes": {"web-data": claim(storageClassName="slow")}},
        (True, [], None, None),
    ),
)
def test_claims_are_there_before_the_pods(row: Row) -> None:
    plan = deciding(**row.given)
    can = storage_step(plan)
    names = [line.removeprefix("Apply PersistentVolumeClaim ") for line in effects(plan)]
    assert (can, names, said(plan, ConditionType.DEPLOYED), again(plan)) == row.expected, row.why


GROWN = {"spec": {"volumes": [{**DATA, "size": "2Gi"}]}}


@rows(
    Row("a larger size grows a bound claim", {**GROWN, "volumes": {"web-data": claim()}}, (1, None)),
    Row(
        "one that is not bound cannot grow yet",
        {**GROWN, "volumes": {"web-data": claim(phase="Pending")}},
        (0, 15.0),
    ),
    Row("a claim never shrinks", {**GROWN, "volumes": {"web-data": claim("4Gi")}}, (0, None)),
    Row("the same size in other words is no growth", {**GROWN, "volumes": {"web-data": claim("2048Mi")}}, (0, None)),
    Row("a claim on its way out does not grow", {**GROWN, "volumes": {"web-data": claim(meta=GOES)}}, (0, None)),
    Row("a claim that is missing does not grow", GROWN, (0, None)),
    Row("a size that only others write so stays", {**GROWN, "volumes": {"web-data": claim("lots")}}, (0, None)),
)
def test_storage_grows_last(row: Row) -> None:
    plan = deciding(**row.given)
    grow_step(plan)
    assert (len(plan.effects), again(plan)) == row.expected, row.why


def policy(value: str, **meta: Any) -> Manifest:
    one = claim(meta={"labels": OWN, **meta})
    one["metadata"]["annotations"] = {"ml.ink/deletion-policy": value}
    return one


@rows(
    Row("Delete: the claim goes with the volume", {"volumes": {"web-data": policy("Delete")}}, 1),
    Row("Retain: the data stay", {"volumes": {"web-data": policy("Retain")}}, 0),
    Row("a volume that is wanted stays", {"spec": {"volumes": [DATA]}, "volumes": {"web-data": policy("Delete")}}, 0),
    Row("nobody asks twice", {"volumes": {"web-data": policy("Delete", **GOES)}}, 0),
    Row("what is somebody else's is not touched", {"volumes": {"web-data": policy("Delete", labels={})}}, 0),
)
def test_a_volume_that_is_named_no_more_follows_its_policy(row: Row) -> None:
    plan = deciding(**row.given)
    drop_volumes(plan)
    assert effects(plan) == ["Delete PersistentVolumeClaim web-data"] * row.expected, row.why
