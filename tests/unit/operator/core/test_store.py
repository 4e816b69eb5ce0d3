"""What the watches saw: the newest state wins, whatever the order of the news."""

from typing import Any

import pytest
from ink_operator.core.objects import CONTROLLER_REVISION, DEPLOYMENT, JOB, PERSISTENT_VOLUME_CLAIM, POD, Kind, Ref
from ink_operator.core.selectors import matches, split_first
from ink_operator.core.store import Scope, Store

ALL = Scope(DEPLOYMENT, "", "ml.ink/service")
BUILDS = Scope(JOB, "dp-builds", "ml.ink/component=build")
CLAIMS = Scope(PERSISTENT_VOLUME_CLAIM, "", "ml.ink/service")
WEB = Ref(DEPLOYMENT, "shop", "web")


def live(version: int, name: str = "web", owner: str = "u1", kind: Kind = DEPLOYMENT, **more: Any) -> dict[str, Any]:
    labels = more.pop("labels", {"ml.ink/service": name, "ml.ink/owner-uid": owner})
    meta = {"name": name, "namespace": "shop", "resourceVersion": str(version), "labels": labels}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta, **more}


@pytest.fixture
def store() -> Store:
    made = Store([ALL, BUILDS, CLAIMS])
    for scope in made.scopes:
        made.filled(scope, frozenset(), 1, 0)
    return made


def version_of(store: Store, ref: Ref = WEB) -> str | None:
    found = store.get(ref)
    return found["metadata"]["resourceVersion"] if found else None


def test_older_and_repeated_news_count_for_nothing(store: Store) -> None:
    store.see(live(9), DEPLOYMENT)
    store.see(live(7), DEPLOYMENT)
    store.see(live(9), DEPLOYMENT)
    assert version_of(store) == "9"


def test_what_was_deleted_does_not_come_back_by_late_news_of_its_life(store: Store) -> None:
    store.see(live(9), DEPLOYMENT)
    store.gone(WEB, 12)
    store.see(live(11), DEPLOYMENT)
    assert version_of(store) is None
    store.see(live(13), DEPLOYMENT)
    assert version_of(store) == "13"


def test_a_late_word_of_a_deletion_does_not_remove_its_successor(store: Store) -> None:
    store.see(live(20), DEPLOYMENT)
    store.gone(WEB, 12)
    assert version_of(store) == "20"


def test_it_answers_for_no_kind_or_namespace_that_it_does_not_see(store: Store) -> None:
    assert store.knows(WEB)
    assert store.knows(Ref(JOB, "dp-builds", "b"))
    assert not store.knows(Ref(JOB, "shop", "b"))
    assert not store.knows(Ref(POD, "shop", "web-1"))
    assert not store.knows_all(CONTROLLER_REVISION, "shop")


def test_it_answers_nothing_until_it_is_filled_and_again_after_a_gap() -> None:
    store = Store([ALL])
    assert not store.knows(WEB)
    store.filled(ALL, frozenset(), 1, 0)
    assert store.knows(WEB)
    store.missed(ALL)
    assert not store.knows(WEB)
    assert not store.knows_all(DEPLOYMENT, "shop")


def test_a_gap_that_begins_while_the_scope_is_listed_is_not_filled_by_that_list() -> None:
    store = Store([ALL])
    gaps = store.gaps(ALL)
    store.missed(ALL)
    store.filled(ALL, frozenset(), 1, gaps)
    assert not store.knows(WEB)
    store.filled(ALL, frozenset(), 2, store.gaps(ALL))
    assert store.knows(WEB)


def test_filling_removes_what_is_gone_and_keeps_what_came_since(store: Store) -> None:
    store.see(live(5, "old"), DEPLOYMENT)
    store.see(live(6), DEPLOYMENT)
    store.see(live(30, "new"), DEPLOYMENT)
    store.filled(ALL, frozenset({WEB}), 20, 0)
    assert version_of(store) == "6"
    assert version_of(store, WEB._replace(name="old")) is None
    assert version_of(store, WEB._replace(name="new")) == "30"


def test_what_is_doubtful_is_asked_for_until_a_watch_tells(store: Store) -> None:
    store.see(live(5), DEPLOYMENT)
    store.doubt(WEB)
    assert not store.knows(WEB)
    assert not store.knows_all(DEPLOYMENT, "shop")
    assert store.knows_all(DEPLOYMENT, "other")
    store.see(live(6), DEPLOYMENT)
    assert store.knows(WEB)
    assert store.knows_all(DEPLOYMENT, "shop")


def test_an_object_that_loses_its_label_is_not_known_any_more(store: Store) -> None:
    store.see(live(5), DEPLOYMENT)
    store.see(live(6, labels={"other": "x"}), DEPLOYMENT)
    assert version_of(store) is None
    assert store.group(DEPLOYMENT, "shop", "u1", "") == []


def test_objects_are_found_by_owner_and_follow_it(store: Store) -> None:
    for version, name, owner in ((5, "b", "u1"), (6, "a", "u1"), (7, "c", "u2")):
        store.see(live(version, name, owner), DEPLOYMENT)
    assert [o["metadata"]["name"] for o in store.group(DEPLOYMENT, "shop", "u1", "")] == ["a", "b"]
    assert [o["metadata"]["name"] for o in store.group(DEPLOYMENT, "shop", "u1", "ml.ink/service=b")] == ["b"]
    store.see(live(8, "b", "u2"), DEPLOYMENT)
    assert [o["metadata"]["name"] for o in store.group(DEPLOYMENT, "shop", "u1", "")] == ["a"]
    assert [o["metadata"]["name"] for o in store.group(DEPLOYMENT, "shop", "u2", "")] == ["b", "c"]


def test_volumes_are_found_by_the_service_they_outlive(store: Store) -> None:
    store.see(live(5, "web", "u1", PERSISTENT_VOLUME_CLAIM), PERSISTENT_VOLUME_CLAIM)
    assert len(store.group(PERSISTENT_VOLUME_CLAIM, "shop", "web", "")) == 1


def test_what_a_caller_does_to_an_answer_stays_with_the_caller(store: Store) -> None:
    store.see(live(5, spec={"replicas": 1}), DEPLOYMENT)
    answer = store.get(WEB)
    assert answer is not None
    answer["spec"]["replicas"] = 7
    again = store.get(WEB)
    assert again is not None
    assert again["spec"]["replicas"] == 1


def test_a_changed_status_alone_is_no_news(store: Store) -> None:
    store.see(live(5, spec={"a": 1}, status={"x": 1}), DEPLOYMENT)
    assert not store.is_news(live(6, spec={"a": 1}, status={"x": 2}), DEPLOYMENT)
    assert store.is_news(live(6, spec={"a": 2}, status={"x": 1}), DEPLOYMENT)
    assert store.is_news(live(6, "other"), DEPLOYMENT)


@pytest.mark.parametrize(
    ("selector", "selected"),
    [("", True), ("a", True), ("z", False), ("a=1", True), ("a=2", False), ("a=1,b", True), ("b in (1,2),a=1", True),
     ("b in (1,3)", False), ("z in (1)", False)],
)  # fmt: skip
def test_selectors(selector: str, selected: bool) -> None:
    assert matches({"a": "1", "b": "2"}, selector) is selected


def test_the_first_requirement_of_a_selector() -> None:
    assert split_first("a=1,b in (2,3)", "a") == ("1", "b in (2,3)")
    assert split_first("a=1", "a") == ("1", "")
    assert split_first("b=1,a=2", "a") == (None, "b=1,a=2")
    assert split_first("a", "a") == (None, "a")
