"""From custom resources to answers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ink_api.inkservice import InkService
from ink_api.reasons import remedy
from ink_gateway import views
from unit.gateway.world import BUILD_FAILED, BUILDING, LIVE, condition


def service(status: dict[str, Any] | None = None, *, generation: int = 1, **spec: Any) -> InkService:
    reported = {"status": {"observedGeneration": 1, **status}} if status is not None else {}
    metadata = {"name": "acme.default.web", "namespace": "ink-tenants", "generation": generation}
    source = {"git": {"url": "https://git.localhost:8443/acme/shop.git"}}
    return InkService.model_validate({"metadata": metadata, "spec": {"source": source, **spec}, **reported})


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (service(), "building"),
        (service(LIVE), "live"),
        (service(LIVE, generation=2), "building"),
        (service(BUILDING), "building"),
        (service(BUILD_FAILED), "failed"),
        (service(LIVE, suspend=True), "suspended"),
        (
            service({"conditions": [condition("Built", "True", "Built"), condition("Ready", "False", "Deploying")]}),
            "deploying",
        ),
        (service({"conditions": [condition("Ready", "Unknown", "Pending")]}), "building"),
        (service({"conditions": [condition("Ready", "False", "SourceUnreachable")]}), "building"),
        (service({"conditions": [condition("Ready", "False", "BranchNotFound")]}), "failed"),
        (service({"conditions": [condition("Ready", "False", "QuotaExceeded")]}), "failed"),
    ],
)
def test_one_word_says_what_goes_on(seen: InkService, state: str) -> None:
    assert views.state_of(seen) == state


def test_a_failure_names_reason_message_and_remedy() -> None:
    answer = views.view(service(BUILD_FAILED), "default", "web")
    assert (answer.reason, answer.message) == ("BuildFailed", "step 3 failed")
    assert answer.remedy


def test_the_remedy_is_told_once() -> None:
    """The condition's message holds it too, for readers of `kubectl describe`."""
    told = f"Exit code 1. {remedy('BuildFailed')}"
    failed = {**condition("Ready", "False", "BuildFailed"), "message": told}
    answer = views.view(service({"conditions": [failed]}), "default", "web")
    assert (answer.message, answer.remedy) == ("Exit code 1.", remedy("BuildFailed"))


def test_a_status_of_an_older_generation_blames_nobody() -> None:
    answer = views.view(service(BUILD_FAILED, generation=2), "default", "web")
    assert (answer.state, answer.reason, answer.message) == ("building", None, None)


def test_amounts_are_those_that_count() -> None:
    """ink.yaml's or the platform's, where the spec says nothing."""
    effective = {"effective": {"resources": {"limits": {"cpu": "500m", "memory": "96Mi"}}}}
    answer = views.view(service({**LIVE, **effective}), "default", "web")
    assert (answer.memory, answer.cpu) == ("96Mi", "500m")
    answer = views.view(service({**LIVE, **effective}, resources={"limits": {"memory": "1Gi"}}), "default", "web")
    assert (answer.memory, answer.cpu) == ("1Gi", "500m")
    answer = views.view(service(), "default", "web")
    assert (answer.memory, answer.cpu) == (None, None)


def test_an_older_revision_that_serves_is_said() -> None:
    status = {"conditions": [*BUILD_FAILED["conditions"], condition("Available", "True", "Answering")]}
    answer = views.view(service(status), "default", "web")
    assert (answer.state, answer.serving) == ("failed", True)


@given(st.text(max_size=2000))
def test_cleaned_text_can_neither_steer_a_terminal_nor_flood(text: str) -> None:
    out = views.clean(text)
    assert len(out) <= views.LINE_MAX
    assert not any((ord(c) < 32 and c not in "\t\n") or 0x7F <= ord(c) <= 0x9F for c in out)
    assert not set(out) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u200b\ufeff")


def test_a_log_is_split_as_a_terminal_shows_it() -> None:
    assert views.split_log("a\r\n 10%\r 100%\nb\n") == ["a", " 100%", "b"]
    assert views.split_log("") == []
