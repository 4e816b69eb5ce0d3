"""The API server: raw JSON over the transport and the configuration of the `kubernetes` package.

No models: parsing them costs more than the calls. Every write asks the lease guard first.
"""

import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from aiohttp.abc import AbstractStreamWriter
from ink_api.group import FIELD_MANAGER_HAND_OVER, FIELD_MANAGER_OPERATOR, GROUP
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject

from ink_operator.clients.kube_errors import failure
from ink_operator.core.errors import Conflict, LeaseLost, Transient
from ink_operator.core.kinds import Kind
from ink_operator.core.objects import Manifest, Ref, ref_of
from ink_operator.ports import Metrics, WriteGuard

log = logging.getLogger(__name__)

CALL_SECONDS = 15.0
WATCH_SECONDS = 300
WATCH_SLACK_SECONDS = 30
PAGE = 500
OWN_WRITES_MAX = 5000
NO_VERSION = "1"
APPLY, MERGE, JSON = "application/apply-patch+yaml", "application/merge-patch+json", "application/json"
PARTIAL = "application/json;as={};g=meta.k8s.io;v=v1"
Manifests = list[Manifest]
MANAGER = {"fieldManager": FIELD_MANAGER_OPERATOR}


def path_of(kind: Kind, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """URL path of a collection or an object."""
    root = "/api/v1" if kind.api_version == "v1" else f"/apis/{kind.api_version}"
    parts = [root]
    if kind.namespaced and namespace:
        parts += ["namespaces", namespace]
    parts += [part for part in (kind.plural, name, subresource) if part]
    return "/".join(parts)


def is_status_current(live: Manifest) -> bool:
    """Whether the status is about the newest spec."""
    observed = (live.get("status") or {}).get("observedGeneration")
    return observed in (-1, live["metadata"].get("generation"))


class FencedBody(aiohttp.BytesPayload):
    """The body of a write, which asks the guard again just before it is sent: while the write waited for a connection,
    the process may have been suspended for longer than its lease."""

    def __init__(self, value: bytes, guard: WriteGuard) -> None:
        super().__init__(value, content_type=JSON)
        self._guard = guard

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Raises ClientConnectionError, so that the request is not sent; the next one asks the guard itself."""
        try:
            self._guard.check()
        except (Transient, LeaseLost) as error:
            raise aiohttp.ClientConnectionError(str(error)) from None
        await super().write_with_length(writer, content_length)


class Kube:
    """Implements ports.KubernetesApi, the lease's store and the informers' source."""

    def __init__(self, configuration: Configuration, guard: WriteGuard, metrics: Metrics) -> None:
        self._configuration = configuration
        self._rest = RESTClientObject(configuration)
        self._session: aiohttp.ClientSession | None = None
        self._proxy: str | None = configuration.proxy
        self._guard = guard
        self._metrics = metrics
        self._written: dict[str, None] = {}

    def wrote(self, version: str) -> bool:
        """Whether a resourceVersion is that of our own write, whose watch event can be ignored."""
        return version in self._written

    def _remember(self, answer: Manifest) -> None:
        self._written[answer["metadata"]["resourceVersion"]] = None
        if len(self._written) > OWN_WRITES_MAX:
            del self._written[next(iter(self._written))]

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def get(self, ref: Ref) -> Manifest | None:
        """The object, or None."""
        return await self._call("GET", ref.kind, path_of(ref.kind, ref.namespace, ref.name))

    async def list(self, kind: Kind, namespace: str = "", labels: str = "") -> Manifests:
        """All objects that match, page by page."""
        return [item async for page in self.pages(kind, namespace, labels) for item in page]

    async def pages(self, kind: Kind, namespace: str = "", labels: str = "") -> AsyncIterator[Manifests]:
        """All objects that match, page by page, without loading all of them."""
        async for items, _version in self.versioned_pages(kind, namespace, labels):
            yield items

    async def versioned_pages(
        self, kind: Kind, namespace: str = "", labels: str = ""
    ) -> AsyncIterator[tuple[Manifests, str]]:
        """The same, each page with the resourceVersion of the whole list."""
        query = {"limit": str(PAGE), **({"labelSelector": labels} if labels else {})}
        while True:
            answer = await self._call("GET", kind, path_of(kind, namespace), query=query) or {}
            meta = answer.get("metadata") or {}
            items = answer.get("items") or []
            yield [{"apiVersion": kind.api_version, "kind": kind.kind, **i} for i in items], meta["resourceVersion"]
            if not meta.get("continue"):
                return
            query["continue"] = meta["continue"]

    async def list_version(self, kind: Kind, namespace: str, labels: str, *, accept: str = JSON) -> str:
        """The resourceVersion to watch from: everything before it has been or will be listed."""
        query = {"limit": "1", **({"labelSelector": labels} if labels else {})}
        answer = await self._call("GET", kind, path_of(kind, namespace), query=query, accept=accept) or {}
        version = (answer.get("metadata") or {}).get("resourceVersion")
        if not version:
            raise Transient(f"{kind.plural} cannot be listed")
        return str(version)

    async def create(self, manifest: Manifest) -> Manifest:
        """Create; raises AlreadyExists."""
        self._guard.check()
        return await self._create(manifest, fenced=True)

    async def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply under Ink's field manager, taking over conflicting fields."""
        return await self._apply(manifest, FIELD_MANAGER_OPERATOR)

    async def apply_new(self, manifest: Manifest) -> Manifest:
        """The same, but only if no object with the name exists. Raises Conflict if one does.

        It names a resourceVersion that no object ever has: only the creation of a new object ignores it.
        """
        meta = {**manifest["metadata"], "resourceVersion": NO_VERSION}
        return await self._apply({**manifest, "metadata": meta}, FIELD_MANAGER_OPERATOR)

    async def hand_over(self, manifest: Manifest) -> Manifest:
        """Server-side apply of some fields under the manager that only preserves values."""
        return await self._apply(manifest, FIELD_MANAGER_HAND_OVER)

    async def _apply(self, manifest: Manifest, manager: str) -> Manifest:
        self._guard.check()
        ref = ref_of(manifest)
        query = {"fieldManager": manager, "force": "true"}
        path = path_of(ref.kind, ref.namespace, ref.name)
        answer = await self._call("PATCH", ref.kind, path, query=query, body=manifest, content_type=APPLY)
        if answer is None:
            raise Transient(f"the namespace {ref.namespace} of {ref.kind.kind} {ref.name} no longer exists")
        return answer

    async def merge_patch(self, ref: Ref, patch: dict[str, Any], *, subresource: str = "") -> Manifest | None:
        """JSON merge patch; None when the object is gone."""
        self._guard.check()
        path = path_of(ref.kind, ref.namespace, ref.name, subresource)
        answer = await self._call("PATCH", ref.kind, path, query=MANAGER, body=patch, content_type=MERGE)
        if answer is not None and ref.kind.api_version.startswith(GROUP) and is_status_current(answer):
            self._remember(answer)
        return answer

    async def delete(self, ref: Ref, *, uid: str | None = None, resource_version: str | None = None) -> None:
        """Delete in the background; absent is fine. Raises Conflict when uid or resourceVersion differ."""
        self._guard.check()
        wanted = {"uid": uid, "resourceVersion": resource_version}
        body: dict[str, Any] = {"propagationPolicy": "Background"}
        if preconditions := {k: v for k, v in wanted.items() if v}:
            body["preconditions"] = preconditions
        await self._call("DELETE", ref.kind, path_of(ref.kind, ref.namespace, ref.name), body=body)

    async def replace(self, manifest: Manifest) -> Manifest:
        """PUT at the resourceVersion of the manifest; only for the lease, so the guard is not asked."""
        ref = ref_of(manifest)
        path = path_of(ref.kind, ref.namespace, ref.name)
        answer = await self._call("PUT", ref.kind, path, body=manifest, fenced=False)
        if answer is None:
            raise Conflict(f"{ref.kind.kind} {ref.name} no longer exists")
        return answer

    async def watch(
        self, kind: Kind, namespace: str, labels: str, version: str, *, accept: str = JSON
    ) -> AsyncIterator[dict[str, Any]]:
        """Raw watch events until the server ends the watch. Raises Transient when the connection breaks."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
            **({"labelSelector": labels} if labels else {}),
        }
        limit = aiohttp.ClientTimeout(total=WATCH_SECONDS + WATCH_SLACK_SECONDS, sock_connect=CALL_SECONDS)
        try:
            response = await self._send("GET", path_of(kind, namespace), query=query, limit=limit, accept=accept)
            async with response:
                if response.status != 200:
                    raise failure(response.status, await response.text(), f"watch {kind.plural}")
                async for line in response.content:
                    yield orjson.loads(line)
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as error:
            raise Transient(f"watch {kind.plural}: {type(error).__name__}") from error

    async def create_unguarded(self, manifest: Manifest) -> Manifest:
        """Create without asking the guard; only for the lease, before it is held."""
        return await self._create(manifest, fenced=False)

    async def _create(self, manifest: Manifest, *, fenced: bool) -> Manifest:
        meta = manifest["metadata"]
        ref = ref_of({**manifest, "metadata": {"name": "", **meta}})
        path = path_of(ref.kind, ref.namespace)
        answer = await self._call("POST", ref.kind, path, query=MANAGER, body=manifest, fenced=fenced)
        if answer is None:
            raise Transient(f"the namespace {ref.namespace} does not exist")
        return answer

    async def _call(
        self,
        method: str,
        kind: Kind,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        fenced: bool = True,
        accept: str = JSON,
    ) -> Manifest | None:
        """One call. None for 404; other failures raise."""
        code = "error"
        try:
            limit = aiohttp.ClientTimeout(total=CALL_SECONDS)
            async with await self._send(
                method,
                path,
                query=query,
                limit=limit,
                body=body,
                content_type=content_type,
                accept=accept,
                fenced=fenced,
            ) as response:
                code = str(response.status)
                raw = await response.read()
                if response.status == 404:
                    return None
                if response.status >= 400:
                    raise failure(response.status, raw.decode(errors="replace"), f"{method} {path}")
                answer: Manifest = orjson.loads(raw)
                if response.status == 201:
                    self._remember(answer)
                return answer
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as error:
            raise Transient(f"{method} {path}: {type(error).__name__}") from error
        finally:
            self._metrics.api_call(method, kind.plural, code)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None,
        limit: aiohttp.ClientTimeout,
        body: Any = None,
        content_type: str = JSON,
        fenced: bool = True,
        accept: str = JSON,
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            # Not the package's own session, which searches files for proxies and a .netrc at every call.
            self._session = aiohttp.ClientSession(connector=self._rest._create_connector())
        url = f"{self._configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Content-Type": content_type, "Accept": accept, "User-Agent": "ink-operator"}
        auth = (await self._configuration.auth_settings()).get("BearerToken")
        if auth:
            headers["Authorization"] = auth["value"]
        raw = None if body is None else orjson.dumps(body)
        data = raw if raw is None or not fenced else FencedBody(raw, self._guard)
        return await self._session.request(method, url, headers=headers, data=data, timeout=limit, proxy=self._proxy)


class MetadataOnly:
    """Implements runtime's WatchSource with metadata only, so that this process never has the contents of Secrets."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    async def list_version(self, kind: Kind, namespace: str, labels: str) -> str:
        """The resourceVersion to watch from."""
        accept = PARTIAL.format("PartialObjectMetadataList")
        return await self._kube.list_version(kind, namespace, labels, accept=accept)

    def watch(self, kind: Kind, namespace: str, labels: str, version: str) -> AsyncIterator[dict[str, Any]]:
        """Raw watch events."""
        return self._kube.watch(kind, namespace, labels, version, accept=PARTIAL.format("PartialObjectMetadata"))


async def configure(kubeconfig: str | None) -> Configuration:
    """The configuration: the pod's service account, or else a kubeconfig (`kubeconfig`, or the usual place)."""
    from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

    configuration = Configuration()
    if kubeconfig is None:
        try:
            load_incluster_config(client_configuration=configuration)
        except ConfigException:
            await load_kube_config(client_configuration=configuration)
    else:
        await load_kube_config(config_file=kubeconfig, client_configuration=configuration)
    # No limit: a watch holds its connection for minutes, there may be one for each namespace, and calls would wait
    # for a connection forever. The calls themselves are limited by the queue's workers.
    configuration.connection_pool_maxsize = 0
    return configuration
