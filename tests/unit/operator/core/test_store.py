"""What the watches saw: the newest state wins, whatever the order of the news."""

from typing import Any

import pytest
from ink_operator.core.kinds import CONTROLLER_REVISION, DEPLOYMENT, JOB, PERSISTENT_VOLUME_CLAIM, POD, Kind
from ink_operator.core.object_cache import ObjectCache, WatchScope
from ink_operator.core.objects import Ref
from ink_operator.core.selectors import matches, split_first

ALL = WatchScope(DEPLOYMENT, "", "ml.ink/service")
BUILDS = WatchScope(JOB, "dp-builds", "ml.ink/component=build")
CLAIMS = WatchScope(PERSISTENT_VOLUME_CLAIM, "", "ml.ink/service")
WEB = Ref(DEPLOYMENT, "shop", "web")


def live(version: int, name: str = "web", owner: str = "u1", kind: Kind = DEPLOYMENT, **more: Any) -> dict[str, Any]:
    labels = more.pop("labels", {"ml.ink/service": name, "ml.ink/owner-uid": owner})
    meta = {"name": name, "namespace": "shop", "resourceVersion": str(version), "labels": labels}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta, **more}


@pytest.fixture
def cache() -> ObjectCache:
    made = ObjectCache([ALL, BUILDS, CLAIMS])
    for scope in made.scopes:
        made.mark_synced(scope, frozenset(), 1, 0)
    return made


def version_of(cache: ObjectCache, ref: Ref = WEB) -> str | None:
    found = cache.get(ref)
    return found["metadata"]["resourceVersion"] if found else None


def test_older_and_repeated_news_count_for_nothing(cache: ObjectCache) -> None:
    cache.record(live(9), DEPLOYMENT)
    cache.record(live(7), DEPLOYMENT)
    cache.record(live(9), DEPLOYMENT)
    assert version_of(cache) == "9"


def test_what_was_deleted_does_not_come_back_by_late_news_of_its_life(cache: ObjectCache) -> None:
    cache.record(live(9), DEPLOYMENT)
    cache.record_deleted(WEB, 12)
    cache.record(live(11), DEPLOYMENT)
    assert version_of(cache) is None
    cache.record(live(13), DEPLOYMENT)
    assert version_of(cache) == "13"


def test_a_late_word_of_a_deletion_does_not_remove_its_successor(cache: ObjectCache) -> None:
    cache.record(live(20), DEPLOYMENT)
    cache.record_deleted(WEB, 12)
    assert version_of(cache) == "20"


def test_it_answers_for_no_kind_or_namespace_that_it_does_not_see(cache: ObjectCache) -> None:
    assert cache.knows(WEB)
    assert cache.knows(Ref(JOB, "dp-builds", "b"))
    assert not cache.knows(Ref(JOB, "shop", "b"))
    assert not cache.knows(Ref(POD, "shop", "web-1"))
    assert not cache.knows_all(CONTROLLER_REVISION, "shop")


def test_it_answers_nothing_until_it_is_filled_and_again_after_a_gap() -> None:
    cache = ObjectCache([ALL])
    assert not cache.knows(WEB)
    cache.mark_synced(ALL, frozenset(), 1, 0)
    assert cache.knows(WEB)
    cache.mark_gap(ALL)
    assert not cache.knows(WEB)
    assert not cache.knows_all(DEPLOYMENT, "shop")


def test_a_gap_that_begins_while_the_scope_is_listed_is_not_filled_by_that_list() -> None:
    cache = ObjectCache([ALL])
    gaps = cache.gaps(ALL)
    cache.mark_gap(ALL)
    cache.mark_synced(ALL, frozenset(), 1, gaps)
    assert not cache.knows(WEB)
    cache.mark_synced(ALL, frozenset(), 2, cache.gaps(ALL))
    assert cache.knows(WEB)


def test_filling_removes_what_is_gone_and_keeps_what_came_since(cache: ObjectCache) -> None:
    cache.record(live(5, "old"), DEPLOYMENT)
    cache.record(live(6), DEPLOYMENT)
    cache.record(live(30, "new"), DEPLOYMENT)
    cache.mark_synced(ALL, frozenset({WEB}), 20, 0)
    assert version_of(cache) == "6"
    assert version_of(cache, WEB._replace(name="old")) is None
    assert version_of(cache, WEB._replace(name="new")) == "30"


def test_what_is_doubtful_is_asked_for_until_a_watch_tells(cache: ObjectCache) -> None:
    cache.record(live(5), DEPLOYMENT)
    cache.invalidate(WEB)
    assert not cache.knows(WEB)
    assert not cache.knows_all(DEPLOYMENT, "shop")
    assert cache.knows_all(DEPLOYMENT, "other")
    cache.record(live(6), DEPLOYMENT)
    assert cache.knows(WEB)
    assert cache.knows_all(DEPLOYMENT, "shop")


def test_an_object_that_loses_its_label_is_not_known_any_more(cache: ObjectCache) -> None:
    cache.record(live(5), DEPLOYMENT)
    cache.record(live(6, labels={"other": "x"}), DEPLOYMENT)
    assert version_of(cache) is None
    assert cache.group(DEPLOYMENT, "shop", "u1", "") == []


def test_objects_are_found_by_owner_and_follow_it(cache: ObjectCache) -> None:
    for version, name, owner in ((5, "b", "u1"), (6, "a", "u1"), (7, "c", "u2")):
        cache.record(live(version, name, owner), DEPLOYMENT)
    assert [o["metadata"]["name"] for o in cache.group(DEPLOYMENT, "shop", "u1", "")] == ["a", "b"]
    assert [o["metadata"]["name"] for o in cache.group(DEPLOYMENT, "shop", "u1", "ml.ink/service=b")] == ["b"]
    cache.record(live(8, "b", "u2"), DEPLOYMENT)
    assert [o["metadata"]["name"] for o in cache.group(DEPLOYMENT, "shop", "u1", "")] == ["a"]
    assert [o["metadata"]["name"] for o in cache.group(DEPLOYMENT, "shop", "u2", "")] == ["b", "c"]


def test_volumes_are_found_by_the_service_they_outlive(cache: ObjectCache) -> None:
    cache.record(live(5, "web", "u1", PERSISTENT_VOLUME_CLAIM), PERSISTENT_VOLUME_CLAIM)
    assert len(cache.group(PERSISTENT_VOLUME_CLAIM, "shop", "web", "")) == 1


def test_what_a_caller_does_to_an_answer_stays_with_the_caller(cache: ObjectCache) -> None:
    cache.record(live(5, spec={"replicas": 1}), DEPLOYMENT)
    answer = cache.get(WEB)
    assert answer is not None
    answer["spec"]["replicas"] = 7
    again = cache.get(WEB)
    assert again is not None
    assert again["spec"]["replicas"] == 1


def test_a_changed_status_alone_is_no_news(cache: ObjectCache) -> None:
    cache.record(live(5, spec={"a": 1}, status={"x": 1}), DEPLOYMENT)
    assert not cache.has_changed(live(6, spec={"a": 1}, status={"x": 2}), DEPLOYMENT)
    assert cache.has_changed(live(6, spec={"a": 2}, status={"x": 1}), DEPLOYMENT)
    assert cache.has_changed(live(6, "other"), DEPLOYMENT)


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
