"""A hand-written world for the gateway: services, logs, repositories, heads and keys in memory."""

import asyncio
from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from ink_api.group import ANNOTATION_HEAD
from ink_api.inkservice import InkService, InkServiceSpec
from ink_gateway.actions.platform import Platform
from ink_gateway.addresses import LABEL_SUBDOMAIN, follows, reads_with_credentials
from ink_gateway.auth.keys import digest_of, prefix_of
from ink_gateway.errors import PartUnavailable
from ink_gateway.ports import ApiKey, GitRepository, GitToken, Principal
from ink_gateway.stores.sealing import KeySealer, sealer_of
from joserfc.jwk import ECKey

NAMESPACE = "ink-tenants"
GIT = "https://git.localhost:8443"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = "dk_live_" + "a1B2c3D4e5" * 4
CALLER = Principal("acme", prefix_of(KEY), frozenset({"read", "write"}))
COMMIT = "c" * 40


class FakeServices:
    """The port `Services` with an API server's manners: generations, resourceVersions, deletion that takes a while."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.writes: list[tuple[str, Any]] = []
        self._version = 0
        self._changed = asyncio.Condition()

    async def get(self, name: str) -> InkService | None:
        found = self.objects.get((NAMESPACE, name))
        return InkService.model_validate(found) if found else None

    async def of_workspace(self, workspace: str) -> list[InkService]:
        names = sorted(n for ns, n in self.objects if ns == NAMESPACE and n.startswith(f"{workspace}."))
        return [InkService.model_validate(self.objects[NAMESPACE, name]) for name in names]

    async def with_subdomain(self, subdomain: str) -> list[InkService]:
        found = [o for o in self.objects.values() if o["metadata"].get("labels", {}).get(LABEL_SUBDOMAIN) == subdomain]
        return [InkService.model_validate(o) for o in found]

    async def apply(self, manifest: dict[str, Any]) -> InkService:
        self.writes.append(("apply", manifest))
        key = (manifest["metadata"]["namespace"], manifest["metadata"]["name"])
        known = self.objects.get(key)
        new = deepcopy(manifest)
        new["spec"] = InkServiceSpec.model_validate(new["spec"]).to_wire()  # an API server fills in defaults
        if known is None:
            new["metadata"] |= {"uid": f"uid-{self._version + 1}", "generation": 1, "annotations": {}}
        else:
            kept = {k: known["metadata"][k] for k in ("uid", "generation", "annotations")}
            new["metadata"] |= kept
            new["status"] = known.get("status", {})
            new["metadata"]["generation"] += known["spec"] != new["spec"]
        return await self.put(new)

    async def put(self, obj: dict[str, Any]) -> InkService:
        """Store an object as it is, as kubectl or the operator would have changed it."""
        async with self._changed:
            self._version += 1
            obj["metadata"]["resourceVersion"] = str(self._version)
            obj["metadata"].setdefault("uid", f"uid-{self._version}")
            self.objects[obj["metadata"]["namespace"], obj["metadata"]["name"]] = obj
            self._changed.notify_all()
        return InkService.model_validate(obj)

    async def status(self, name: str, **status: Any) -> None:
        """What the operator reports of the newest generation."""
        obj = deepcopy(self.objects[NAMESPACE, name])
        obj["status"] = {"observedGeneration": obj["metadata"].get("generation", 0), **status}
        await self.put(obj)

    async def delete(self, name: str) -> InkService | None:
        obj = self.objects.get((NAMESPACE, name))
        if obj is None:
            return None
        self.writes.append(("delete", name))
        obj["metadata"].setdefault("deletionTimestamp", NOW.isoformat())
        return await self.put(obj)

    async def gone(self, name: str) -> None:
        """The finalizer has run."""
        async with self._changed:
            del self.objects[NAMESPACE, name]
            self._changed.notify_all()

    async def follow(self, name: str) -> AsyncIterator[InkService | None]:
        seen: str | None = ""
        while True:
            async with self._changed:
                while self._version_of(name) == seen:
                    await self._changed.wait()
                seen = self._version_of(name)
            yield await self.get(name)

    async def following(self, workspace: str, url: str, branch: str) -> list[InkService]:
        found = []
        for (namespace, name), obj in self.objects.items():
            service = InkService.model_validate(obj)
            mine = name.startswith(f"{workspace}.") if namespace == NAMESPACE else reads_with_credentials(service)
            if mine and follows(service, url, branch):
                found.append(service)
        return found

    async def hint(self, namespace: str, name: str, head: str) -> None:
        self.writes.append(("hint", (namespace, name, head)))
        obj = deepcopy(self.objects[namespace, name])
        obj["metadata"].setdefault("annotations", {})[ANNOTATION_HEAD] = head
        await self.put(obj)

    def _version_of(self, name: str) -> str | None:
        obj = self.objects.get((NAMESPACE, name))
        return obj["metadata"]["resourceVersion"] if obj else None


class FakeLogs:
    """The port `Logs`."""

    def __init__(self) -> None:
        self.build_lines: list[str] | None = None
        self.runtime_lines: list[str] | None = None

    async def build(self, service: InkService, lines: int) -> list[str] | None:
        return self.build_lines

    async def runtime(self, service: InkService, lines: int) -> list[str] | None:
        return self.runtime_lines


class FakeRepositories:
    """The port `Repositories`."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], GitRepository] = {}

    def add(self, workspace: str, name: str, *, empty: bool = False) -> None:
        self.known[workspace, name] = GitRepository(workspace, name, empty, "main")

    async def get(self, workspace: str, name: str) -> GitRepository | None:
        return self.known.get((workspace, name))

    async def ensure(self, workspace: str, name: str, description: str) -> GitRepository:
        return self.known.setdefault((workspace, name), GitRepository(workspace, name, True, "main"))

    async def token(self, workspace: str, name: str, scope: str, expires_in_seconds: int) -> GitToken:
        return GitToken(f"mlg_{scope}", "2026-02-01T00:00:00Z")


class FakeSealing:
    """The port `Sealing`, with a key of its own that opens nothing here."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256")
        self.published = True

    async def public_keys(self) -> dict[str, Any]:
        if not self.published:
            raise PartUnavailable("the operator", "it has not published its sealing keys yet")
        return {"keys": [{**self.key.as_dict(private=False), "kid": self.key.thumbprint()}]}

    async def sealer(self) -> KeySealer:
        return sealer_of(await self.public_keys(), b"digest key of the test")


class FakeEnvironments:
    """The port `Environments`."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    async def values(self, service: InkService) -> dict[str, str]:
        return self.known


class FakeHeads:
    """The port `Heads`: a commit, or an error to raise."""

    def __init__(self) -> None:
        self.answer: str | Exception = COMMIT

    async def head(self, url: str, branch: str, password: str | None) -> str:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class FakeKeys:
    """The port `Keys`."""

    def __init__(self) -> None:
        self.known = [key()]

    async def with_prefix(self, prefix: str) -> list[ApiKey]:
        return [k for k in self.known if k.prefix == prefix]


class World:
    """Everything an action needs, with one repository in it."""

    def __init__(self) -> None:
        self.services, self.logs, self.repositories, self.heads = (
            FakeServices(),
            FakeLogs(),
            FakeRepositories(),
            FakeHeads(),
        )
        self.keys = FakeKeys()
        self.sealing, self.environments = FakeSealing(), FakeEnvironments()
        self.repositories.add("acme", "shop")
        self.platform = Platform(
            services=self.services,
            logs=self.logs,
            repositories=self.repositories,
            heads=self.heads,
            sealing=self.sealing,
            environments=self.environments,
            now=lambda: NOW,
            tenants_namespace=NAMESPACE,
            git_public_url=GIT,
            git_internal_url="http://git:8080",
            public_url="https://localhost:8443",
        )


def key(**changes: Any) -> ApiKey:
    """The key KEY as it is stored."""
    stored: dict[str, Any] = {
        "prefix": prefix_of(KEY), "digest": digest_of(KEY), "workspace": "acme",
        "scopes": frozenset({"read", "write"}), "expires_at": None, "revoked_at": None,
    }  # fmt: skip
    return ApiKey(**(stored | changes))


def condition(kind: str, status: str, reason: str, message: str = "") -> dict[str, Any]:
    """A condition as the operator writes it."""
    when = NOW.isoformat()
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": when}


LIVE: dict[str, Any] = {
    "conditions": [condition("Ready", "True", "Ready"), condition("Available", "True", "Answering")],
    "url": "https://web.apps.localhost:8443",
    "commit": COMMIT,
    "readyReplicas": 1,
}
BUILD_FAILED: dict[str, Any] = {
    "conditions": [
        condition("Built", "False", "BuildFailed", "step 3 failed"),
        condition("Ready", "False", "BuildFailed", "step 3 failed"),
        condition("Stalled", "True", "BuildFailed"),
    ],
    "commit": COMMIT,
}
BUILDING: dict[str, Any] = {
    "conditions": [condition("SourceResolved", "True", "Resolved"), condition("Ready", "False", "Building")],
    "commit": COMMIT,
}
