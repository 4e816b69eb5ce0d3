"""A lifetime: when it is over, and in which order what runs goes then."""

from ink_api.condition_types import ConditionType
from ink_operator.core.objects import Manifest
from ink_operator.inkservice.decide.ttl import expire_step, expired, seconds_left
from ink_operator.inkservice.model import Claim
from unit.operator.inkservice.deciding import (
    Row,
    again,
    ago,
    attempt,
    child,
    deciding,
    effects,
    revision,
    rows,
    run,
    said,
    workload,
)

HOUR = {"ttl": "1h"}
WORKER = {**HOUR, "ports": []}
DAYS = 30 * 86400.0 - 3600


def old(seconds: float) -> dict[str, str]:
    return {"creationTimestamp": ago(seconds)}


@rows(
    Row("without a lifetime it lives on", {"meta": old(10**6)}, (None, False, None)),
    Row("an object that is not written yet has no age", {"spec": HOUR}, (None, False, None)),
    Row("it is looked at when the rest is over", {"spec": HOUR, "meta": old(1800)}, (1800.0, False, 1800.0)),
    Row("in its last second it lives", {"spec": HOUR, "meta": old(3599)}, (1.0, False, 1.0)),
    Row("to the second it is over", {"spec": HOUR, "meta": old(3600)}, (0.0, True, None)),
    Row("long after it is over", {"spec": HOUR, "meta": old(10**6)}, (3600.0 - 10**6, True, None)),
    Row("a longer lifetime brings it back", {"spec": {"ttl": "720h"}, "meta": old(3600)}, (DAYS, False, DAYS)),
)
def test_a_lifetime_is_over_to_the_second(row: Row) -> None:
    plan = deciding(**row.given)
    assert (seconds_left(plan), expired(plan), again(plan)) == row.expected, row.why


def volume(policy: str) -> dict[str, Manifest]:
    one = child("PersistentVolumeClaim", "web-data", meta={"annotations": {"ml.ink/deletion-policy": policy}})
    return {"web-data": one}


ALL = {
    "ingress": child("Ingress"),
    "autoscaler": child("HorizontalPodAutoscaler"),
    "deployment": workload(),
    "cron_job": workload("CronJob"),
    "service": child("Service"),
}
IN_ORDER = ["Ingress web", "HorizontalPodAutoscaler web", "Deployment web", "CronJob web", "Service web"]
BUILD = attempt("Running")
SELF = "Delete InkService acme.shop.web"


@rows(
    Row("route first, then pods", ALL, (IN_ORDER, 1.0)),
    Row("what is somebody else's stays", {"service": child("Service", labels={})}, ([], None)),
    Row("a volume to be deleted goes", {"volumes": volume("Delete")}, (["PersistentVolumeClaim web-data"], None)),
    Row("a volume to be kept stays", {"volumes": volume("Retain")}, ([], None)),
    Row("sealed values go", {"env_children": {"Secret": child("Secret", "web-env")}}, (["Secret web-env"], None)),
    Row("builds end", {"attempts": (BUILD,)}, ([f"Job {BUILD.name}", f"Secret {BUILD.name}"], None)),
    Row("release commands end", {"releases": (run("Running", revision(1)),)}, (["Job web-r-r1"], None)),
    Row("its records stay, for a longer lifetime", {"revisions": (revision(1),)}, ([], None)),
)
def test_what_goes_when_it_is_over(row: Row) -> None:
    plan = deciding(spec=WORKER, meta=old(7200), **row.given)
    expire_step(plan)
    gone, look = row.expected
    assert effects(plan) == [*(f"Delete {line}" for line in gone), SELF], row.why
    assert again(plan) == look, row.why
    assert said(plan, ConditionType.READY) == ("False", "Expired")
    assert said(plan, ConditionType.DEPLOYED) == ("Unknown", "Expired")


EARLIER = {"claim": Claim.FREE, "stale_claims": ("host-1",)}


@rows(
    Row("the host is given up once nothing is routed by it", {}, ["ReleaseHost", SELF]),
    Row("a route keeps the host until it is gone", {"ingress": child("Ingress")}, ["Delete Ingress web", SELF]),
    Row("a host that another service has is not ours to give", {"claim": Claim.TAKEN}, [SELF]),
    Row("hosts that were wanted before are given up", EARLIER, ["ReleaseHost", SELF]),
)
def test_what_becomes_of_its_host(row: Row) -> None:
    plan = deciding(spec=HOUR, meta=old(7200), **row.given)
    expire_step(plan)
    assert effects(plan) == row.expected, row.why


def test_a_file_of_somebodys_stays_where_gitops_would_bring_it_back() -> None:
    plan = deciding(spec=WORKER, meta={**old(7200), "namespace": "team"}, deployment=workload())
    expire_step(plan)
    assert effects(plan) == ["Delete Deployment web"]
