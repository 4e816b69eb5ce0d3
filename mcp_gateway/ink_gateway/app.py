"""Puts the gateway together: the only place that constructs stores. Two ASGI apps: the public one, the internal one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from re import fullmatch
from typing import Any

import aiohttp
from ink_api.names import WORKSPACE_MAX, WORKSPACE_PATTERN
from ink_common.environ import SettingsError
from mcp.server.mcpserver import Context
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from ink_gateway.actions.platform import Platform
from ink_gateway.actions.pushes import PushActions
from ink_gateway.auth import keys
from ink_gateway.auth.authenticate import Authenticator
from ink_gateway.http.guard import PRINCIPAL, HostGuard, KeyGuard
from ink_gateway.http.health import health_routes
from ink_gateway.http.internal import push_routes
from ink_gateway.http.sealing import sealing_keys
from ink_gateway.ports import Keys, Principal, Probe
from ink_gateway.settings import Settings
from ink_gateway.stores.db import database
from ink_gateway.stores.db.changes import changes_of
from ink_gateway.stores.db.keys import StoredKeys
from ink_gateway.stores.git import GitRepositories, Resolver
from ink_gateway.stores.kept_logs import KeptLogs
from ink_gateway.stores.kube import KubeApi
from ink_gateway.stores.logs import KubeLogs
from ink_gateway.stores.mirror import Mirror
from ink_gateway.stores.sealing import KubeEnvironments, KubeSealing
from ink_gateway.stores.services import KubeServices, KubeSource
from ink_gateway.tools.server import build_server


@dataclass(frozen=True)
class Gateway:
    """What listens on the two ports."""

    public: ASGIApp
    internal: ASGIApp


@asynccontextmanager
async def gateway(settings: Settings) -> AsyncIterator[Gateway]:
    """The running gateway on its real stores: database migrated, bootstrap key in place, services mirrored."""
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(database.connect(settings.database_url))
        stored_keys = StoredKeys(engine, stack.enter_context(closing(changes_of(engine))))
        await _bootstrap(settings, stored_keys)
        api = await stack.enter_async_context(KubeApi.connect())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        mirror = Mirror(KubeSource(api, settings.tenants_namespace))
        services = KubeServices(api, mirror, settings.tenants_namespace)
        await stack.enter_async_context(_background(mirror.run()))
        kept = KeptLogs(session, settings.build_logs_url, settings.build_logs_token)
        platform = Platform(
            services=services,
            logs=KubeLogs(api, kept, settings.tenants_namespace, settings.builds_namespace),
            repositories=GitRepositories(session, settings.git_internal_api, settings.git_admin_token),
            heads=Resolver(session, settings.resolver_url),
            sealing=KubeSealing(api, settings.system_namespace, settings.env_digest_key),
            environments=KubeEnvironments(api, settings.tenants_namespace),
            now=now,
            tenants_namespace=settings.tenants_namespace,
            git_public_url=settings.git_public_url,
            git_internal_url=settings.git_internal_url,
            public_url=settings.public_url,
            wait_seconds_max=settings.wait_seconds_max,
        )
        probes: dict[str, Probe] = {"database": lambda: database.probe(engine), "kubernetes": services.probe}
        yield await stack.enter_async_context(assemble(settings, platform, stored_keys, probes))


@asynccontextmanager
async def assemble(
    settings: Settings, platform: Platform, stored_keys: Keys, probes: dict[str, Probe]
) -> AsyncIterator[Gateway]:
    """Both apps on any implementation of the ports."""
    server = build_server(platform, caller_of)
    mcp = server.streamable_http_app(
        streamable_http_path="/mcp", stateless_http=True, transport_security=_transport_security(settings)
    )
    help_text = (
        "Send 'Authorization: Bearer dk_live_…'. Whoever runs this platform gives out keys; "
        "a local installation printed one when it came up ('make up' prints it again)."
    )
    authenticator = Authenticator(stored_keys, now)
    endpoint = KeyGuard(mcp, authenticator, help_text)
    keys_endpoint = KeyGuard(sealing_keys(platform.sealing), authenticator, help_text)
    health = health_routes(probes)
    public = Starlette(
        routes=[Route("/mcp", endpoint=endpoint), Route("/v1/sealing-keys", endpoint=keys_endpoint), *health]
    )
    internal = Starlette(routes=[*push_routes(PushActions(platform), settings.internal_token), *health])
    async with server.session_manager.run():
        yield Gateway(HostGuard(public, settings.own_hosts), internal)


def caller_of(ctx: Context[Any, Any]) -> Principal:
    """The principal that KeyGuard left in the scope of the call's HTTP request."""
    request = ctx.request_context.request
    principal = request.scope.get(PRINCIPAL) if request is not None else None
    if not isinstance(principal, Principal):
        raise TypeError("a tool was called around KeyGuard")
    return principal


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


async def _bootstrap(settings: Settings, stored_keys: StoredKeys) -> None:
    if settings.bootstrap_api_key is None:
        return
    key, workspace = settings.bootstrap_api_key, settings.bootstrap_workspace
    if not keys.well_formed(key):
        raise SettingsError("INK_BOOTSTRAP_API_KEY must be dk_live_ and 24 to 128 letters or digits")
    if len(workspace) > WORKSPACE_MAX or not fullmatch(WORKSPACE_PATTERN, workspace):
        raise SettingsError(
            f"INK_BOOTSTRAP_WORKSPACE must match {WORKSPACE_PATTERN}, at most {WORKSPACE_MAX} characters"
        )
    await stored_keys.bootstrap(key, workspace, now())


def _transport_security(settings: Settings) -> TransportSecuritySettings:
    hosts = sorted(settings.own_hosts)
    return TransportSecuritySettings(
        allowed_hosts=[*hosts, *(f"{host}:*" for host in hosts)], allowed_origins=[settings.public_url]
    )


@asynccontextmanager
async def _background(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
