"""Tools about services."""

from typing import Annotated, Any

from ink_api.names import SERVICE_NAME_MAX, SERVICE_NAME_PATTERN
from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from ink_gateway.actions.create import CreateService, Progress, parse
from ink_gateway.actions.platform import Platform
from ink_gateway.actions.services import ServiceActions
from ink_gateway.addresses import HOSTS, INTERNAL
from ink_gateway.checks import DEFAULT_PROJECT, PACKS
from ink_gateway.details import ServiceDetail
from ink_gateway.tools.calls import CallerOf, Ctx
from ink_gateway.tools.schema import CHANGES, DELETES, ENSURES, READS, ToolList
from ink_gateway.views import DeletedView, RedeployView, ServiceList, ServiceView

WAIT_SECONDS = 50
"""Below 60 s, when common MCP clients abort a call even if they receive progress."""

# The patterns inform the agent; checks.py enforces them, with messages that say what to pass instead.
Name = Annotated[
    str,
    Field(
        description="Service name, a DNS label",
        json_schema_extra={"pattern": SERVICE_NAME_PATTERN, "maxLength": SERVICE_NAME_MAX},
    ),
]
Project = Annotated[str, Field(description="Groups services in a workspace")]
Host = Annotated[str, Field(description="Git host", json_schema_extra={"enum": list(HOSTS)})]
Repo = Annotated[str, Field(description="ml.ink: repository name; github.com: owner/name")]
Pack = Annotated[
    str,
    Field(
        description="railpack, auto: the Dockerfile if there is one, else static files, else the detected language",
        json_schema_extra={"enum": list(PACKS)},
    ),
]
PortNumber = Annotated[int | None, Field(description="Port the app listens on; default: EXPOSE or 8080. Ink sets PORT")]
EnvVars = Annotated[
    dict[str, Any] | None,
    Field(
        description="Environment variables; replaces all",
        json_schema_extra={"additionalProperties": {"type": "string"}},
    ),
]
Memory = Annotated[str | None, Field(description="Limit, such as 512Mi")]
Cpu = Annotated[str | None, Field(description="Limit in cores, such as 500m or 2")]
Lines = Annotated[int | None, Field(description="0-500; default: only if it explains a failure")]


def tools(platform: Platform, actions: ServiceActions, create: CreateService, caller_of: CallerOf) -> list[Tool]:
    """The tools of this noun."""
    found = ToolList()

    @found.tool(ENSURES)
    async def create_service(
        ctx: Ctx,
        *,
        repo: Repo,
        name: Name,
        host: Host = INTERNAL,
        branch: str = "main",
        project: Project = DEFAULT_PROJECT,
        build_pack: Pack = "railpack",
        port: PortNumber = None,
        env_vars: EnvVars = None,
        memory: Memory = None,
        cpu: Cpu = None,
        install_command: str | None = None,
        build_command: str | None = None,
        start_command: str | None = None,
        wait: Annotated[
            int, Field(description="Seconds to wait until it is live; 0: return at once", ge=0)
        ] = WAIT_SECONDS,
    ) -> ServiceView:
        """Build a git repository and serve it at a public URL; later pushes to the branch deploy too.

        Waits up to `wait` seconds and reports progress. Returns state live with the URL, failed with reason and remedy,
        or building/deploying: then call get_service until it is live or failed.
        Calling it again with the same repo and name updates that service: settings you pass change, others stay.
        Fails with a remedy if the name belongs to another repo or the repo does not exist.
        """
        caller = caller_of(ctx)
        request = parse(
            platform, caller, repo=repo, host=host, branch=branch, name=name, project=project, build_pack=build_pack,
            port=port, env_vars=env_vars, memory=memory, cpu=cpu, install_command=install_command,
            build_command=build_command, start_command=start_command,
        )  # fmt: skip
        progress: Progress = ctx.report_progress
        return await create(caller, request, wait, progress)

    @found.tool(READS)
    async def list_services(ctx: Ctx) -> ServiceList:
        """All services of the workspace: name, project, state, URL."""
        return await actions.list_all(caller_of(ctx))

    @found.tool(READS)
    async def get_service(
        ctx: Ctx,
        *,
        name: Name,
        project: Project = DEFAULT_PROJECT,
        include_env: Annotated[bool, Field(description="Include values of env vars, secrets too")] = False,
        deploy_log_lines: Lines = None,
        runtime_log_lines: Lines = None,
    ) -> ServiceDetail:
        """State, URL, commit, settings and logs of a service.

        state: building, deploying, live, failed, suspended, deleting. If failed: reason, message and remedy say why and
        what to do, and the relevant log is included; serving=true means an older revision still serves traffic.
        revisions: newest first; rollback says how to go back to an earlier one.
        """
        return await actions.get(
            caller_of(ctx),
            name,
            project,
            include_env=include_env,
            deploy_log_lines=deploy_log_lines,
            runtime_log_lines=runtime_log_lines,
        )

    @found.tool(CHANGES)
    async def redeploy_service(ctx: Ctx, name: Name, project: Project = DEFAULT_PROJECT) -> RedeployView:
        """Deploy the branch's new commit if there is one, else rebuild if the last build failed, else restart.

        `action` says which. Not needed after a push, which deploys automatically.
        """
        return await actions.redeploy(caller_of(ctx), name, project)

    @found.tool(DELETES)
    async def delete_service(ctx: Ctx, name: Name, project: Project = DEFAULT_PROJECT) -> DeletedView:
        """Delete a service with its URL, pods and images, but not its repository. An absent service is not an error."""
        return await actions.delete(caller_of(ctx), name, project)

    return found
