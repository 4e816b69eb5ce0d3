"""Actions on existing services: list, get, redeploy, delete."""

import difflib
import secrets
from typing import Literal

from ink_api.inkservice import InkService
from ink_api.names import cr_name

from ink_gateway import checks
from ink_gateway.actions.platform import Platform
from ink_gateway.actions.spec import manifest, wire_spec
from ink_gateway.addresses import address
from ink_gateway.details import ServiceDetail, with_revisions
from ink_gateway.errors import GatewayError, NotFound, PartUnavailable
from ink_gateway.ports import Principal
from ink_gateway.views import (
    DeletedView,
    RedeployView,
    ServiceList,
    ServiceSummary,
    build_failed,
    log_lines_of,
    not_built,
    state_of,
    summary,
    view,
)

LOG_LINES_MAX = 500
LOG_LINES_ON_FAILURE = 40
READ_TOKEN_SECONDS = 60
Redeploy = Literal["new_commit", "rebuild", "restart"]


class ServiceActions:
    """Reads and changes the caller's services."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def list_all(self, caller: Principal) -> ServiceList:
        """Every service of the caller's workspace."""
        caller.require("read")
        services = [_summary(s) for s in await self._platform.services.of_workspace(caller.workspace)]
        return ServiceList(services=services, total=len(services))

    async def get(
        self,
        caller: Principal,
        name: str,
        project: str,
        *,
        include_env: bool = False,
        deploy_log_lines: int | None = None,
        runtime_log_lines: int | None = None,
    ) -> ServiceDetail:
        """One service. If it has failed, the log that explains the failure is included even when not requested."""
        caller.require("read")
        service = await self._find(caller, name, project)
        sealed = include_env and any(v.value_from is not None and v.value_from.sealed for v in service.spec.env or [])
        unsealed = await self._platform.environments.values(service) if sealed else {}
        answer = with_revisions(view(service, project, name, env=unsealed if include_env else None), service)
        failed, at_build = answer.state == "failed", build_failed(service)
        deploy = _lines("deploy_log_lines", deploy_log_lines, failed and at_build)
        runtime = _lines("runtime_log_lines", runtime_log_lines, failed and not at_build)
        if deploy:
            answer.deploy_log = log_lines_of(await self._platform.logs.build(service, deploy), deploy)
        if runtime:
            answer.runtime_log = log_lines_of(await self._platform.logs.runtime(service, runtime), runtime)
        return answer

    async def redeploy(self, caller: Principal, name: str, project: str) -> RedeployView:
        """A new commit if there is one, else a new build if the last one failed, else new pods."""
        caller.require("write")
        service = await self._find_to_change(caller, name, project)
        head = await self._head(caller, service)
        git = service.spec.source.git
        if git is not None and head is not None and head != service.status.commit:
            await self._platform.services.hint(
                service.metadata.namespace, service.metadata.name, f"{git.branch}@{head}"
            )
            return _redeployed(service, name, project, "new_commit", f"Deploying commit {head[:12]} of {git.branch}.")
        spec = wire_spec(service)
        if not_built(service):
            done: Redeploy = "rebuild"
            spec["rebuildToken"] = secrets.token_hex(8)
            message = "The last build failed and there is no new commit: rebuilding the same commit without the cache."
        else:
            done = "restart"
            spec["restartedAt"] = self._platform.now().isoformat(timespec="milliseconds")
            message = "There is no new commit: restarting the pods with a rolling update."
        namespace = self._platform.tenants_namespace
        service = await self._platform.services.apply(manifest(caller.workspace, project, name, namespace, spec))
        return _redeployed(service, name, project, done, message)

    async def delete(self, caller: Principal, name: str, project: str) -> DeletedView:
        """Delete a service. Deleting an absent one is not an error, so a call whose answer was lost can be retried."""
        caller.require("write")
        name, project = checks.service_name(name), checks.project_name(project)
        deleted = await self._platform.services.delete(cr_name(caller.workspace, project, name))
        if deleted is None:
            message = await self._not_found_message(caller, name, project)
            return DeletedView(name=name, project=project, state="deleted", message=f"Nothing to delete: {message}")
        message = "Its pods, URL, images and build history are removed within a minute. The repository is not deleted."
        return DeletedView(name=name, project=project, state="deleting", message=message)

    async def _find(self, caller: Principal, name: str, project: str) -> InkService:
        name, project = checks.service_name(name), checks.project_name(project)
        service = await self._platform.services.get(cr_name(caller.workspace, project, name))
        if service is None:
            seen = await self._not_found_message(caller, name, project)
            raise NotFound("ServiceNotFound", seen, "Call list_services for all names, or create_service to create it.")
        return service

    async def _find_to_change(self, caller: Principal, name: str, project: str) -> InkService:
        """For actions that write: raises BeingDeleted too."""
        service = await self._find(caller, name, project)
        if service.metadata.deletion_timestamp is not None:
            raise GatewayError(
                "BeingDeleted", f"service {name!r} is being deleted.", "Once it is gone, create it again."
            )
        return service

    async def _not_found_message(self, caller: Principal, name: str, project: str) -> str:
        """The message for a name that does not exist, with similar names."""
        services = [_summary(s) for s in await self._platform.services.of_workspace(caller.workspace)]
        elsewhere = [f"{s.name} (project {s.project})" for s in services if s.name == name and s.project != project]
        near = difflib.get_close_matches(name, [s.name for s in services if s.project == project], n=3, cutoff=0.5)
        hint = f" Similar names: {', '.join(elsewhere + near)}." if elsewhere or near else ""
        return f"there is no service {name!r} in project {project!r}.{hint}"

    async def _head(self, caller: Principal, service: InkService) -> str | None:
        """Head commit of the followed branch; None if the service is pinned or the head is unavailable right now."""
        git = service.spec.source.git
        if git is None or git.commit is not None:
            return None
        internal = git.auth is not None and git.auth.internal is not None
        try:
            if not internal:
                return await self._platform.heads.head(git.url, git.branch, None)
            source = address(git.url, "ml.ink", caller.workspace, self._platform.git_public_url)
            token = await self._platform.repositories.token(
                caller.workspace, source.internal_name or "", "read", READ_TOKEN_SECONDS
            )
            url = self._platform.git_internal_url + git.url.removeprefix(self._platform.git_public_url)
            return await self._platform.heads.head(url, git.branch, token.token)
        except PartUnavailable:
            return None
        except GatewayError as error:
            # the resolver asked by the address inside the cluster, which the caller does not know
            seen = error.seen.replace(self._platform.git_internal_url, self._platform.git_public_url)
            raise GatewayError(error.reason, seen, error.remedy) from None


def _summary(service: InkService) -> ServiceSummary:
    _, project, name = service.metadata.name.split(".", 2)
    return summary(service, project, name)


def _lines(parameter: str, asked: int | None, wanted: bool) -> int:
    if asked is None:
        return LOG_LINES_ON_FAILURE if wanted else 0
    if not 0 <= asked <= LOG_LINES_MAX:
        raise checks.out_of_range(parameter, asked, 0, LOG_LINES_MAX)
    return asked


def _redeployed(service: InkService, name: str, project: str, action: Redeploy, message: str) -> RedeployView:
    call = f"get_service(name={name!r}, project={project!r})"
    return RedeployView(
        name=name,
        project=project,
        action=action,
        state=state_of(service),
        url=service.status.url,
        message=message,
        next_step=f"Call {call} until the state is live or failed.",
    )
