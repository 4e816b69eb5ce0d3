"""The log of a build lies beside its image, as it was printed, and outlives the pod."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import pytest
from support.building import daemons as build_daemons

from .conftest import Outcome, Stack

DOCKERFILE = "FROM scratch\nCOPY . /\n"


def kept(stack: Stack, service: str) -> str:
    """The log in the registry."""
    layer = stack.registry.manifest(f"tenant/{service}", f"log-b-{service}")["layers"][0]["digest"]  # type: ignore[index]
    status, body = stack.registry.get(f"/v2/tenant/{service}/blobs/{layer}", stack.registry.token(f"tenant/{service}"))
    assert status == 200
    return gzip.decompress(body).decode()


def lines_of(outcome: Outcome) -> list[str]:
    return outcome.log.splitlines()


def test_the_log_of_a_build_lies_beside_its_image(stack: Stack) -> None:
    outcome = stack.build("kept", {"Dockerfile": DOCKERFILE})
    assert outcome.code == 0, outcome.log
    assert kept(stack, "kept").splitlines() == lines_of(outcome)


def test_it_tells_how_the_build_ended_to_whoever_waits(stack: Stack) -> None:
    """The very words that the pod ends with, and of which Job."""
    outcome = stack.build("kept-told", {"Dockerfile": DOCKERFILE}, INK_JOB_UID="u-1")
    assert outcome.code == 0, outcome.log
    notes = stack.registry.manifest("tenant/kept-told", "log-b-kept-told")["annotations"]
    assert notes == {"ml.ink/job-uid": "u-1", "ml.ink/verdict": notes["ml.ink/verdict"]}
    assert json.loads(notes["ml.ink/verdict"]) == outcome.verdict
    assert datetime.fromisoformat(outcome.verdict["finished"]).tzinfo == UTC


def test_the_log_of_a_failed_build_tells_only_itself(stack: Stack) -> None:
    outcome = stack.build("kept-untold", {"Dockerfile": "FORM scratch\n"}, INK_JOB_UID="u-1")
    assert outcome.code == 1, outcome.log
    assert "annotations" not in stack.registry.manifest("tenant/kept-untold", "log-b-kept-untold")


@pytest.mark.parametrize("dockerfile", ["FROM scratch\nCOPY absent /\n", "FORM scratch\n"])
def test_the_log_of_a_failed_build_lies_there_as_well(stack: Stack, dockerfile: str) -> None:
    outcome = stack.build("kept-failed", {"Dockerfile": dockerfile})
    assert outcome.code == 1, outcome.log
    assert kept(stack, "kept-failed").splitlines() == lines_of(outcome)


def test_secrets_are_masked_in_what_is_kept(stack: Stack) -> None:
    secret = {"TOKEN": "a-secret-of-this-build"}
    dockerfile = f"FROM scratch\nCOPY {secret['TOKEN']} /\n"
    stack.build("kept-masked", {"Dockerfile": dockerfile}, INK_BUILD_SECRETS=json.dumps(secret))
    text = kept(stack, "kept-masked")
    assert "***" in text
    assert secret["TOKEN"] not in text


def test_a_registry_that_does_not_take_the_log_fails_no_build(stack: Stack) -> None:
    """The token is good for pulling alone: the image is not pushed either, but the verdict is about that."""
    commit = stack.git.commit("kept-not", {"Dockerfile": DOCKERFILE})
    reader = stack.registry.token("tenant/kept-not", actions=("pull",))
    outcome = stack.finish(*stack.start(stack.variables("kept-not", "kept-not", commit, INK_REGISTRY_TOKEN=reader)))
    assert outcome.reason is not None
    assert "the log is not kept" in outcome.log


def test_a_registry_that_is_away_costs_seconds_and_no_verdict(stack: Stack) -> None:
    port = build_daemons.free_port()
    outcome = stack.build("kept-away", {"Dockerfile": "FORM scratch\n"}, INK_REGISTRY_HOST=f"127.0.0.1:{port}")
    assert (outcome.code, outcome.reason) == (1, "DockerfileInvalid"), outcome.log
    assert "the log is not kept" in outcome.log
