"""What the operator deletes from a real registry, and what a token of one repository is good for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from ink_operator.clients.registry import RegistryClient
from ink_operator.clients.tokens import TokenMint
from ink_operator.core.errors import NotRenewed, Transient
from ink_operator.settings import Secrets
from support.building.daemons import registry as plain_registry
from support.building.registry_pod import MANIFEST, RegistryPod, registry_pod

REPOSITORY, OTHER = "acme/shop/web", "other/shop/web"
OLD, NEW, NEWEST = (f"{c * 12}-00000000-1" for c in "abc")
LOG_OLD, LOG_NEW = "log-b-" + "0" * 20 + "-1", "log-b-" + "1" * 20 + "-1"


class Lease:
    """Implements ports.WriteGuard."""

    held = True

    def check(self) -> None:
        if not self.held:
            raise NotRenewed("not now")


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[RegistryPod]:
    with registry_pod(tmp_path / "pod") as running:
        yield running


@pytest.fixture
def lease() -> Lease:
    return Lease()


@pytest.fixture
async def client(pod: RegistryPod, lease: Lease) -> AsyncIterator[RegistryClient]:
    mint = TokenMint(Secrets(registry_token_key=pod.pair.key, registry_token_cert=pod.pair.cert), 300)
    async with aiohttp.ClientSession() as session:
        yield RegistryClient(session, pod.host, True, mint, lease)


async def test_only_what_is_kept_stays(pod: RegistryPod, client: RegistryClient) -> None:
    old, new = pod.push(REPOSITORY, OLD, b"old"), pod.push(REPOSITORY, NEW, b"new")
    pod.push(REPOSITORY, "build-cache", b"cache")
    pod.push(REPOSITORY, LOG_OLD, b"log of old")
    pod.push(REPOSITORY, LOG_NEW, b"log of new")
    elsewhere = pod.push(OTHER, OLD, b"old")
    await client.prune(REPOSITORY, frozenset({new}), frozenset({LOG_NEW}))
    await client.prune(REPOSITORY, frozenset({new}), frozenset({LOG_NEW}))
    assert [pod.raw_manifest(REPOSITORY, tag) is not None for tag in (OLD, old, LOG_OLD)] == [False] * 3
    assert [pod.raw_manifest(REPOSITORY, tag) is not None for tag in (NEW, LOG_NEW, "build-cache")] == [True] * 3
    assert pod.raw_manifest(OTHER, elsewhere) is not None
    assert await client.find(REPOSITORY, OLD[:-1]) is None
    found = await client.find(REPOSITORY, NEW[:-1])
    assert found is not None
    assert found.digest == new


async def test_a_digest_stays_as_long_as_one_of_its_tags(pod: RegistryPod, client: RegistryClient) -> None:
    digest = pod.push(REPOSITORY, OLD, b"same")
    manifest = pod.raw_manifest(REPOSITORY, OLD)
    assert manifest is not None
    assert pod.push_manifest(REPOSITORY, "by-hand", manifest, MANIFEST) == digest
    await client.prune(REPOSITORY, frozenset(), frozenset())
    assert pod.raw_manifest(REPOSITORY, OLD) is not None
    pod.push(REPOSITORY, NEW, b"named")
    await client.prune(REPOSITORY, frozenset(), frozenset({NEW}))
    assert pod.raw_manifest(REPOSITORY, NEW) is not None


async def test_what_lies_below_an_index_goes_and_stays_with_it(pod: RegistryPod, client: RegistryClient) -> None:
    shared = pod.push(REPOSITORY, OLD, b"shared")
    alone = pod.push(REPOSITORY, NEW, b"alone")
    kept = pod.push_index(REPOSITORY, NEWEST, shared)
    pod.push_index(REPOSITORY, "dddddddddddd-00000000-1", shared, alone)
    await client.prune(REPOSITORY, frozenset({kept}), frozenset())
    pod.collect()
    assert pod.pull(REPOSITORY, shared) == [b"shared"]
    assert pod.raw_manifest(REPOSITORY, kept) is not None
    assert pod.raw_manifest(REPOSITORY, alone) is None


async def test_a_cache_goes_when_a_newer_one_has_replaced_it(pod: RegistryPod, client: RegistryClient) -> None:
    old = pod.push(REPOSITORY, "old-cache-0123456789ab", b"old", b"shared")
    live = pod.push(REPOSITORY, "build-cache", b"live", b"shared")
    again = pod.raw_manifest(REPOSITORY, live)
    assert again is not None
    pod.push_manifest(REPOSITORY, "old-cache-ba9876543210", again, MANIFEST)
    await client.prune(REPOSITORY, frozenset(), frozenset())
    pod.collect()
    assert pod.raw_manifest(REPOSITORY, old) is None
    assert pod.pull(REPOSITORY, "build-cache") == [b"live", b"shared"]


async def test_without_the_lease_nothing_is_deleted(pod: RegistryPod, client: RegistryClient, lease: Lease) -> None:
    pod.push(REPOSITORY, OLD, b"old")
    lease.held = False
    with pytest.raises(NotRenewed):
        await client.prune(REPOSITORY, frozenset(), frozenset())
    assert pod.raw_manifest(REPOSITORY, OLD) is not None


async def test_a_read_only_registry_is_a_reason_to_come_again(pod: RegistryPod, client: RegistryClient) -> None:
    pod.push(REPOSITORY, OLD, b"old")
    readonly = pod.directory / "push-readonly.yml"
    (pod.directory / "push.yml").write_text(readonly.read_text())
    pod.kill()
    pod.start()
    with pytest.raises(Transient, match="read-only"):
        await client.prune(REPOSITORY, frozenset(), frozenset())


def test_a_token_is_good_for_its_repository_alone(tmp_path: Path) -> None:
    """Neither reading nor writing nor deleting anywhere else; and a build's own token deletes nothing at all."""
    with plain_registry(tmp_path / "registry") as running:
        pod = RegistryPod(running.port, running.pair, running.process, directory=tmp_path, argv=[])
        digest = pod.push(REPOSITORY, OLD, b"secret")
        layer = pod.manifest(REPOSITORY, OLD)["layers"][0]["digest"]  # type: ignore[index]
        everything = ("pull", "push", "delete")
        theirs = running.token(OTHER, actions=everything)
        asked = [
            ("GET", f"/v2/{REPOSITORY}/tags/list"),
            ("GET", f"/v2/{REPOSITORY}/manifests/{OLD}"),
            ("GET", f"/v2/{REPOSITORY}/manifests/{digest}"),
            ("GET", f"/v2/{REPOSITORY}/blobs/{layer}"),
            ("DELETE", f"/v2/{REPOSITORY}/manifests/{digest}"),
            ("DELETE", f"/v2/{REPOSITORY}/blobs/{layer}"),
            ("POST", f"/v2/{REPOSITORY}/blobs/uploads/"),
            ("PUT", f"/v2/{REPOSITORY}/manifests/{OLD}"),
            ("GET", "/v2/_catalog"),
        ]
        for method, path in asked:
            assert running.get(path, theirs, method)[0] == 401, (method, path)
            assert running.get(path, None, method)[0] == 401, (method, path)
        # a blob of another repository does not come by its digest either, nor by mounting it
        assert running.get(f"/v2/{OTHER}/blobs/{layer}", theirs)[0] == 404
        mount = f"/v2/{OTHER}/blobs/uploads/?mount={layer}&from={REPOSITORY}"
        assert running.get(mount, theirs, "POST")[0] in (202, 401)
        assert running.get(f"/v2/{OTHER}/blobs/{layer}", theirs)[0] == 404
        builds = running.token(REPOSITORY)
        assert running.get(f"/v2/{REPOSITORY}/manifests/{digest}", builds, "DELETE")[0] == 401
        assert pod.raw_manifest(REPOSITORY, OLD) is not None
        owner = running.token(REPOSITORY, actions=everything)
        assert running.get(f"/v2/{REPOSITORY}/manifests/{digest}", owner, "DELETE")[0] == 202
