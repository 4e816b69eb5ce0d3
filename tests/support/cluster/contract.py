"""What the operator expects of an API server: one suite, run on the one in memory and on a real kube-apiserver."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest
from ink_operator.core.errors import AlreadyExists, Conflict, Rejected, Transient
from ink_operator.core.kinds import CONFIG_MAP, DEPLOYMENT, INK_SERVICE, NAMESPACE, SECRET, Kind
from ink_operator.core.objects import Manifest, Ref
from ink_operator.inkservice.decide.scale import owns_replicas
from ink_operator.inkservice.desired.workload import make_hand_over
from ink_operator.ports import KubernetesApi

WITHIN_SECONDS = 60.0
"""The garbage collector of a real cluster takes its time."""
HOLD = "example.com/holds"


class Place(Protocol):
    """Where the suite runs: a namespace of its own, and what others do to the objects there."""

    @property
    def cluster(self) -> KubernetesApi: ...

    @property
    def namespace(self) -> str: ...

    async def edit(self, ref: Ref, patch: dict[str, Any], subresource: str = "") -> Manifest:
        """A merge patch by a person or a controller, with a field manager of its own."""

    async def make_namespace(self) -> str:
        """A fresh one."""


def ref(place: Place, kind: Kind, name: str = "one") -> Ref:
    return Ref(kind, place.namespace, name)


def meta(place: Place, name: str = "one", **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": place.namespace, **more}


def config(place: Place, name: str = "one", data: dict[str, str] | None = None, **more: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(place, name, **more), "data": data or {"a": "1"}}


def service(place: Place, **spec: Any) -> Manifest:
    source = {"image": {"ref": "registry.example.com/shop@sha256:" + "1" * 64}}
    body = {"source": source, **spec}
    return {"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "metadata": meta(place), "spec": body}


def deployment(place: Place, *containers: dict[str, Any], annotations: Any = None, **spec: Any) -> Manifest:
    """No pods are asked for unless `replicas` says so: nothing here needs them."""
    labels = {"app": "one"}
    pods = list(containers or ({"name": "app", "image": "registry.example.com/shop:1"},))
    template = {"metadata": {"labels": labels}, "spec": {"containers": pods}}
    body = {"selector": {"matchLabels": labels}, "template": template, **spec}
    notes = {"annotations": annotations} if annotations else {}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(place, **notes), "spec": body}


def version(live: Manifest | None) -> str:
    assert live is not None
    found: str = live["metadata"]["resourceVersion"]
    return found


async def found(place: Place, at: Ref) -> Manifest:
    live = await place.cluster.get(at)
    assert live is not None
    return live


async def eventually(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    end = time.monotonic() + WITHIN_SECONDS
    while not await condition():
        assert time.monotonic() < end, f"not within {WITHIN_SECONDS:.0f} s: {what}"
        await asyncio.sleep(0.1)


async def hand_over(place: Place, at: Ref) -> None:
    """Of the version that is there: a controller of a real cluster may be writing meanwhile."""

    async def done() -> bool:
        try:
            await place.cluster.hand_over(make_hand_over(await found(place, at)))
        except Conflict:
            return False
        return True

    await eventually(done, "replicas are handed over")


async def is_gone(place: Place, at: Ref) -> bool:
    return await place.cluster.get(at) is None


# creation ------------------------------------------------------------------------------------------------------------


async def what_is_created_is_there_with_a_life_of_its_own(place: Place) -> None:
    made = await place.cluster.create(config(place, labels={"app": "shop"}))
    assert made["data"] == {"a": "1"}
    assert made["metadata"]["uid"]
    assert made["metadata"]["creationTimestamp"]
    assert await found(place, ref(place, CONFIG_MAP)) == made
    await place.cluster.delete(ref(place, CONFIG_MAP))
    again = await place.cluster.create(config(place))
    assert again["metadata"]["uid"] != made["metadata"]["uid"]


async def a_name_is_taken_once(place: Place) -> None:
    made = await place.cluster.create(config(place))
    with pytest.raises(AlreadyExists):
        await place.cluster.create(config(place, data={"a": "2"}))
    assert await found(place, ref(place, CONFIG_MAP)) == made


async def what_is_not_there_is_none(place: Place) -> None:
    assert await place.cluster.get(ref(place, CONFIG_MAP)) is None
    assert await place.cluster.merge_patch(ref(place, CONFIG_MAP), {"data": {"a": "1"}}) is None
    await place.cluster.delete(ref(place, CONFIG_MAP))


async def nothing_is_made_in_a_namespace_that_is_not_there(place: Place) -> None:
    elsewhere = config(place) | {"metadata": {"name": "one", "namespace": f"{place.namespace}-none"}}
    with pytest.raises(Transient):
        await place.cluster.create(elsewhere)
    with pytest.raises(Transient):
        await place.cluster.apply(elsewhere)


async def the_status_of_a_new_object_is_empty(place: Place) -> None:
    made = await place.cluster.create({**service(place), "status": {"observedGeneration": 7}})
    assert made.get("status", {}).get("observedGeneration") != 7


# versions ------------------------------------------------------------------------------------------------------------


async def every_change_is_another_version(place: Place) -> None:
    made = await place.cluster.create(config(place))
    changed = await place.cluster.merge_patch(ref(place, CONFIG_MAP), {"data": {"a": "2"}})
    assert version(changed) != version(made)
    assert version(changed) == version(await found(place, ref(place, CONFIG_MAP)))


async def a_write_that_changes_nothing_is_no_version(place: Place) -> None:
    made = await place.cluster.apply(config(place))
    assert version(await place.cluster.apply(config(place))) == version(made)
    assert version(await place.cluster.merge_patch(ref(place, CONFIG_MAP), {"data": {"a": "1"}})) == version(made)


async def a_patch_of_another_version_or_object_is_refused(place: Place) -> None:
    made = await place.cluster.create(config(place))
    at = ref(place, CONFIG_MAP)
    await place.edit(at, {"data": {"a": "2"}})
    for stale, refusal in (({"resourceVersion": version(made)}, Conflict), ({"uid": "another"}, Rejected)):
        with pytest.raises(refusal):
            await place.cluster.merge_patch(at, {"metadata": stale, "data": {"a": "3"}})
    fresh = {"resourceVersion": version(await found(place, at)), "uid": made["metadata"]["uid"]}
    changed = await place.cluster.merge_patch(at, {"metadata": fresh, "data": {"a": "3"}})
    assert changed is not None
    assert changed["data"] == {"a": "3"}


async def an_apply_of_another_version_or_object_is_refused(place: Place) -> None:
    made = await place.cluster.apply(config(place))
    await place.edit(ref(place, CONFIG_MAP), {"data": {"b": "2"}})
    for stale, refusal in (({"resourceVersion": version(made)}, Conflict), ({"uid": "another"}, Rejected)):
        with pytest.raises(refusal):
            await place.cluster.apply(config(place, data={"a": "3"}, **stale))
    assert (await found(place, ref(place, CONFIG_MAP)))["data"] == {"a": "1", "b": "2"}


async def an_apply_for_an_object_that_is_gone_makes_no_other(place: Place) -> None:
    with pytest.raises(Conflict):
        await place.cluster.apply(config(place, uid="gone"))
    assert await is_gone(place, ref(place, CONFIG_MAP))


# server-side apply ---------------------------------------------------------------------------------------------------


async def what_is_not_applied_any_more_is_removed(place: Place) -> None:
    await place.cluster.apply(config(place, data={"a": "1", "b": "2"}, labels={"x": "1", "y": "2"}))
    live = await place.cluster.apply(config(place, data={"a": "1"}, labels={"y": "2"}))
    assert live["data"] == {"a": "1"}
    assert live["metadata"]["labels"] == {"y": "2"}


async def what_others_add_stays(place: Place) -> None:
    await place.cluster.apply(config(place, data={"a": "1"}))
    theirs = {"data": {"b": "2"}, "metadata": {"labels": {"team": "x"}, "annotations": {"note": "n"}}}
    await place.edit(ref(place, CONFIG_MAP), theirs)
    live = await place.cluster.apply(config(place, data={"a": "3"}))
    assert live["data"] == {"a": "3", "b": "2"}
    assert live["metadata"]["labels"] == {"team": "x"}
    assert live["metadata"]["annotations"] == {"note": "n"}


async def what_others_change_is_taken_back(place: Place) -> None:
    await place.cluster.apply(config(place))
    await place.edit(ref(place, CONFIG_MAP), {"data": {"a": "theirs"}})
    assert (await place.cluster.apply(config(place)))["data"] == {"a": "1"}


async def what_others_have_taken_over_stays_when_it_is_applied_no_more(place: Place) -> None:
    await place.cluster.apply(config(place, data={"a": "1", "b": "2"}))
    await place.edit(ref(place, CONFIG_MAP), {"data": {"b": "theirs"}})
    assert (await place.cluster.apply(config(place)))["data"] == {"a": "1", "b": "theirs"}


async def what_others_remove_comes_back(place: Place) -> None:
    await place.cluster.apply(config(place, data={"a": "1", "b": "2"}))
    await place.edit(ref(place, CONFIG_MAP), {"data": {"b": None}})
    assert (await place.cluster.apply(config(place, data={"a": "1", "b": "2"})))["data"] == {"a": "1", "b": "2"}


async def lists_of_named_things_are_merged_by_their_names(place: Place) -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    app = {"name": "app", "image": "registry.example.com/shop:1", "env": env}
    await place.cluster.apply(deployment(place, app, replicas=0))
    other = {"name": "beside", "image": "registry.example.com/beside:1"}
    live = await found(place, ref(place, DEPLOYMENT))
    pods = live["spec"]["template"]["spec"]["containers"]
    await place.edit(ref(place, DEPLOYMENT), {"spec": {"template": {"spec": {"containers": [*pods, other]}}}})
    applied = await place.cluster.apply(deployment(place, {**app, "env": env[1:]}, replicas=0))
    containers = {c["name"]: c for c in applied["spec"]["template"]["spec"]["containers"]}
    assert set(containers) == {"app", "beside"}
    assert containers["app"]["env"] == env[1:]


async def a_volume_that_is_applied_no_more_is_gone_as_a_whole(place: Place) -> None:
    app = {"name": "app", "image": "registry.example.com/shop:1"}
    mounted = {**app, "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}
    wanted = deployment(place, mounted, replicas=0)
    wanted["spec"]["template"]["spec"]["volumes"] = [{"name": "tmp", "emptyDir": {}}]
    await place.cluster.apply(wanted)
    live = await place.cluster.apply(deployment(place, app, replicas=0))
    pod = live["spec"]["template"]["spec"]
    assert not pod.get("volumes")
    assert not pod["containers"][0].get("volumeMounts")


async def a_number_of_pods_is_given_by_whoever_gave_it_last(place: Place) -> None:
    """What autoscaling rests on: Ink lets go of `replicas`, and nobody sets it back."""
    at = ref(place, DEPLOYMENT)
    assert owns_replicas(await place.cluster.apply(deployment(place, replicas=0)))
    await hand_over(place, at)
    live = await place.cluster.apply(deployment(place))
    assert live["spec"]["replicas"] == 0, "the manager that only holds still asks for it"
    assert not owns_replicas(live)
    await place.edit(at, {"metadata": {"annotations": {"note": "n"}}})
    assert (await place.cluster.apply(deployment(place)))["spec"]["replicas"] == 0


async def a_number_of_pods_that_nobody_gives_is_one(place: Place) -> None:
    assert (await place.cluster.apply(deployment(place)))["spec"]["replicas"] == 1


async def a_number_that_another_gives_is_not_owned_any_more(place: Place) -> None:
    await place.cluster.apply(deployment(place, replicas=1))
    await place.edit(ref(place, DEPLOYMENT), {"spec": {"replicas": 0}})
    assert not owns_replicas(await found(place, ref(place, DEPLOYMENT)))
    live = await place.cluster.apply(deployment(place))
    assert live["spec"]["replicas"] == 0


async def a_hand_over_of_another_version_is_a_conflict(place: Place) -> None:
    live = await place.cluster.apply(deployment(place, replicas=0))
    await place.edit(ref(place, DEPLOYMENT), {"spec": {"minReadySeconds": 3}})
    with pytest.raises(Conflict):
        await place.cluster.hand_over(make_hand_over(live))


# merge patch ---------------------------------------------------------------------------------------------------------


async def a_patch_changes_what_it_names_and_removes_what_it_nulls(place: Place) -> None:
    await place.cluster.create(config(place, data={"a": "1", "b": "2"}, labels={"x": "1"}))
    patch = {"data": {"b": None, "c": "3"}, "metadata": {"annotations": {"note": "n"}}}
    live = await place.cluster.merge_patch(ref(place, CONFIG_MAP), patch)
    assert live is not None
    assert live["data"] == {"a": "1", "c": "3"}
    assert live["metadata"]["labels"] == {"x": "1"}
    assert live["metadata"]["annotations"] == {"note": "n"}


async def a_patch_replaces_lists(place: Place) -> None:
    await place.cluster.create(service(place, env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]))
    live = await place.cluster.merge_patch(ref(place, INK_SERVICE), {"spec": {"env": [{"name": "C", "value": "3"}]}})
    assert live is not None
    assert [v["name"] for v in live["spec"]["env"]] == ["C"]


# generation and status -----------------------------------------------------------------------------------------------


async def only_what_is_asked_for_makes_a_generation(place: Place) -> None:
    at = ref(place, INK_SERVICE)
    made = await place.cluster.create(service(place, replicas=1))
    assert made["metadata"]["generation"] == 1
    for patch, subresource, generation in (
        ({"metadata": {"labels": {"team": "x"}, "annotations": {"note": "n"}}}, "", 1),
        ({"status": {"observedGeneration": 1}}, "status", 1),
        ({"spec": {"replicas": 1}}, "", 1),
        ({"spec": {"replicas": 2}}, "", 2),
    ):
        live = await place.cluster.merge_patch(at, patch, subresource=subresource)
        assert live is not None
        assert live["metadata"]["generation"] == generation, patch


async def an_annotation_is_a_generation_of_a_deployment(place: Place) -> None:
    made = await place.cluster.apply(deployment(place, annotations={"note": "1"}, replicas=0))
    live = await place.cluster.apply(deployment(place, annotations={"note": "2"}, replicas=0))
    assert live["metadata"]["generation"] > made["metadata"]["generation"]


async def kinds_without_wishes_have_no_generation(place: Place) -> None:
    assert "generation" not in (await place.cluster.create(config(place)))["metadata"]


async def status_and_spec_are_written_apart(place: Place) -> None:
    at = ref(place, INK_SERVICE)
    made = await place.cluster.create(service(place, replicas=1))
    both = {"spec": {"replicas": 5}, "status": {"observedGeneration": 1, "conditions": []}}
    live = await place.cluster.merge_patch(at, {**both, "metadata": {"labels": {"x": "1"}}}, subresource="status")
    assert live is not None
    assert (live["spec"], live["status"]["observedGeneration"]) == (made["spec"], 1)
    assert "labels" not in live["metadata"]
    live = await place.cluster.merge_patch(at, {"spec": {"replicas": 2}, "status": {"observedGeneration": 9}})
    assert live is not None
    assert (live["spec"]["replicas"], live["status"]["observedGeneration"]) == (2, 1)


async def nobody_writes_what_is_the_servers(place: Place) -> None:
    made = await place.cluster.create(service(place))
    forged = {"generation": 99, "labels": {"x": "1"}}
    live = await place.cluster.merge_patch(ref(place, INK_SERVICE), {"metadata": forged})
    assert live is not None
    for name in ("uid", "generation", "creationTimestamp"):
        assert live["metadata"][name] == made["metadata"][name]
    assert live["metadata"]["labels"] == {"x": "1"}


# selection -----------------------------------------------------------------------------------------------------------

CHOSEN = {
    "": ["a", "b", "c"],
    "tier": ["a", "b"],
    "!tier": ["c"],
    "tier=web": ["a"],
    "tier!=web": ["b", "c"],
    "tier in (web,db)": ["a", "b"],
    "tier notin (web)": ["b", "c"],
    "app=shop,tier": ["a", "b"],
    "app=shop,tier in (db,cache)": ["b"],
    "app,!tier": ["c"],
    "app=other": [],
}
"""Selector -> names."""


async def selectors_choose_by_labels_in_the_order_of_names(place: Place) -> None:
    for name, labels in {"c": {}, "a": {"tier": "web"}, "b": {"tier": "db"}}.items():
        await place.cluster.create(config(place, name, labels={"app": "shop", **labels}))
    for selector, names in CHOSEN.items():
        listed = await place.cluster.list(CONFIG_MAP, place.namespace, selector)
        # Kubernetes itself puts a ConfigMap into every namespace.
        assert [o["metadata"]["name"] for o in listed if o["metadata"]["name"] in "abc"] == names, selector


async def lists_are_of_a_kind_and_of_a_namespace_or_of_all(place: Place) -> None:
    elsewhere = await place.make_namespace()
    label = {"app": place.namespace}
    await place.cluster.create(config(place, labels=label))
    there = config(place, labels=label)
    await place.cluster.create({**there, "metadata": {**there["metadata"], "namespace": elsewhere}})
    selector = f"app={place.namespace}"
    assert len(await place.cluster.list(CONFIG_MAP, place.namespace, selector)) == 1
    everywhere = await place.cluster.list(CONFIG_MAP, labels=selector)
    assert sorted(o["metadata"]["namespace"] for o in everywhere) == sorted((place.namespace, elsewhere))
    assert {(o["apiVersion"], o["kind"]) for o in everywhere} == {("v1", "ConfigMap")}
    assert await place.cluster.list(SECRET, place.namespace, selector) == []


# deletion ------------------------------------------------------------------------------------------------------------


async def a_deletion_of_another_object_or_version_is_a_conflict(place: Place) -> None:
    made = await place.cluster.create(config(place))
    at = ref(place, CONFIG_MAP)
    changed = await place.edit(at, {"data": {"a": "2"}})
    with pytest.raises(Conflict):
        await place.cluster.delete(at, uid="another")
    with pytest.raises(Conflict):
        await place.cluster.delete(at, resource_version=version(made))
    await place.cluster.delete(at, uid=made["metadata"]["uid"], resource_version=version(changed))
    assert await is_gone(place, at)


async def a_finalizer_holds_an_object_until_it_is_taken_away(place: Place) -> None:
    at = ref(place, INK_SERVICE)
    made = await place.cluster.create(service(place))
    await place.cluster.merge_patch(at, {"metadata": {"finalizers": [HOLD]}})
    await place.cluster.delete(at)
    live = await found(place, at)
    assert live["metadata"]["deletionTimestamp"]
    assert live["metadata"]["uid"] == made["metadata"]["uid"]
    assert live["metadata"]["generation"] > made["metadata"]["generation"]
    await place.cluster.delete(at)
    assert await found(place, at) == live
    with pytest.raises(AlreadyExists):
        await place.cluster.create(service(place))
    assert await place.cluster.merge_patch(at, {"metadata": {"finalizers": []}}) is not None
    assert await is_gone(place, at)


async def what_goes_takes_no_new_finalizer_and_does_not_come_back(place: Place) -> None:
    at = ref(place, CONFIG_MAP)
    await place.cluster.create(config(place, finalizers=[HOLD]))
    await place.cluster.delete(at)
    with pytest.raises(Rejected):
        await place.cluster.merge_patch(at, {"metadata": {"finalizers": [HOLD, "example.com/another"]}})
    live = await place.cluster.merge_patch(at, {"metadata": {"deletionTimestamp": None}})
    assert live is not None
    assert live["metadata"]["deletionTimestamp"]
    await place.edit(at, {"metadata": {"finalizers": None}})
    assert await is_gone(place, at)


# what belongs together -----------------------------------------------------------------------------------------------


def owned_by(*owners: Manifest) -> list[dict[str, Any]]:
    return [
        {"apiVersion": o["apiVersion"], "kind": o["kind"], "name": o["metadata"]["name"], "uid": o["metadata"]["uid"]}
        for o in owners
    ]


async def children_go_with_their_owner_and_theirs_with_them(place: Place) -> None:
    owner = await place.cluster.create(config(place, "owner"))
    child = await place.cluster.create(config(place, "child", ownerReferences=owned_by(owner)))
    await place.cluster.create(config(place, "grandchild", ownerReferences=owned_by(child)))
    await place.cluster.create(config(place, "other"))
    await place.cluster.delete(ref(place, CONFIG_MAP, "owner"))
    for name in ("child", "grandchild"):
        at = ref(place, CONFIG_MAP, name)
        await eventually(lambda at=at: is_gone(place, at), f"the {name} is gone")  # type: ignore[misc]
    assert not await is_gone(place, ref(place, CONFIG_MAP, "other"))


async def a_child_stays_as_long_as_one_owner_does(place: Place) -> None:
    owners = [await place.cluster.create(config(place, name)) for name in ("first", "second")]
    await place.cluster.create(config(place, "child", ownerReferences=owned_by(*owners)))
    at = ref(place, CONFIG_MAP, "child")
    await place.cluster.delete(ref(place, CONFIG_MAP, "first"))

    async def is_seconds_alone() -> bool:
        return [o["name"] for o in (await found(place, at))["metadata"]["ownerReferences"]] == ["second"]

    await eventually(is_seconds_alone, "the reference to the first owner is gone")
    await place.cluster.delete(ref(place, CONFIG_MAP, "second"))
    await eventually(lambda: is_gone(place, at), "the child is gone")


async def a_child_with_a_finalizer_waits_for_it(place: Place) -> None:
    owner = await place.cluster.create(config(place, "owner"))
    child = config(place, "child", ownerReferences=owned_by(owner), finalizers=[HOLD])
    await place.cluster.create(child)
    at = ref(place, CONFIG_MAP, "child")
    await place.cluster.delete(ref(place, CONFIG_MAP, "owner"))

    async def is_asked_to_go() -> bool:
        return bool((await found(place, at))["metadata"].get("deletionTimestamp"))

    await eventually(is_asked_to_go, "the child is asked to go")
    await place.edit(at, {"metadata": {"finalizers": None}})
    await eventually(lambda: is_gone(place, at), "the child is gone")


async def a_namespace_takes_everything_in_it_along(place: Place) -> None:
    space = await place.make_namespace()
    inner = Ref(CONFIG_MAP, space, "one")
    made = config(place)
    await place.cluster.create({**made, "metadata": {**made["metadata"], "namespace": space}})
    await place.cluster.delete(Ref(NAMESPACE, "", space))
    await eventually(lambda: is_gone(place, inner), "what was in it is gone")
    await eventually(lambda: is_gone(place, Ref(NAMESPACE, "", space)), "the namespace is gone")


PROMISES: list[Callable[[Place], Awaitable[None]]] = [
    what_is_created_is_there_with_a_life_of_its_own,
    a_name_is_taken_once,
    what_is_not_there_is_none,
    nothing_is_made_in_a_namespace_that_is_not_there,
    the_status_of_a_new_object_is_empty,
    every_change_is_another_version,
    a_write_that_changes_nothing_is_no_version,
    a_patch_of_another_version_or_object_is_refused,
    an_apply_of_another_version_or_object_is_refused,
    an_apply_for_an_object_that_is_gone_makes_no_other,
    what_is_not_applied_any_more_is_removed,
    what_others_add_stays,
    what_others_change_is_taken_back,
    what_others_have_taken_over_stays_when_it_is_applied_no_more,
    what_others_remove_comes_back,
    lists_of_named_things_are_merged_by_their_names,
    a_volume_that_is_applied_no_more_is_gone_as_a_whole,
    a_number_of_pods_is_given_by_whoever_gave_it_last,
    a_number_of_pods_that_nobody_gives_is_one,
    a_number_that_another_gives_is_not_owned_any_more,
    a_hand_over_of_another_version_is_a_conflict,
    a_patch_changes_what_it_names_and_removes_what_it_nulls,
    a_patch_replaces_lists,
    only_what_is_asked_for_makes_a_generation,
    an_annotation_is_a_generation_of_a_deployment,
    kinds_without_wishes_have_no_generation,
    status_and_spec_are_written_apart,
    nobody_writes_what_is_the_servers,
    selectors_choose_by_labels_in_the_order_of_names,
    lists_are_of_a_kind_and_of_a_namespace_or_of_all,
    a_deletion_of_another_object_or_version_is_a_conflict,
    a_finalizer_holds_an_object_until_it_is_taken_away,
    what_goes_takes_no_new_finalizer_and_does_not_come_back,
    children_go_with_their_owner_and_theirs_with_them,
    a_child_stays_as_long_as_one_owner_does,
    a_child_with_a_finalizer_waits_for_it,
    a_namespace_takes_everything_in_it_along,
]
