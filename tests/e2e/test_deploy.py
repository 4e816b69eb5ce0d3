"""The path that Ink exists for: from a repository to a live URL, and from a push to its next version."""

from __future__ import annotations

import httpx
import pytest
from support.outside.platform import SAMPLES, SYSTEM, Deployed, Platform, condition
from support.outside.web import visited_all_the_time
from support.waiting import eventually, stays


@pytest.fixture(scope="module")
def python(platform: Platform) -> Deployed:
    """The sample without a Dockerfile, live."""
    return platform.deploy(platform.name("python"), SAMPLES / "hello-python")


def test_the_key_says_who_one_is(platform: Platform) -> None:
    answer = platform.agent.ok("whoami")
    assert answer["workspace"] == platform.workspace
    assert platform.agent.key not in answer.text


def test_one_call_brings_a_repository_without_a_dockerfile_to_a_url(python: Deployed) -> None:
    assert python.url.startswith("https://")
    page = python.visit()
    assert (page.status, page.body) == (200, "Hello from Ink, v1\n")


def test_one_call_brings_a_repository_with_a_dockerfile_to_a_url(hello: Deployed) -> None:
    page = hello.visit()
    assert (page.status, page.body) == (200, "Hello from a Dockerfile, v1\n")


def test_progress_is_told_while_it_waits(hello: Deployed) -> None:
    told = " ".join(hello.answer.progress)
    assert "building" in told or "deploying" in told


def test_the_status_says_what_is_live(platform: Platform, hello: Deployed) -> None:
    found = platform.cr(hello.name)
    assert condition(found, "Ready")["status"] == "True"
    assert condition(found, "Available")["status"] == "True"
    assert not condition(found, "Reconciling")
    assert not condition(found, "Stalled")
    status = found["status"]
    assert status["observedGeneration"] == found["metadata"]["generation"]
    assert status["url"] == hello.url
    assert "@sha256:" in status["image"]


def test_the_service_is_listed_by_its_name(platform: Platform, hello: Deployed) -> None:
    services = {service["name"]: service for service in platform.agent.ok("list_services")["services"]}
    assert services[hello.name]["state"] == "live"
    assert services[hello.name]["url"] == hello.url


def test_the_same_call_again_is_the_same_service(platform: Platform, hello: Deployed) -> None:
    before, builds = platform.cr(hello.name), platform.builds(hello.name)
    again = platform.agent.ok("create_service", repo=hello.name, name=hello.name, wait=30)
    after = platform.cr(hello.name)
    assert (again["state"], again["url"]) == ("live", hello.url)
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert platform.builds(hello.name) == builds


def test_a_push_becomes_the_live_answer_and_no_visitor_notices(platform: Platform, python: Deployed) -> None:
    old_pods = {pod["metadata"]["name"] for pod in platform.pods(python.name)}
    with visited_all_the_time(python.url, platform.ca) as pages:
        python.clone.replace("main.py", 'VERSION = "v1"', 'VERSION = "v2"')
        commit = python.clone.push("Second version")
        eventually(
            lambda: python.visit().body == "Hello from Ink, v2\n",
            within=180,
            what="the second version answers",
            state=lambda: platform.state_of(python.name),
        )
        platform.wait_for_commit(python.name, commit)
    answers = {(page.status, page.body) for page in pages}
    assert answers <= {(200, "Hello from Ink, v1\n"), (200, "Hello from Ink, v2\n")}
    assert pages[-1].body == "Hello from Ink, v2\n"
    eventually(
        lambda: old_pods.isdisjoint(pod["metadata"]["name"] for pod in platform.pods(python.name)),
        within=90,
        what=f"the pods of the first version are gone: {sorted(old_pods)}",
    )


def test_an_event_delivered_again_builds_and_rolls_nothing(platform: Platform, hello: Deployed) -> None:
    """One push, one build, one rollout, however often the event comes."""
    before = seen_of(platform, hello)
    namespace, _, repository = hello.clone.url.removesuffix(".git").rpartition("/")
    event = {
        "workspace": namespace.rpartition("/")[2],
        "repository": repository,
        "updates": [{"ref": "refs/heads/main", "old": "0" * 40, "new": hello.clone.git("rev-parse", "HEAD")}],
    }
    token = platform.kubectl.secret(SYSTEM, "gateway", "internal-token")
    with platform.kubectl.port_forward(SYSTEM, "deployment/gateway", 8081) as address:
        for _ in range(3):
            answer = httpx.post(
                f"http://{address}/internal/v1/pushes",
                json=event,
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
                timeout=30,
            )
            assert answer.status_code == 204
    stays(lambda: seen_of(platform, hello) == before, seconds=8, what="builds, pods and revision after repeated events")


def seen_of(platform: Platform, service: Deployed) -> object:
    """What a second build or rollout would change."""
    workload = platform.kubectl.get("deployment", service.name, platform.namespace())
    assert workload is not None
    return (
        platform.builds(service.name),
        sorted(pod["metadata"]["uid"] for pod in platform.pods(service.name)),
        workload["metadata"]["generation"],
        platform.cr(service.name)["status"]["build"],
    )


def test_a_broken_push_leaves_the_old_version_serving_and_the_next_push_heals(
    platform: Platform, hello: Deployed
) -> None:
    good = hello.clone.directory.joinpath("Dockerfile").read_text()
    version = hello.visit().body
    hello.clone.replace("Dockerfile", "WORKDIR /app", "RUN echo 'no such step' >&2 && exit 7\nWORKDIR /app")
    commit = hello.clone.push("Broken")

    def failed() -> bool:
        found = platform.cr(hello.name)
        return found["status"].get("commit") == commit and condition(found, "Ready").get("reason") == "BuildFailed"

    eventually(failed, within=120, what="the broken build is reported", state=lambda: platform.state_of(hello.name))
    answer = platform.agent.ok("get_service", name=hello.name)
    assert (answer["state"], answer["reason"], answer["serving"]) == ("failed", "BuildFailed", True)
    assert any("no such step" in line for line in answer["deploy_log"])
    assert hello.visit().body == version

    hello.clone.directory.joinpath("Dockerfile").write_text(good)
    hello.clone.replace("server.py", 'VERSION = "v1"', 'VERSION = "healed"')
    platform.wait_for_commit(hello.name, hello.clone.push("Mended"))
    eventually(lambda: hello.visit().body == "Hello from a Dockerfile, healed\n", within=30, what="the mended version")


def test_logs_help_an_agent_to_debug_by_itself(platform: Platform, python: Deployed) -> None:
    python.visit()
    answer = platform.agent.ok("get_service", name=python.name, deploy_log_lines=50, runtime_log_lines=50)
    assert any("flask" in line.lower() for line in answer["deploy_log"])
    assert any("GET /" in line for line in answer["runtime_log"])
