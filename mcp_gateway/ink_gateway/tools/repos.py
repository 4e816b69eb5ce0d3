"""Tools about repositories."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from ink_gateway.actions.repos import GitTokenView, RepoActions, RepoView
from ink_gateway.addresses import HOSTS, INTERNAL
from ink_gateway.tools.calls import CallerOf, Ctx
from ink_gateway.tools.schema import CHANGES, ENSURES, ToolList

RepoName = Annotated[str, Field(description="Lower-case letters, digits, '-', '_', '.'")]
Host = Annotated[str, Field(description="Git host", json_schema_extra={"enum": list(HOSTS)})]


def tools(actions: RepoActions, caller_of: CallerOf) -> list[Tool]:
    """The tools of this noun."""
    found = ToolList()

    @found.tool(ENSURES)
    async def create_repo(ctx: Ctx, name: RepoName, host: Host = INTERNAL, description: str = "") -> RepoView:
        """Create an empty git repository on Ink's git server. An existing one is returned unchanged."""
        return await actions.create(caller_of(ctx), name, host, description)

    @found.tool(CHANGES)
    async def get_git_token(ctx: Ctx, name: RepoName, host: Host = INTERNAL) -> GitTokenView:
        """Get a secret token to clone and push one repository for 30 days.

        git push <authenticated_url> HEAD:main. Never commit or print the token.
        """
        return await actions.token(caller_of(ctx), name, host)

    return found
