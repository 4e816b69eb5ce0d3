"""The control plane may die at any moment: deployments still arrive, and applications never notice."""

from __future__ import annotations

import os
import random

import pytest
from support.outside.platform import SAMPLES, SYSTEM, Deployed, Platform
from support.outside.processes import crash
from support.outside.web import visited_all_the_time
from support.waiting import eventually, stays

OPERATOR = "app.kubernetes.io/name=operator"
ROUNDS = 3
SEED = os.environ.get("INK_TEST_SEED") or str(random.SystemRandom().randrange(10**6))


@pytest.fixture(scope="module")
def restless(platform: Platform) -> Deployed:
    """A live service of its own, so that other tests are left in peace."""
    return platform.deploy(platform.name("restless"), SAMPLES / "hello-dockerfile")


def end_operator(platform: Platform, dice: random.Random) -> None:
    """As a crash of the process, or as the loss of its pod."""
    if dice.random() < 0.5 and crash(platform.kubectl, SYSTEM, OPERATOR):
        return
    arguments = ("delete", "pods", "-n", SYSTEM, "-l", OPERATOR, "--grace-period=0", "--force", "--wait=false")
    platform.kubectl.run(*arguments)


def test_pushes_arrive_although_the_operator_dies_on_the_way(platform: Platform, restless: Deployed) -> None:
    print(f"INK_TEST_SEED={SEED}")
    dice = random.Random(SEED)
    for number in range(1, ROUNDS + 1):
        server = restless.clone.directory / "server.py"
        lines = [
            f'VERSION = "crash {number}"' if line.startswith("VERSION =") else line
            for line in server.read_text().splitlines()
        ]
        server.write_text("\n".join(lines) + "\n")
        builds = len(platform.builds(restless.name))
        commit = restless.clone.push(f"Round {number}")
        moment = dice.uniform(0, 8)
        # The push is under way: how far it has come when the operator dies is what the seed decides.
        stays(lambda: True, seconds=moment, what="time passes")
        end_operator(platform, dice)
        platform.wait_for_commit(restless.name, commit)
        eventually(
            lambda n=number: restless.visit().body == f"Hello from a Dockerfile, crash {n}\n",  # type: ignore[misc]
            within=30,
            what=f"round {number} answers (killed after {moment:.1f} s, seed {SEED})",
        )
        assert len(platform.builds(restless.name)) <= builds + 1, "a crash builds nothing twice"


def target(platform: Platform, name: str) -> str:
    """`kind/name` of a component."""
    kind = "statefulset" if platform.kubectl.get("statefulset", name, SYSTEM) else "deployment"
    return f"{kind}/{name}"


def test_applications_answer_while_the_control_plane_is_down(platform: Platform, restless: Deployed) -> None:
    """Nothing of Ink's is in the path of a request but the ingress."""
    targets = [target(platform, name) for name in ("operator", "gateway", "git", "resolver")]
    replicas = {t: platform.kubectl.run("get", t, "-n", SYSTEM, "-o", "jsonpath={.spec.replicas}") for t in targets}
    body = restless.visit().body
    with visited_all_the_time(restless.url, platform.ca) as pages:
        try:
            platform.kubectl.run("scale", *targets, "-n", SYSTEM, "--replicas=0")
            eventually(
                lambda: not platform.kubectl.list("pods", SYSTEM, "app.kubernetes.io/name in (operator,gateway)"),
                within=60,
                what="the control plane is gone",
            )
            stays(lambda: restless.visit().body == body, seconds=3, what="the application answers")
        finally:
            for each, count in replicas.items():
                platform.kubectl.run("scale", each, "-n", SYSTEM, f"--replicas={count}")
            for each in targets:
                platform.kubectl.run("rollout", "status", each, "-n", SYSTEM, "--timeout=90s")
    assert {(page.status, page.body) for page in pages} == {(200, body)}
    eventually(lambda: not platform.agent.call("whoami").is_error, within=60, what="the gateway answers again")
