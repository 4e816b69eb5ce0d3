"""create_service: checks everything before writing anything; the same call twice yields the same service."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakValueDictionary

from ink_api.inkservice import InkService

from ink_gateway import checks
from ink_gateway.actions.platform import Platform
from ink_gateway.actions.spec import ServiceRequest, desired_spec, env_entries, free_subdomain, manifest
from ink_gateway.addresses import RepositoryAddress, address, same_repository
from ink_gateway.errors import GatewayError, NotFound, WriteConflict
from ink_gateway.ports import Principal
from ink_gateway.views import ServiceView, needs_another_host, progress_of, state_of, view

Progress = Callable[[float, float, str], Awaitable[None]]
STEPS = 5.0
SETTLED = frozenset({"live", "failed", "suspended", "deleting"})


class CreateService:
    """Creates services, or updates existing ones to match the request."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        # Between reading a service and applying it nobody else in this process may apply the same name:
        # server-side apply cannot say "only if it is not there yet".
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __call__(
        self, caller: Principal, request: ServiceRequest, wait_seconds: int = 0, progress: Progress | None = None
    ) -> ServiceView:
        """The service after at most `wait_seconds`: live, failed, or still in progress with the next step."""
        caller.require("write")
        empty = await self._check_repository(request)
        service = await self._apply(request)
        if wait_seconds > 0 and not empty:
            limit = min(wait_seconds, self._platform.wait_seconds_max)
            ends = time.monotonic() + limit
            service = await self._settled(service, request, limit, progress)
            left = ends - time.monotonic()
            if needs_another_host(service) and left > 0:
                service = await self._settled(await self._apply(request), request, left, progress)
        answer = view(service, request.project, request.name)
        if empty and answer.state != "live":
            remote = f"git push {request.source.url} HEAD:{request.branch}"
            token = f"get_git_token({request.source.internal_name!r})"
            answer.next_step = f"The repository is empty: call {token}, then run {remote}"
        return answer

    async def _check_repository(self, request: ServiceRequest) -> bool:
        """Whether the repository is still empty. Raises NotFound if it should be on Ink's git server but is not."""
        name = request.source.internal_name
        if name is None:
            return False
        found = await self._platform.repositories.get(request.workspace, name)
        if found is None:
            raise NotFound(
                "RepositoryNotFound",
                f"there is no repository {name!r} in workspace {request.workspace!r}.",
                f"Create it with create_repo(name={name!r}) and push to it. For a GitHub repository, pass "
                "host='github.com'.",
            )
        return found.empty

    async def _apply(self, request: ServiceRequest) -> InkService:
        lock = self._locks.setdefault(request.cr_name, asyncio.Lock())
        async with lock:
            return await self._apply_locked(request)

    async def _apply_locked(self, request: ServiceRequest) -> InkService:
        existing = await self._platform.services.get(request.cr_name)
        if existing is not None:
            _check_existing(existing, request)
        if existing is None:
            subdomain = await self._subdomain(request)
        elif needs_another_host(existing):
            subdomain = free_subdomain(request.workspace, request.project, request.name)
        else:
            subdomain = existing.spec.subdomain
        env = None
        if request.env_vars:
            env = env_entries(existing, request, await self._platform.sealing.sealer())
        elif request.env_vars is not None:
            env = []
        spec = desired_spec(existing, request, subdomain, env)
        return await self._platform.services.apply(
            manifest(request.workspace, request.project, request.name, self._platform.tenants_namespace, spec)
        )

    async def _subdomain(self, request: ServiceRequest) -> str | None:
        """None while no other service of the gateway uses the host made from the service's own name."""
        others = await self._platform.services.with_subdomain(request.name)
        if all(s.metadata.name == request.cr_name for s in others):
            return None
        return free_subdomain(request.workspace, request.project, request.name)

    async def _settled(
        self, service: InkService, request: ServiceRequest, wait_seconds: float, progress: Progress | None
    ) -> InkService:
        """The service once it is live or has failed, or its state when the time runs out."""
        follower = self._platform.services.follow(request.cr_name)
        reported: tuple[float, str] | None = None
        try:
            async with asyncio.timeout(wait_seconds):
                async for seen in follower:
                    if seen is None or seen.metadata.uid != service.metadata.uid:
                        raise _deleted_meanwhile(request)
                    if seen.metadata.generation < service.metadata.generation:
                        continue
                    service = seen
                    if progress is not None and (now := progress_of(service)) != reported:
                        reported = now
                        await progress(now[0], STEPS, now[1])
                    if state_of(service) in SETTLED:
                        break
        except TimeoutError:
            pass
        return service


def parse(
    platform: Platform,
    caller: Principal,
    *,
    repo: str,
    host: str,
    branch: str,
    name: str,
    project: str,
    build_pack: str,
    port: int | None,
    env_vars: dict[str, Any] | None,
    memory: str | None,
    cpu: str | None,
    install_command: str | None,
    build_command: str | None,
    start_command: str | None,
) -> ServiceRequest:
    """A tool call's arguments, checked. Raises InvalidArgument or Denied."""
    source: RepositoryAddress = address(repo, host, caller.workspace, platform.git_public_url)
    return ServiceRequest(
        workspace=caller.workspace,
        project=checks.project_name(project),
        name=checks.service_name(name),
        source=source,
        branch=checks.branch_name(branch),
        pack=checks.pack(build_pack),
        port=None if port is None else checks.port_number(port),
        env_vars=None if env_vars is None else checks.env_vars(env_vars),
        memory=None if memory is None else checks.memory(memory),
        cpu=None if cpu is None else checks.quantity("cpu", cpu, "'500m' or '2'"),
        install_command=None if install_command is None else checks.command("install_command", install_command),
        build_command=None if build_command is None else checks.command("build_command", build_command),
        start_command=None if start_command is None else checks.command("start_command", start_command),
    )


def _check_existing(existing: InkService, request: ServiceRequest) -> None:
    """Raises if the name belongs to another repository, or the service of that name is being deleted."""
    if existing.metadata.deletion_timestamp is not None:
        raise WriteConflict(
            "BeingDeleted", f"service {request.name!r} is still being deleted.", "Retry in a few seconds."
        )
    git = existing.spec.source.git
    if git is None or not same_repository(git.url, request.source.url):
        owner = git.url if git else "a prebuilt image"
        raise GatewayError(
            "NameTaken",
            f"service {request.name!r} in project {request.project!r} already deploys {owner}.",
            "Choose another name, or call delete_service first.",
        )


def _deleted_meanwhile(request: ServiceRequest) -> GatewayError:
    return NotFound("Deleted", f"service {request.name!r} was deleted while it was deploying.", "Create it again.")
