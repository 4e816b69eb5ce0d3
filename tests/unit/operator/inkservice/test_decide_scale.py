"""How many pods, and who says so."""

from typing import Any

from ink_operator.core.objects import Manifest
from ink_operator.inkservice.decide.scale import (
    autoscaler_step,
    hand_over,
    owns_replicas,
    scale_step,
    scaled_by_others,
)
from ink_operator.inkservice.desired.workload import make_autoscaler
from unit.operator.inkservice.deciding import IDENTITY, Row, asked, deciding, effects, rows, workload

SCALING = {"autoscaling": {"minReplicas": 2, "maxReplicas": 6}}


def to(number: int) -> list[str]:
    return [f'MergePatch Deployment web {{"spec": {{"replicas": {number}}}}}']


@rows(
    Row("there is nothing to scale", {"spec": {"replicas": 3}}, []),
    Row("the number of the spec is there", {"spec": {"replicas": 3}, "deployment": workload(replicas=3)}, []),
    Row("another number is set right", {"spec": {"replicas": 3}, "deployment": workload(replicas=1)}, to(3)),
    Row("a suspended service has no pods", {"spec": {"suspend": True}, "deployment": workload(replicas=2)}, to(0)),
    Row("a number that is not written is one", {"deployment": workload() | {"spec": {}}}, []),
    Row("what load decides is left alone", {"spec": SCALING, "deployment": workload(replicas=5)}, []),
    Row("nothing scales up from zero", {"spec": SCALING, "deployment": workload(replicas=0)}, to(2)),
    Row("it begins within the bounds", {"spec": {**SCALING, "replicas": 9}, "deployment": workload(replicas=0)}, to(6)),
    Row("suspended, load decides nothing", {"spec": {**SCALING, "suspend": True}, "deployment": workload()}, to(0)),
    Row(
        "a schedule rests with the service",
        {"spec": {"suspend": True}, "cron_job": workload("CronJob")},
        ['MergePatch CronJob web {"spec": {"suspend": true}}'],
    ),
)
def test_while_no_image_is_known_the_number_is_followed(row: Row) -> None:
    plan = deciding(**row.given)
    scale_step(plan)
    assert effects(plan) == row.expected, row.why


def managed(*entries: tuple[str, str, dict[str, Any]], replicas: int = 2) -> Manifest:
    live = workload(replicas=replicas)
    fields = [{"manager": name, "operation": how, "fieldsV1": {"f:spec": spec}} for name, how, spec in entries]
    live["metadata"]["managedFields"] = fields
    return live


REPLICAS: dict[str, Any] = {"f:replicas": {}}
THEIRS = ("kubectl", "Update", REPLICAS)
OURS = managed(("ink-operator", "Apply", REPLICAS))


@rows(
    Row("nobody has noted anything", {"live": workload()}, False),
    Row("applied by Ink", {"live": OURS}, True),
    Row("applied by Ink without a number", {"live": managed(("ink-operator", "Apply", {"f:template": {}}))}, False),
    Row("patched by Ink is not applied by it", {"live": managed(("ink-operator", "Update", REPLICAS))}, False),
    Row("written by somebody else", {"live": managed(THEIRS)}, False),
    Row("both ask for it", {"live": managed(THEIRS, ("ink-operator", "Apply", REPLICAS))}, True),
)
def test_whose_the_number_is(row: Row) -> None:
    assert owns_replicas(row.given["live"]) is row.expected, row.why


@rows(
    Row("load decides from now on", {"spec": SCALING, "deployment": OURS}, (True, ["HandOver Deployment web"])),
    Row("it is handed over once", {"spec": SCALING, "deployment": managed()}, (True, [])),
    Row("without autoscaling Ink keeps it", {"deployment": OURS}, (False, [])),
    Row("a suspended service keeps it", {"spec": {**SCALING, "suspend": True}, "deployment": OURS}, (False, [])),
    Row("zero pods are Ink's own wish", {"spec": SCALING, "deployment": managed(replicas=0)}, (False, [])),
    Row("there is nothing to hand over", {"spec": SCALING}, (False, [])),
)
def test_the_number_is_handed_over_when_load_decides(row: Row) -> None:
    plan = deciding(**row.given)
    others = scaled_by_others(plan)
    hand_over(plan)
    assert (others, effects(plan)) == row.expected, row.why


def scaler() -> Manifest:
    one = asked(SCALING)
    assert one.spec.autoscaling is not None
    made = make_autoscaler(one, IDENTITY, one.spec.autoscaling)
    made["metadata"]["uid"] = "hpa-1"
    return made


OTHER = {"autoscaling": {"minReplicas": 3, "maxReplicas": 6}}
APPLY, DELETE = ["Apply HorizontalPodAutoscaler web"], ["Delete HorizontalPodAutoscaler web"]


@rows(
    Row("one that is wanted is made", {"spec": SCALING}, APPLY),
    Row("one that is there is left alone", {"spec": SCALING, "autoscaler": scaler()}, []),
    Row(
        "other bounds are applied",
        {"spec": OTHER, "autoscaler": scaler()},
        APPLY,
    ),
    Row("one that is not wanted goes", {"autoscaler": scaler()}, DELETE),
    Row("a suspended service has none", {"spec": {**SCALING, "suspend": True}, "autoscaler": scaler()}, DELETE),
    Row("none is not removed twice", {}, []),
)
def test_the_autoscaler_comes_and_goes(row: Row) -> None:
    plan = deciding(**row.given)
    autoscaler_step(plan)
    assert effects(plan) == row.expected, row.why
