"""A tenant's own buildkitd: what is made, and whether it runs, rests or stops."""

from __future__ import annotations

import copy
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ink_api.names import ServiceIdentity
from ink_operator.core.objects import Manifest
from ink_operator.inkservice.decide_daemon import SeenDaemon, Wanted, needs_certificate, resting, writes
from ink_operator.inkservice.desired.buildjob import make_job
from ink_operator.inkservice.desired.daemon import (
    ANNOTATION_IDLE_SINCE,
    Daemon,
    daemon_behind,
    daemon_of,
    make_policy,
    make_secret,
    make_service,
    make_workload,
)
from ink_operator.inkservice.model import Case, StartBuild
from ink_operator.inkservice.source import build_plan
from ink_operator.ports import Pair
from ink_operator.settings import Storage
from unit.operator.inkservice.making import IDENTITY, NOW, SETTINGS, ago, service

GOLDEN = Path(__file__).parent / "golden-daemon.yaml"
POD: Manifest = {
    "metadata": {"labels": {"app.kubernetes.io/name": "buildkitd"}, "annotations": {"checksum/config": "1"}},
    "spec": {
        "containers": [{"name": "buildkitd", "image": "buildkitd:1"}],
        "volumes": [{"name": "run", "emptyDir": {}}],
    },
}
OWN = replace(SETTINGS, buildkit_pod=POD, buildkit_idle_seconds=600.0)
DAEMON = daemon_of(IDENTITY, OWN)
PAIR = Pair("CA", "CERT", "KEY", "2027-11-21T12:00:00Z")
CERTIFICATE = f"auth {PAIR.expires}"


def running(**changes: Any) -> SeenDaemon:
    """All is as it should be."""
    seen = SeenDaemon(
        make_workload(DAEMON, OWN, CERTIFICATE, replicas=1),
        make_secret(DAEMON, OWN, CERTIFICATE, PAIR),
        make_policy(DAEMON, OWN),
        make_service(DAEMON, OWN),
        authority="auth",
    )
    return replace(seen, **changes)


def kinds(manifests: list[Manifest]) -> list[str]:
    return [m["kind"] for m in manifests]


def test_the_manifests_are_those_of_the_golden_file() -> None:
    one = service()
    start = StartBuild(build_plan(one, IDENTITY, "a" * 40), 1, no_cache=False)
    made = [
        *writes(DAEMON, SeenDaemon(authority="auth"), PAIR, Wanted(), OWN),
        make_job(Case(one, IDENTITY, OWN), start, suspend=False),
    ]
    text = yaml.safe_dump_all(made, sort_keys=True, width=140)
    if os.environ.get("INK_GOLDEN") == "write":
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_a_workspace_and_a_namespace_of_one_name_are_two_tenants() -> None:
    namespace = ServiceIdentity("acme", "", "web", "acme")
    assert daemon_of(namespace, OWN).name != DAEMON.name
    assert daemon_of(IDENTITY._replace(project="other", name="api"), OWN) == DAEMON
    assert daemon_behind(make_workload(DAEMON, OWN, "", replicas=0)) == DAEMON


def test_a_build_shows_its_tenants_daemon_and_no_other() -> None:
    start = StartBuild(build_plan(service(), IDENTITY, "a" * 40), 1, no_cache=False)
    own = make_job(Case(service(), IDENTITY, OWN), start, suspend=False)
    (allowed,) = make_policy(DAEMON, OWN)["spec"]["ingress"][0]["from"]
    wanted = allowed["podSelector"]["matchLabels"].items()
    assert wanted <= own["spec"]["template"]["metadata"]["labels"].items()
    other = make_job(Case(service(), IDENTITY._replace(tenant="other"), OWN), start, suspend=False)
    assert not wanted <= other["spec"]["template"]["metadata"]["labels"].items()
    shared = make_job(Case(service(), IDENTITY, SETTINGS), start, suspend=False)
    assert "ml.ink/daemon" not in shared["spec"]["template"]["metadata"]["labels"]


def test_the_first_start_leaves_a_record_before_all_else() -> None:
    made = writes(DAEMON, SeenDaemon(authority="auth"), PAIR, Wanted(), OWN)
    assert kinds(made) == ["StatefulSet", "Secret", "NetworkPolicy", "Service", "StatefulSet"]
    assert [m["spec"]["replicas"] for m in made if m["kind"] == "StatefulSet"] == [0, 1]


def test_a_daemon_that_runs_is_left_alone() -> None:
    assert writes(DAEMON, running(), None, Wanted(), OWN) == []


@pytest.mark.parametrize("part", ["policy", "service"])
def test_a_part_that_is_missing_is_made_again(part: str) -> None:
    made = writes(DAEMON, running(**{part: None}), None, Wanted(), OWN)
    assert kinds(made) == [{"policy": "NetworkPolicy", "service": "Service"}[part]]


def test_new_settings_wait_until_it_has_nothing_to_do() -> None:
    newer = replace(OWN, buildkit_pod={**POD, "metadata": {"annotations": {"checksum/config": "2"}}})
    assert writes(DAEMON, running(busy=True), None, Wanted(), newer) == []
    assert kinds(writes(DAEMON, running(), None, Wanted(), newer)) == ["StatefulSet"]


def test_an_authority_that_nobody_trusts_any_more_is_replaced_at_once() -> None:
    seen = running(busy=True, authority="new")
    assert needs_certificate(seen, NOW)
    assert kinds(writes(DAEMON, seen, PAIR, Wanted(), OWN)) == ["Secret", "StatefulSet"]


@pytest.mark.parametrize(("expires", "needed"), [("2027-11-21", False), ("2027-01-21", True), ("2026-01-01", True)])
def test_a_certificate_is_renewed_in_its_last_third(expires: str, needed: bool) -> None:
    pair = Pair("CA", "CERT", "KEY", f"{expires}T12:00:00Z")
    secret = make_secret(DAEMON, OWN, f"auth {pair.expires}", pair)
    assert needs_certificate(running(secret=secret), NOW) is needed


def test_it_rests_first_and_stops_after_a_while() -> None:
    begun = resting(running(), OWN, NOW)
    assert begun == Wanted(idle_since=ago(0), look_after_seconds=600.0)
    for age, wanted in ((10, True), (601, False)):
        workload = make_workload(DAEMON, OWN, CERTIFICATE, replicas=1, idle_since=ago(age))
        assert resting(running(workload=workload), OWN, NOW).running is wanted
    (stop,) = writes(DAEMON, running(), None, Wanted(running=False), OWN)
    assert stop["spec"]["replicas"] == 0


def test_a_build_takes_the_mark_away_and_keeps_it_running() -> None:
    workload = make_workload(DAEMON, OWN, CERTIFICATE, replicas=1, idle_since=ago(5000))
    seen = running(workload=workload, busy=True)
    assert resting(seen, OWN, NOW).running
    (made,) = writes(DAEMON, seen, None, resting(seen, OWN, NOW), OWN)
    assert ANNOTATION_IDLE_SINCE not in made["metadata"]["annotations"]


def test_one_that_stands_still_is_left_alone() -> None:
    seen = SeenDaemon(make_workload(DAEMON, OWN, CERTIFICATE, replicas=0), authority="auth")
    assert resting(seen, OWN, NOW) == Wanted(running=False)
    assert writes(DAEMON, seen, None, Wanted(running=False), OWN) == []


def test_the_volume_of_one_that_is_there_does_not_change() -> None:
    """The API server refuses another claim template; what it adds to one is not ours."""
    live = copy.deepcopy(make_workload(DAEMON, OWN, CERTIFICATE, replicas=1))
    live["spec"]["volumeClaimTemplates"][0] |= {"status": {"phase": "Pending"}, "kind": "PersistentVolumeClaim"}
    live["spec"]["volumeClaimTemplates"][0]["spec"]["volumeMode"] = "Filesystem"
    larger = replace(OWN, buildkit_storage=Storage("99Gi"))
    assert writes(DAEMON, running(workload=live), None, Wanted(), larger) == []
    without = replace(OWN, buildkit_storage=Storage("7Gi", ephemeral=True))
    assert writes(DAEMON, running(workload=live), None, Wanted(), without) == []


def test_without_a_storage_class_the_cache_lies_in_the_pod_and_is_limited() -> None:
    without = replace(OWN, buildkit_storage=Storage("7Gi", ephemeral=True))
    made = make_workload(DAEMON, without, CERTIFICATE, replicas=1)
    assert "volumeClaimTemplates" not in made["spec"]
    state = {"name": "state", "emptyDir": {"sizeLimit": "7Gi"}}
    assert state in made["spec"]["template"]["spec"]["volumes"]
    again = make_workload(DAEMON, without, CERTIFICATE, replicas=1, live=made)
    assert again == made


def test_names_fit_into_labels_and_hosts() -> None:
    longest = Daemon("n" * 63, "n" * 63)
    assert len(longest.name) <= 52, "a StatefulSet's pods carry its name and a hash in a label"
    assert longest.host(OWN) == f"{longest.name}.dp-buildkit.svc.cluster.local"
