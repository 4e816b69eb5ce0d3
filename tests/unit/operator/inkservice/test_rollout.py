"""Complete means: the newest revision alone is reached."""

import pytest
from ink_operator.inkservice.rollout import rollout_of, running_of
from unit.operator.inkservice.making import NOW, deployment, pod


@pytest.mark.parametrize(
    ("live", "pods", "complete"),
    [
        (deployment(), [pod(ready=True)], True),
        (deployment(), [pod(ready=False)], False),
        (deployment(), [], False),
        (deployment(replicas=2), [pod("a", ready=True)], False),
        (deployment(observedGeneration=1), [pod(ready=True)], False),
        (deployment(replicas=1, updatedReplicas=0), [pod(ready=True)], False),
        (deployment(), [pod(ready=True), pod("old", revision="r1", ready=True)], False),
        (deployment(), [pod(ready=True), pod("old", revision="r1", deleted=1)], False),
        (deployment(), [pod(ready=True), pod("old", revision="r1", deleted=3)], True),
    ],
)
def test_complete(live: dict[str, object], pods: list[dict[str, object]], complete: bool) -> None:
    assert rollout_of(live, pods, 1.0, NOW).complete is complete


def test_the_wait_for_the_ingress_is_known() -> None:
    leaving = pod("old", revision="r1", deleted=0)
    assert rollout_of(deployment(), [pod(ready=True), leaving], 1.5, NOW).settle_seconds == pytest.approx(2.5)


def test_a_foreign_deployment_says_nothing() -> None:
    assert running_of({"metadata": {"annotations": {}}}) is None
    assert running_of(None) is None
