"""The gateway's store keeps the promises of its port on a real API server."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from ink_gateway.errors import Refused
from ink_gateway.stores.kube import KubeApi
from ink_gateway.stores.mirror import Mirror
from ink_gateway.stores.services import KubeServices, KubeSource
from support.cluster import crds
from support.cluster.control_plane import ControlPlane, cluster_name, running
from unit.gateway.services_contract import PROMISES, Place, resolution, wanted

BASE = "/apis/ml.ink/v1alpha1/namespaces"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with running(cluster_name("contract"), "--control-plane-only") as plane:
        crds.install(plane.kubectl)
        make_namespace(plane, "ink-tenants")
        yield plane


def make_namespace(plane: ControlPlane, name: str) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    plane.api.apply(f"/api/v1/namespaces/{name}", body)


class OnTheServer:
    """KubeServices, with workspaces that nobody else uses."""

    def __init__(self, plane: ControlPlane, services: KubeServices) -> None:
        self._plane, self.services = plane, services
        self.workspace, self.other = f"w{secrets.token_hex(4)}", f"v{secrets.token_hex(4)}"

    async def status(self, name: str, **status: Any) -> None:
        body = {"status": {"observedGeneration": 1, **status}}
        await asyncio.to_thread(self._plane.api.merge, f"{BASE}/ink-tenants/inkservices/{name}/status", body)

    async def elsewhere(self, namespace: str, name: str, spec: dict[str, Any], *, resolved: bool) -> None:
        await asyncio.to_thread(make_namespace, self._plane, namespace)
        body = {"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "metadata": {"name": name}, "spec": spec}
        path = f"{BASE}/{namespace}/inkservices/{name}"
        await asyncio.to_thread(self._plane.api.apply, path, body)
        await asyncio.to_thread(self._plane.api.merge, f"{path}/status", {"status": resolution(resolved)})


@asynccontextmanager
async def connected(kubeconfig: Path) -> AsyncIterator[KubeServices]:
    async with KubeApi.connect(str(kubeconfig)) as api:
        mirror = Mirror(KubeSource(api, "ink-tenants"))
        task = asyncio.create_task(mirror.run())
        try:
            yield KubeServices(api, mirror, "ink-tenants")
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_on_the_api_server(plane: ControlPlane, promise: Callable[[Place], Awaitable[None]]) -> None:
    async with connected(plane.kubeconfig) as services:
        await promise(OnTheServer(plane, services))


async def test_what_the_schema_forbids_is_refused_in_its_own_words(plane: ControlPlane) -> None:
    async with connected(plane.kubeconfig) as services:
        body = wanted(f"w{secrets.token_hex(4)}")
        body["spec"]["source"]["image"] = {"ref": "x"}
        with pytest.raises(Refused, match="set exactly one of git and image"):
            await services.apply(body)


async def test_an_object_that_was_deleted_does_not_come_back_into_the_mirror(plane: ControlPlane) -> None:
    async with connected(plane.kubeconfig) as services:
        workspace = f"w{secrets.token_hex(4)}"
        await services.apply(wanted(workspace))
        await services.delete(f"{workspace}.default.web")
        async with asyncio.timeout(15):
            async for state in services.follow(f"{workspace}.default.web"):
                if state is None:
                    break
        assert await services.of_workspace(workspace) == []


async def test_readiness_asks_what_the_tools_need(plane: ControlPlane) -> None:
    async with connected(plane.kubeconfig) as services:
        await services.probe()
