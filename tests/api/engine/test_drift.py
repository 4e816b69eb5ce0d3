"""What somebody deletes or edits comes back at once; what belongs to others stays as they left it.

Nothing here waits for the resync: the interval is far longer than any deadline of a test.
"""

from __future__ import annotations

import difflib

import pytest
from support.cluster.audit import AuditTail
from support.cluster.kube_api import Json
from support.operating.children import KINDS, Child, Home, make_all, touch
from support.operating.engine import DEPLOYMENTS, OPERATOR, POLICIES, Engine, Surroundings
from support.waiting import eventually, stays

EDITS: dict[str, tuple[str, str, Json]] = {
    "the image": (
        DEPLOYMENTS,
        "server",
        {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "evil"}]}}}},
    ),
    "the strategy": (DEPLOYMENTS, "server", {"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 1}}}}),
    "a label of ours": (DEPLOYMENTS, "server", {"metadata": {"labels": {"ml.ink/tenant": "other"}}}),
    "a policy for others": (POLICIES, "ink-allow-egress", {"spec": {"podSelector": None}}),
}
"""More than one field of a kind can be edited; lists are merged by their keys."""
STRATEGIC = "application/strategic-merge-patch+json"
AUTOSCALER = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
RESTORED = [kind for kind, child in KINDS.items() if child.is_restored]


@pytest.fixture(scope="module")
def homes(world: Engine) -> dict[str, Home]:
    """Services at rest, which together have every kind of child."""
    return make_all(world)


def comes_back(engine: Engine, home: Home, child: Child, before: str, uid: str | None = None) -> None:
    """The child is again as it was; with `uid`, it is another one than that."""

    def same() -> bool:
        live = child.found(engine, home)
        return live is not None and live["metadata"]["uid"] != uid and child.state(engine, home) == before

    eventually(
        same,
        within=60,
        what="the same child again",
        every=0.1,
        state=lambda: "\n".join(
            [
                *difflib.ndiff(before.split(", "), (child.state(engine, home) or "gone").split(", ")),
                engine.operator.tail(20),
            ]
        ),
    )
    engine.rest(quiet=0.3)


def at_rest(engine: Engine, home: Home, child: Child) -> str:
    before = child.state(engine, home)
    assert before is not None
    return before


@pytest.mark.parametrize("kind", KINDS)
def test_an_edit_by_hand_is_undone(engine: Engine, homes: dict[str, Home], kind: str) -> None:
    child = KINDS[kind]
    home = homes[child.of]
    before = at_rest(engine, home, child)
    edited = engine.api.merge(child.path(home), child.edit)
    assert edited["metadata"]["resourceVersion"], "the edit was taken"
    comes_back(engine, home, child, before)


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_of_any_field_is_undone(engine: Engine, homes: dict[str, Home], what: str) -> None:
    path, name, patch = EDITS[what]
    home = homes["server"]
    child = Child("server", lambda home: f"{path.format(home.space)}/{name}", patch)
    before = at_rest(engine, home, child)
    engine.api.request("PATCH", child.path(home), patch, content_type=STRATEGIC)
    comes_back(engine, home, child, before)


@pytest.mark.parametrize("kind", RESTORED)
def test_a_deleted_child_comes_back(engine: Engine, homes: dict[str, Home], kind: str) -> None:
    child = KINDS[kind]
    home = homes[child.of]
    before = at_rest(engine, home, child)
    live = child.found(engine, home)
    assert live is not None
    engine.api.delete(child.path(home))
    comes_back(engine, home, child, before, live["metadata"]["uid"])


def test_an_autoscalers_number_of_pods_is_left_alone(
    engine: Engine, around: Surroundings, homes: dict[str, Home]
) -> None:
    """Written by its identity, through the subresource that it has."""
    home = homes["server"]
    path = f"{DEPLOYMENTS.format(home.space)}/{home.child}"
    audit = AuditTail(around.plane.audit_log)
    for wanted in (4, 2):
        engine.api.request(
            "PATCH",
            f"{path}/scale",
            {"spec": {"replicas": wanted}},
            content_type="application/merge-patch+json",
            impersonate_user=AUTOSCALER,
            impersonate_group="system:masters",
        )
        eventually(
            lambda wanted=wanted: engine.api.get(path)["status"].get("readyReplicas") == wanted,
            within=60,
            what="its pods run",
        )
        looked_at(engine, home)
        stays(lambda wanted=wanted: engine.api.get(path)["spec"]["replicas"] == wanted, seconds=1, what="the number")
    assert [w for w in audit.writes(OPERATOR) if "/deployments/" in str(w)] == []


def looked_at(engine: Engine, home: Home) -> None:
    """A whole pass has been made over the service from now on."""
    passes = engine.operator.metric("ink_reconcile_seconds_count", 'kind="InkService"')
    touch(engine, home)
    eventually(
        lambda: engine.operator.metric("ink_reconcile_seconds_count", 'kind="InkService"') > passes,
        within=30,
        what="it was looked at",
        state=engine.operator.tail,
    )
    engine.rest(quiet=1.0)


def test_what_others_add_is_left_alone(engine: Engine, around: Surroundings, homes: dict[str, Home]) -> None:
    theirs = {"annotations": {"example.com/injected": "yes"}, "labels": {"example.com/team": "blue"}}
    engine.rest()
    audit = AuditTail(around.plane.audit_log)
    for child in KINDS.values():
        engine.api.merge(child.path(homes[child.of]), {"metadata": theirs})
    for home in homes.values():
        looked_at(engine, home)

    def lost() -> list[str]:
        found = {kind: child.found(engine, homes[child.of]) or {"metadata": {}} for kind, child in KINDS.items()}
        return [
            kind
            for kind, live in found.items()
            if any(not live["metadata"].get(part, {}).items() >= theirs[part].items() for part in theirs)
        ]

    stays(lambda: lost() == [], seconds=1, what=f"what others added: {lost()}")
    # The report, with its events, may still count pods of the test before.
    told = ("inkservices/status", "events")
    assert [write for write in audit.writes(OPERATOR) if write.resource not in told] == []


def test_what_others_add_outlives_a_change(engine: Engine, homes: dict[str, Home]) -> None:
    home = homes["server"]
    path = f"{DEPLOYMENTS.format(home.space)}/{home.child}"
    pods = {"spec": {"template": {"metadata": {"annotations": {"example.com/injected": "yes"}}}}}
    engine.api.merge(path, {**pods, "metadata": {"labels": {"example.com/team": "blue"}}})
    engine.change(home.owner, home.name, restartedAt="now")
    engine.wait_ready(home.owner, home.name)
    live = engine.api.get(path)
    assert live["spec"]["template"]["metadata"]["annotations"]["example.com/injected"] == "yes"
    assert live["metadata"]["labels"]["example.com/team"] == "blue"
