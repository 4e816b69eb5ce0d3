"""Logs of builds and applications through the API server; for a build whose pod is gone, its stored log."""

from typing import Any

from ink_api.group import LABEL_PROJECT, LABEL_SERVICE, LABEL_TENANT
from ink_api.inkservice import InkService
from ink_api.names import ServiceIdentity, identity_of

from ink_gateway.stores.kube import ApiStatusError, KubeApi, segment, translated
from ink_gateway.stores.stored_logs import StoredLogs
from ink_gateway.views import split_log

BUILD_CONTAINER, APP_CONTAINER = "build", "app"
LIMIT_BYTES = 256 * 1024
JOB_LABEL = "batch.kubernetes.io/job-name"


class KubeLogs:
    """The port `Logs`."""

    def __init__(self, api: KubeApi, stored_logs: StoredLogs, tenants_namespace: str, builds_namespace: str) -> None:
        self._api, self._stored_logs = api, stored_logs
        self._tenants_namespace, self._builds_namespace = tenants_namespace, builds_namespace

    async def build(self, service: InkService, lines: int) -> list[str] | None:
        """The end of the newest build's log. Pods are found by the tenant's label: never another tenant's build.

        The newest build's pod may be gone while an older build's pod still exists.
        """
        who = self._identity(service)
        labels = {LABEL_TENANT: who.tenant, LABEL_PROJECT: who.project, LABEL_SERVICE: who.name}
        pods, known = await self._pods(self._builds_namespace, labels), service.status.build
        found = None
        if known is None or known.id is None or (pods and _is_of(pods[-1], known.id, known.started)):
            found = await self._log(self._builds_namespace, pods, BUILD_CONTAINER, lines)
        if found is None and known is not None and known.id is not None:
            text = await self._stored_logs.build(who, known.id)
            found = split_log(text)[-lines:] if text is not None else None
        return found

    async def runtime(self, service: InkService, lines: int) -> list[str] | None:
        """The end of the application's log, from its newest pod."""
        who = self._identity(service)
        pods = await self._pods(who.namespace, {LABEL_SERVICE: who.name})
        return await self._log(who.namespace, pods, APP_CONTAINER, lines)

    def _identity(self, service: InkService) -> ServiceIdentity:
        return identity_of(service.metadata.namespace, service.metadata.name, self._tenants_namespace)

    async def _pods(self, namespace: str, labels: dict[str, str]) -> list[dict[str, Any]]:
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        try:
            answer = await self._api.json("GET", _pods_path(namespace), params={"labelSelector": selector})
        except ApiStatusError as error:
            if error.status in (403, 404):
                # The tenant's namespace, and the right to read it, come with its first deployment.
                return []
            raise translated(error) from error
        pods: list[dict[str, Any]] = answer["items"]
        return sorted(pods, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))

    async def _log(self, namespace: str, pods: list[dict[str, Any]], container: str, lines: int) -> list[str] | None:
        if not pods:
            return None
        path = f"{_pods_path(namespace)}/{segment(pods[-1]['metadata']['name'])}/log"
        params = {"container": container, "tailLines": str(lines), "limitBytes": str(LIMIT_BYTES)}
        try:
            return split_log(await self._api.text("GET", path, params=params))[-lines:]
        except ApiStatusError as error:
            if error.status in (400, 403, 404):
                # 400: the container has not started yet.
                return None
            raise translated(error) from error


def _is_of(pod: dict[str, Any], build: str, started: str | None) -> bool:
    """Whether the pod belongs to the build, or to a newer one that is not in the status yet."""
    meta = pod["metadata"]
    of_build = (meta.get("labels") or {}).get(JOB_LABEL) == build
    return of_build or started is None or str(meta["creationTimestamp"]) > started


def _pods_path(namespace: str) -> str:
    return f"/api/v1/namespaces/{segment(namespace)}/pods"
