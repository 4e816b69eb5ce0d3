"""The operator's client and a real API server keep the promises that the scenarios' API server in memory keeps."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ink_operator.clients.kube import Kube, configure, path_of
from ink_operator.core.objects import Manifest, Ref
from support.cluster.contract import PROMISES, Place
from support.cluster.control_plane import ControlPlane
from support.cluster.kube_api import MERGE, KubeApi, managed_namespace


class Open:
    """No lease is asked for."""

    def check(self) -> None:
        """Whoever writes may."""


class Uncounted:
    """Implements ports.Metrics."""

    def api_call(self, verb: str, resource: str, code: str) -> None:
        """Not counted here."""

    def build_ended(self, result: str) -> None:
        """Not counted here."""

    def went_live(self, seconds: float) -> None:
        """Not counted here."""


class OnTheServer:
    """Kube, in a namespace that nobody else uses."""

    def __init__(self, api: KubeApi, cluster: Kube, namespace: str) -> None:
        self._api, self.cluster, self.namespace = api, cluster, namespace

    async def edit(self, ref: Ref, patch: dict[str, Any], subresource: str = "") -> Manifest:
        path = f"{path_of(ref.kind, ref.namespace, ref.name, subresource)}?fieldManager=other"
        return await asyncio.to_thread(self._api.request, "PATCH", path, patch, content_type=MERGE)

    async def make_namespace(self) -> str:
        name = f"acme-{secrets.token_hex(4)}"
        await asyncio.to_thread(managed_namespace, self._api, name)
        return name


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_on_a_real_server(
    control_plane: ControlPlane, namespace: str, promise: Callable[[Place], Awaitable[None]]
) -> None:
    kube = Kube(await configure(str(control_plane.kubeconfig)), Open(), Uncounted())
    try:
        await promise(OnTheServer(control_plane.api, kube, namespace))
    finally:
        await kube.close()
