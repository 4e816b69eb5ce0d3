"""Tools about the caller."""

from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from ink_gateway.actions.platform import Platform
from ink_gateway.tools.calls import CallerOf, Ctx
from ink_gateway.tools.schema import READS, ToolList
from ink_gateway.views import View


class WhoamiView(View):
    """The caller and the platform."""

    workspace: str
    key: str = Field(description="First characters of the API key")
    scopes: list[str]
    expires_at: str | None = None
    gateway_url: str
    git_url: str = Field(description="Base URL of your repositories")


def tools(platform: Platform, caller_of: CallerOf) -> list[Tool]:
    """The tools of this noun."""
    found = ToolList()

    @found.tool(READS)
    async def whoami(ctx: Ctx) -> WhoamiView:
        """The workspace and scopes of your API key, and this platform's addresses."""
        caller = caller_of(ctx)
        return WhoamiView(
            workspace=caller.workspace,
            key=f"{caller.key_prefix}…",
            scopes=sorted(caller.scopes),
            expires_at=caller.expires_at.isoformat() if caller.expires_at else None,
            gateway_url=platform.public_url,
            git_url=f"{platform.git_public_url}/{caller.workspace}",
        )

    return found
