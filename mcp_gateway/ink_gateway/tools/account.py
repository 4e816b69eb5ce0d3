"""Tools about the caller."""

from mcp.server.mcpserver.tools import Tool
from mcp_types import ToolAnnotations
from pydantic import Field

from ink_gateway.actions.platform import Platform
from ink_gateway.tools.calls import CallerOf, Ctx, answering
from ink_gateway.tools.schema import tool_of
from ink_gateway.views import View


class WhoamiView(View):
    """Who calls, and where."""

    workspace: str
    key: str = Field(description="Beginning of the API key")
    scopes: list[str]
    expires_at: str | None = None
    gateway_url: str
    git_url: str = Field(description="Your repositories are below it")


def tools(platform: Platform, caller_of: CallerOf) -> list[Tool]:
    """The tools of this noun."""

    @answering
    async def whoami(ctx: Ctx) -> WhoamiView:
        """The workspace and rights of your API key, and this platform's addresses."""
        caller = caller_of(ctx)
        return WhoamiView(
            workspace=caller.workspace,
            key=f"{caller.key_prefix}…",
            scopes=sorted(caller.scopes),
            expires_at=caller.expires_at.isoformat() if caller.expires_at else None,
            gateway_url=platform.public_url,
            git_url=f"{platform.git_public_url}/{caller.workspace}",
        )

    hints = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    return [tool_of(whoami, hints)]
