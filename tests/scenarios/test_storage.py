"""Volumes: the claim is there before the pod, grows, and outlives what is removed unless it is told otherwise."""

from datetime import UTC, datetime
from typing import Any

import pytest
from ink_api.reasons import Reason
from ink_operator.core.errors import Terminal
from ink_operator.core.kinds import DEPLOYMENT, NAMESPACE, PERSISTENT_VOLUME_CLAIM
from ink_operator.core.objects import Key, Manifest, Ref
from ink_operator.housekeeping.empty_namespaces import reconcile_namespace
from scenarios.world import World, git_spec
from support.cluster.memory import Died, now

SPACE = "ink-t-acme--shop"
CLAIM = Ref(PERSISTENT_VOLUME_CLAIM, SPACE, "web-data")


def volume(**more: Any) -> dict[str, Any]:
    return {"name": "data", "mountPath": "/data", "size": "1Gi", **more}


async def stored(**more: Any) -> World:
    world = await World(git_spec(volumes=[volume(**more)])).settle()
    assert world.condition("Ready") == ("True", "Ready")
    return world


def claim(world: World) -> Manifest:
    return world.cluster.objects[CLAIM]


def size(world: World) -> str:
    found: str = claim(world)["spec"]["resources"]["requests"]["storage"]
    return found


def bound(world: World) -> None:
    world.cluster.put({**claim(world), "status": {"phase": "Bound"}})


def template(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.of(DEPLOYMENT)[0]["spec"]["template"]["spec"]
    return found


def remove(world: World) -> None:
    world.cr()["metadata"]["deletionTimestamp"] = "2099-01-01T00:00:00Z"


async def test_a_pod_has_its_disk_alone_and_may_write_to_it() -> None:
    world = await stored()
    pod = template(world)
    assert pod["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}}]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "data", "mountPath": "/data"}]
    assert pod["securityContext"]["fsGroup"] == 65532
    assert world.of(DEPLOYMENT)[0]["spec"]["strategy"] == {"type": "Recreate"}
    assert claim(world)["spec"]["accessModes"] == ["ReadWriteOnce"]


async def test_a_volume_grows_once_it_is_bound_and_no_pod_is_rolled_for_it() -> None:
    world = await stored()
    before = template(world)
    world.change(volumes=[volume(size="2Gi")])
    await world.settle()
    assert size(world) == "1Gi"
    assert world.due is not None
    assert world.due <= 15
    bound(world)
    await world.settle()
    assert size(world) == "2Gi"
    assert template(world) == before


async def test_what_somebody_made_larger_stays_so() -> None:
    world = await stored()
    grown = claim(world)
    grown["spec"]["resources"]["requests"]["storage"] = "5Gi"
    world.cluster.put(grown)
    await world.settle()
    assert size(world) == "5Gi"


async def test_storage_that_cannot_grow_is_named_and_keeps_no_revision_back(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await stored()
    bound(world)
    apply = world.cluster.apply

    async def refusing(manifest: Manifest) -> Manifest:
        if manifest["kind"] == "PersistentVolumeClaim":
            raise Terminal("the storageclass must support resize", reason=Reason.VOLUME_NOT_EXPANDABLE)
        return await apply(manifest)

    monkeypatch.setattr(world.cluster, "apply", refusing)
    world.change(volumes=[volume(size="2Gi")], restartedAt="now")
    await world.settle()
    assert world.condition("Ready") == ("False", "VolumeNotExpandable")
    annotations = world.of(DEPLOYMENT)[0]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["ml.ink/restarted-at"] == "now"


@pytest.mark.parametrize(("policy", "stays"), [("Retain", True), ("Delete", False)])
async def test_the_policy_says_what_becomes_of_a_removed_volume(policy: str, stays: bool) -> None:
    world = await stored(deletionPolicy=policy)
    world.change(volumes=[])
    await world.settle()
    assert (CLAIM in world.cluster.objects) is stays
    assert "volumes" not in template(world)
    assert world.condition("Ready") == ("True", "Ready")


@pytest.mark.parametrize(("policy", "stays"), [("Retain", True), ("Delete", False)])
async def test_the_policy_says_what_outlives_the_service(policy: str, stays: bool) -> None:
    world = await stored(deletionPolicy=policy)
    remove(world)
    await world.settle()
    assert (CLAIM in world.cluster.objects) is stays
    if stays:
        assert claim(world)["metadata"].get("ownerReferences") == []
        assert claim(world)["metadata"]["labels"]["ml.ink/service"] == "web"


async def test_a_service_of_the_same_name_takes_the_data_up_again() -> None:
    world = await stored()
    remove(world)
    await world.settle()
    before = claim(world)["metadata"]["uid"]
    world.make(world.key, git_spec(volumes=[volume()]))
    world.cr()["metadata"]["uid"] = "cr-second"
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")
    assert claim(world)["metadata"]["uid"] == before
    assert claim(world)["metadata"]["labels"]["ml.ink/owner-uid"] == "cr-second"


async def test_data_that_was_kept_keeps_its_namespace() -> None:
    world = await stored()
    space = Key(NAMESPACE.kind, "", SPACE)
    remove(world)
    await world.settle()
    world.settings = world.settings.__class__(namespace_empty_seconds=0)
    for _ in range(3):
        await reconcile_namespace(space, world.ports, world.settings, datetime.now(UTC))
    assert Ref(NAMESPACE, "", SPACE) in world.cluster.objects
    del world.cluster.objects[CLAIM]
    for _ in range(3):
        await reconcile_namespace(space, world.ports, world.settings, datetime.now(UTC))
    assert Ref(NAMESPACE, "", SPACE) not in world.cluster.objects


async def test_a_claim_that_no_pod_ever_used_goes_too() -> None:
    """The operator died between making the claim and the pods, and then the spec changed."""
    world = await World(git_spec()).settle()
    world.change(volumes=[volume(deletionPolicy="Delete")])
    world.cluster.die_at = (world.cluster.writes + 1, True)
    with pytest.raises(Died):
        await world.run()
    world.cluster.die_at = None
    assert CLAIM in world.cluster.objects
    world.change(volumes=[])
    await world.settle()
    assert CLAIM not in world.cluster.objects


async def test_a_claim_of_somebody_elses_is_not_taken_over() -> None:
    world = World(git_spec(volumes=[volume()]))
    meta = {"name": "web-data", "namespace": SPACE, "uid": "theirs", "labels": {"app": "mine"}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    world.cluster.put({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec})
    await world.settle()
    assert world.condition("Ready") == ("False", "NameConflict")
    assert claim(world)["metadata"]["labels"] == {"app": "mine"}


async def test_another_storage_class_than_that_of_the_kept_claim_is_named() -> None:
    world = await stored()
    kept = claim(world)
    kept["spec"]["storageClassName"] = "slow"
    world.cluster.put(kept)
    world.change(volumes=[volume(storageClassName="fast")])
    await world.settle()
    assert world.condition("Ready") == ("False", "VolumeExists")
    assert world.condition("Available")[0] == "True"


async def test_a_claim_that_is_going_is_made_again_when_it_is_gone() -> None:
    world = await stored()
    world.cluster.put({**claim(world), "metadata": {**claim(world)["metadata"], "deletionTimestamp": now()}})
    await world.settle()
    assert world.due is not None
    assert world.due <= 15
    del world.cluster.objects[CLAIM]
    await world.settle()
    assert "deletionTimestamp" not in claim(world)["metadata"]
