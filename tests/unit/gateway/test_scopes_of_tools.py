"""A key without scopes can do nothing but ask who it is."""

from dataclasses import replace

from ink_gateway.tools.server import build_server
from mcp.client import Client
from unit.gateway.world import CALLER, World

VALUES = {"repo": "shop", "name": "web"}
WITHOUT_SCOPE = {"whoami"}


async def test_every_tool_needs_a_scope() -> None:
    server = build_server(World().platform, lambda _: replace(CALLER, scopes=frozenset()))
    allowed = set()
    async with Client(server) as client:
        for tool in (await client.list_tools()).tools:
            arguments = {p: VALUES[p] for p in tool.input_schema.get("required", [])}
            answer = await client.call_tool(tool.name, arguments)
            if "ScopeMissing" not in "".join(getattr(part, "text", "") for part in answer.content):
                allowed.add(tool.name)
    assert allowed == WITHOUT_SCOPE, "an action of these tools lacks caller.require(…)"
