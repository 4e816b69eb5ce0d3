"""InkServices on the API server. Lists and waits read the mirror; writes are server-side apply, delete, head hints."""

from collections.abc import AsyncIterator
from typing import Any

from ink_api.group import ANNOTATION_HEAD, FIELD_MANAGER_GATEWAY, GROUP, VERSION
from ink_api.inkservice import InkService

from ink_gateway.addresses import LABEL_SUBDOMAIN, follows, reads_with_credentials
from ink_gateway.stores.kube import APPLY, MERGE_PATCH, ApiStatusError, KubeApi, segment, translated
from ink_gateway.stores.mirror import Mirror

NOT_FOUND, FORBIDDEN = 404, 403
PAGE = 500
EVERYWHERE = f"/apis/{GROUP}/{VERSION}/inkservices"


class KubeSource:
    """Lists and watches the tenants namespace for the mirror."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self._api, self._path = api, _path(namespace)

    async def page(self) -> tuple[list[dict[str, Any]], str]:
        """Every object, read in pages, and the resourceVersion of the list."""
        items: list[dict[str, Any]] = []
        token = ""
        while True:
            answer = await self._api.json("GET", self._path, params={"limit": str(PAGE), "continue": token})
            items += answer["items"]
            token = answer["metadata"].get("continue", "")
            if not token:
                return items, answer["metadata"]["resourceVersion"]

    def events(self, resource_version: str, seconds: int) -> AsyncIterator[dict[str, Any]]:
        """Watch events after that version."""
        params = {"resourceVersion": resource_version, "allowWatchBookmarks": "true"}
        return self._api.watch(self._path, params, seconds)


class KubeInkServices:
    """The port `InkServices`."""

    def __init__(self, api: KubeApi, mirror: Mirror, namespace: str) -> None:
        self._api, self._mirror, self._namespace = api, mirror, namespace

    async def get(self, name: str) -> InkService | None:
        """The newest state, straight from the API server."""
        try:
            return self._seen(await self._api.json("GET", _path(self._namespace, name)))
        except ApiStatusError as error:
            if error.status == NOT_FOUND:
                return None
            raise translated(error) from error

    async def of_workspace(self, workspace: str) -> list[InkService]:
        """All of a workspace, by name."""
        await self._mirror.synced()
        return self._mirror.workspace(workspace)

    async def with_subdomain(self, subdomain: str) -> list[InkService]:
        """The services whose public host begins with this label, straight from the API server."""
        return await self._list(_path(self._namespace), {"labelSelector": f"{LABEL_SUBDOMAIN}={subdomain}"})

    async def apply(self, manifest: dict[str, Any]) -> InkService:
        """Server-side apply of the whole object."""
        path = _path(self._namespace, manifest["metadata"]["name"])
        params = {"fieldManager": FIELD_MANAGER_GATEWAY, "force": "true", "fieldValidation": "Strict"}
        try:
            return self._seen(await self._api.json("PATCH", path, params=params, body=manifest, content_type=APPLY))
        except ApiStatusError as error:
            raise translated(error) from error

    async def delete(self, name: str) -> InkService | None:
        """Request deletion; None if there is nothing of that name."""
        existing = await self.get(name)
        if existing is None:
            return None
        body = {"preconditions": {"uid": existing.metadata.uid}, "propagationPolicy": "Background"}
        try:
            await self._api.json("DELETE", _path(self._namespace, name), body=body)
        except ApiStatusError as error:
            if error.status != NOT_FOUND:
                raise translated(error) from error
        return await self.get(name) or existing

    async def follow(self, name: str) -> AsyncIterator[InkService | None]:
        """The current state, then each later one as it arrives."""
        await self._mirror.synced()
        async for service in self._mirror.follow(name):
            yield service

    async def following(self, workspace: str, url: str, branch: str) -> list[InkService]:
        """The workspace's services, and those elsewhere whose own credentials have read the repository."""
        await self._mirror.synced()
        try:
            everywhere = await self._list(EVERYWHERE, {})
        except ApiStatusError as error:
            raise translated(error) from error
        elsewhere = [s for s in everywhere if s.metadata.namespace != self._namespace and reads_with_credentials(s)]
        return [s for s in [*self._mirror.workspace(workspace), *elsewhere] if follows(s, url, branch)]

    async def hint(self, namespace: str, name: str, head: str) -> None:
        """Set the annotation `ml.ink/head`; does nothing if the service is gone."""
        body = {"metadata": {"annotations": {ANNOTATION_HEAD: head}}}
        params = {"fieldManager": FIELD_MANAGER_GATEWAY}
        try:
            await self._api.json("PATCH", _path(namespace, name), params=params, body=body, content_type=MERGE_PATCH)
        except ApiStatusError as error:
            if error.status not in (NOT_FOUND, FORBIDDEN):
                raise translated(error) from error

    async def probe(self) -> None:
        """Returns if the API server answers a read that the tools need."""
        try:
            await self._api.json("GET", _path(self._namespace), params={"limit": "1"})
        except ApiStatusError as error:
            raise translated(error) from error

    async def _list(self, path: str, params: dict[str, str]) -> list[InkService]:
        answer = await self._api.json("GET", path, params=params)
        return [InkService.model_validate(item) for item in answer["items"]]

    def _seen(self, answer: dict[str, Any]) -> InkService:
        service = InkService.model_validate(answer)
        self._mirror.put(service)
        return service


def _path(namespace: str, name: str | None = None) -> str:
    base = f"/apis/{GROUP}/{VERSION}/namespaces/{segment(namespace)}/inkservices"
    return base if name is None else f"{base}/{segment(name)}"
