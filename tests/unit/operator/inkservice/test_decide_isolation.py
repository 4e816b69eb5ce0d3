"""Pods in a sandbox need a cluster that has it."""

from ink_api.condition_types import ConditionType
from ink_operator.inkservice.decide.prerequisites import isolation_step
from unit.operator.inkservice.deciding import Row, again, child, deciding, message, rows, said

SANDBOX = {"runtime_class": child("RuntimeClass", "gvisor")}
UNAVAILABLE = ("False", "RuntimeUnavailable")


@rows(
    Row("without isolation nothing is needed", {}, (True, None, None)),
    Row("without isolation a sandbox is no matter", SANDBOX, (True, None, None)),
    Row("the cluster has the sandbox", {"spec": {"isolation": "GVisor"}, **SANDBOX}, (True, None, None)),
    Row("the cluster has no sandbox", {"spec": {"isolation": "GVisor"}}, (False, UNAVAILABLE, 60.0)),
)
def test_a_sandbox_is_there_or_the_pods_stay_as_they_are(row: Row) -> None:
    plan = deciding(**row.given)
    assert (isolation_step(plan), said(plan, ConditionType.DEPLOYED), again(plan)) == row.expected, row.why


def test_what_is_missing_is_named() -> None:
    plan = deciding(spec={"isolation": "GVisor"})
    isolation_step(plan)
    assert plan.settings.gvisor_runtime_class in message(plan, ConditionType.DEPLOYED)
