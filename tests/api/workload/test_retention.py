"""What the registry keeps of a service: the operator with its real rights, a real API server and a real registry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api.workload.test_rollback import FIRST, SECOND, World
from support.building.daemons import registry
from support.cluster.kube_api import Json
from support.operating.engine import Engine, Surroundings
from support.operating.process import PLAYED_ELSEWHERE
from support.played.build import Branch, PlayedBuilder
from support.waiting import eventually, stays

THIRD, FOURTH = "c" * 40, "d" * 40


class Kept(World):
    """The same world, and what of its images is left."""

    engine: Engine

    def push_live(self, commit: str) -> str:
        """Its image, once it is live."""
        self.push(commit)
        self.wait(commit)
        return self.image()

    def is_there(self, image: str) -> bool:
        repository, _, digest = image.partition("/")[2].partition("@")
        path = f"/v2/{repository}/manifests/{digest}"
        return self.registry.get(path, self.registry.token(repository, actions=("pull",)))[0] == 200

    def available(self) -> dict[str, bool]:
        """First letter of the commit -> whether its image is said to be there."""
        return {r["commit"][0]: r["imageAvailable"] for r in self.status.get("revisions", [])}

    def wait_available(self, **expected: bool) -> None:
        eventually(
            lambda: self.available() == expected,
            within=60,
            what=f"images of {expected}",
            state=lambda: f"{self.available()}\n{self.tail()}",
        )


@pytest.fixture(scope="module")
def world(around: Surroundings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    branch, builder = Branch(), PlayedBuilder(around.plane.api)
    with registry(tmp_path_factory.mktemp("registry")) as images:
        settings = {
            "INK_BUILDER_IMAGE": PLAYED_ELSEWHERE,
            "INK_RESOLVER_URL": branch.url,
            "INK_REGISTRY": images.host,
            "INK_REGISTRY_TOKEN_KEY": images.pair.key,
            "INK_REGISTRY_TOKEN_CERT": images.pair.cert,
            "INK_REGISTRY_RETENTION": "1",
            "INK_RETIRE_AFTER_SECONDS": "1",
        }
        with around.engine("retention", **settings) as engine:
            found = Kept(around.plane.api, engine.operator, images, branch, builder)
            found.engine = engine
            yield found
    builder.stop()
    branch.shutdown()


def test_old_images_go_and_come_back_when_they_are_wanted(world: Kept, namespace: str) -> None:
    world.create(namespace)
    first = world.image()
    second = world.push_live(SECOND)
    world.wait_available(a=True, b=True)
    third = world.push_live(THIRD)
    world.wait_available(a=False, b=True, c=True)
    assert [world.is_there(image) for image in (first, second, third)] == [False, True, True]
    world.engine.rest()
    before = world.api.get(world.path)["metadata"]["resourceVersion"]
    stays(lambda: world.api.get(world.path)["metadata"]["resourceVersion"] == before, seconds=4, what="rest")

    world.pin(FIRST)
    world.wait(FIRST)
    assert world.is_there(world.image())
    world.wait_available(a=True, b=False, c=True)
    assert not world.is_there(second)


def test_what_a_pod_that_ink_did_not_make_names_is_kept(world: Kept, namespace: str) -> None:
    world.create(namespace)
    first = world.image()
    container = {"name": "x", "image": first, "resources": {}}
    pod: Json = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "by-hand"},
        "spec": {"containers": [container]},
    }
    world.api.create(f"/api/v1/namespaces/{namespace}/pods", pod)
    second = world.push_live(SECOND)
    third = world.push_live(THIRD)
    world.push_live(FOURTH)
    world.wait_available(a=False, b=False, c=True, d=True)
    assert [world.is_there(image) for image in (first, second, third)] == [True, False, True]
