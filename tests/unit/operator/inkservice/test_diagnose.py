"""Every way a revision can fail to become ready has one reason."""

from typing import Any

import pytest
from ink_api.reasons import Reason
from ink_operator.core.objects import Manifest
from ink_operator.inkservice.facts.diagnose import diagnose, newest_pods
from ink_operator.inkservice.facts.effective import Probe
from unit.operator.inkservice.making import NOW, ago, deployment, ended, pod, running_since, waiting

TCP = Probe("TCP", 8080, "/", 5, 2, 3, 60)
HTTP = Probe("HTTP", 8080, "/up", 5, 2, 3, 60)
BACK_OFF = waiting("CrashLoopBackOff")


@pytest.mark.parametrize(
    ("container", "probe", "reason"),
    [
        ({"state": waiting("ContainerCreating")}, TCP, None),
        ({"state": waiting("ErrImagePull")}, TCP, None),
        ({"state": waiting("ImagePullBackOff")}, TCP, Reason.IMAGE_PULL_FAILED),
        ({"state": waiting("InvalidImageName")}, TCP, Reason.IMAGE_PULL_FAILED),
        ({"state": waiting("CreateContainerConfigError", 'secret "x" not found')}, TCP, Reason.CONFIG_NOT_FOUND),
        ({"state": ended(128, "StartError"), "restartCount": 0}, TCP, Reason.CRASH_LOOPING),
        ({"state": running_since(1), "lastState": ended(1), "restartCount": 1}, TCP, None),
        ({"state": BACK_OFF, "lastState": ended(1), "restartCount": 0}, TCP, None),
        ({"state": BACK_OFF, "lastState": ended(1), "restartCount": 1}, TCP, Reason.CRASH_LOOPING),
        ({"state": ended(3), "lastState": ended(3), "restartCount": 2}, TCP, Reason.CRASH_LOOPING),
        ({"state": BACK_OFF, "lastState": ended(137, "OOMKilled"), "restartCount": 1}, TCP, Reason.OUT_OF_MEMORY),
        (
            {"state": BACK_OFF, "lastState": ended(1, message="chown(): Operation not permitted"), "restartCount": 2},
            TCP,
            Reason.CAPABILITY_REQUIRED,
        ),
        ({"state": running_since(59)}, TCP, None),
        ({"state": running_since(61)}, TCP, Reason.PORT_NOT_LISTENING),
        ({"state": running_since(61)}, HTTP, Reason.HEALTH_CHECK_FAILED),
        ({"state": running_since(61)}, None, None),
    ],
)
def test_a_pod_has_one_reason(container: dict[str, Any], probe: Probe | None, reason: Reason | None) -> None:
    found = diagnose(deployment(), [pod(**container)], probe, NOW)
    assert (found.reason if found else None) == reason


def test_the_exit_code_is_told_and_the_log_is_not() -> None:
    broken = pod(state=BACK_OFF, lastState=ended(42, message="password=hunter2"), restartCount=3)
    found = diagnose(deployment(), [broken], TCP, NOW)
    assert found is not None
    assert "42" in found.message
    assert "hunter2" not in found.message


def replica_failure(message: str) -> Manifest:
    return deployment(conditions=[{"type": "ReplicaFailure", "status": "True", "message": message}])


def test_a_quota_names_itself_without_the_pods_changing_name() -> None:
    texts = [f'pods "web-{x}" is forbidden: exceeded quota: ink, requested: pods=1' for x in ("abc", "def")]
    found = [diagnose(replica_failure(text), [], TCP, NOW) for text in texts]
    assert found[0] == found[1]
    assert found[0] is not None
    assert found[0].reason == Reason.QUOTA_EXCEEDED


def test_no_room_counts_only_after_a_while() -> None:
    lonely = pod()
    lonely["status"]["conditions"] = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
    lonely["metadata"]["creationTimestamp"] = ago(5)
    assert diagnose(deployment(), [lonely], TCP, NOW) is None
    lonely["metadata"]["creationTimestamp"] = ago(31)
    found = diagnose(deployment(), [lonely], TCP, NOW)
    assert found is not None
    assert found.reason == Reason.UNSCHEDULABLE


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("0/2 nodes are available: 2 Insufficient cpu.", "No node has room"),
        (
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
            "No node matches the pod's node selector",
        ),
        (
            "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match Pod's node affinity/selector.",
            "No node has room",
        ),
    ],
)
def test_another_kind_of_node_is_not_a_lack_of_room(said: str, words: str) -> None:
    lonely = pod()
    waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
    lonely["status"]["conditions"] = [waits]
    found = diagnose(deployment(), [lonely], TCP, NOW)
    assert found is not None
    assert found.message.startswith(words)


def test_a_volume_that_is_not_there_is_not_taken_for_a_lack_of_room() -> None:
    lonely = pod()
    message = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    lonely["status"]["conditions"] = [waits]
    found = diagnose(deployment(), [lonely], TCP, NOW)
    assert found is not None
    assert found.reason == Reason.VOLUME_NOT_BOUND


def test_the_deployments_own_deadline_is_the_last_resort() -> None:
    late = deployment(conditions=[{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}])
    found = diagnose(late, [], TCP, NOW)
    assert found is not None
    assert found.reason == Reason.PROGRESS_DEADLINE_EXCEEDED


def test_pods_of_older_revisions_and_leaving_ones_are_not_asked() -> None:
    pods = [pod("b"), pod("a"), pod("old", revision="r1"), pod("going", deleted=1)]
    assert [p["metadata"]["name"] for p in newest_pods(pods, "r2")] == ["a", "b"]
