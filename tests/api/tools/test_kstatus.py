"""kstatus itself, as Flux and others use it, on what the operator reports and on what the API server makes of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.cluster.kube_api import Json, KubeApi
from support.gitops.kstatus import Kstatus
from support.resources.specs import SMALLEST, custom_resource, path_of
from support.resources.states import LIVE, State, all_states, reported


@pytest.fixture(scope="module")
def judged(kstatus: Kstatus) -> dict[str, tuple[str, str]]:
    """What kstatus says of every state, asked in one go."""
    states = all_states()
    return dict(zip([state.name for state in states], kstatus.of([state.found for state in states]), strict=True))


@pytest.mark.parametrize("state", all_states(), ids=lambda state: state.name)
def test_a_state_is_read_as_it_is_meant(judged: dict[str, tuple[str, str]], state: State) -> None:
    status, message = judged[state.name]
    assert status == state.kstatus, message


def test_a_failure_brings_its_words(judged: dict[str, tuple[str, str]]) -> None:
    status, message = judged["BuildFailed in Built"]
    assert (status, message) == ("Failed", "What was seen. Read the lines above, mend the repository and push again.")


@pytest.mark.parametrize("kind", SMALLEST)
def test_a_new_object_is_in_progress(api: KubeApi, kstatus: Kstatus, namespace: str, kind: str) -> None:
    """Before any pass of the operator: a sync must not go on."""
    assert kstatus.one(api.create(path_of(kind, namespace), custom_resource(kind))) == "InProgress"


@pytest.fixture
def live(api: KubeApi, namespace: str) -> Iterator[str]:
    """Path of a service that the operator has reported live, held by its finalizer."""
    one = f"{path_of('InkService', namespace)}/shop"
    api.create(path_of("InkService", namespace), custom_resource("InkService"))
    api.merge(one, {"metadata": {"finalizers": ["ml.ink/cleanup"]}})
    api.merge(f"{one}/status", {"status": reported(*LIVE)["status"]})
    yield one
    api.merge(one, {"metadata": {"finalizers": None}})


def test_a_life_on_a_real_api_server(api: KubeApi, kstatus: Kstatus, live: str) -> None:
    def status() -> str:
        return kstatus.one(api.get(live))

    assert status() == "Current"
    api.merge(live, {"metadata": {"labels": {"a": "b"}}})
    assert status() == "Current", "a label asks for nothing"
    api.merge(live, {"spec": {"replicas": 2}})
    assert status() == "InProgress", "the new spec has not been seen yet"
    api.delete(live)
    assert status() == "Terminating"


def test_a_lost_status_is_not_taken_for_finished(api: KubeApi, kstatus: Kstatus, live: str) -> None:
    """`kubectl edit --subresource=status` by a clumsy hand: the default comes back."""
    found: Json = api.get(live)
    api.request("PUT", f"{live}/status", {**found, "status": None})
    after = api.get(live)
    assert after["status"] == {"observedGeneration": -1}
    assert kstatus.one(after) == "InProgress"
