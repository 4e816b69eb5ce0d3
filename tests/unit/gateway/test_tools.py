"""The tool list: the contract that agents read."""

import inspect
import json
import logging
from typing import Any

import pytest
from ink_gateway.logs import JsonLines
from ink_gateway.tools.server import build_server
from mcp.client import Client
from unit.gateway.world import CALLER, World

NONE, REQUIRED = None, inspect.Parameter.empty
CONTRACT: dict[str, dict[str, Any]] = {
    "create_service": {
        "repo": REQUIRED, "host": "ml.ink", "branch": "main", "name": REQUIRED, "project": "default",
        "build_pack": "railpack", "port": NONE, "env_vars": NONE, "memory": NONE, "cpu": NONE, "install_command": NONE,
        "build_command": NONE, "start_command": NONE, "wait": 50,
    },
    "list_services": {},
    "get_service": {
        "name": REQUIRED, "project": "default", "include_env": False,
        "deploy_log_lines": NONE, "runtime_log_lines": NONE,
    },
    "redeploy_service": {"name": REQUIRED, "project": "default"},
    "delete_service": {"name": REQUIRED, "project": "default"},
    "create_repo": {"name": REQUIRED, "host": "ml.ink", "description": ""},
    "get_git_token": {"name": REQUIRED, "host": "ml.ink"},
    "whoami": {},
}  # fmt: skip
TOKENS_PER_TOOL = 400
"""Twenty tools in at most 6,000 tokens leaves 300 each; create_service and get_service take more than the others."""


@pytest.fixture
async def tools() -> dict[str, dict[str, Any]]:
    async with Client(build_server(World().platform, lambda _: CALLER)) as client:
        listed = (await client.list_tools()).tools
    return {tool.name: tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed}


async def test_names_parameters_and_defaults_are_the_contract(tools: dict[str, dict[str, Any]]) -> None:
    offered = {}
    for name, tool in tools.items():
        schema = tool["inputSchema"]
        required = schema.get("required", [])
        properties = schema.get("properties", {})
        offered[name] = {p: REQUIRED if p in required else properties[p].get("default") for p in properties}
    assert offered == CONTRACT


async def test_the_list_is_short(tools: dict[str, dict[str, Any]]) -> None:
    text = json.dumps(list(tools.values()), separators=(",", ":"), ensure_ascii=False)
    assert len(text) / 3.5 <= TOKENS_PER_TOOL * len(tools)


async def test_every_tool_says_what_it_does_and_what_it_answers(tools: dict[str, dict[str, Any]]) -> None:
    for tool in tools.values():
        assert tool["description"]
        assert not any(line.startswith(" ") for line in tool["description"].splitlines())
        assert tool["outputSchema"]["type"] == "object"
        assert "readOnlyHint" in tool["annotations"]
    assert tools["delete_service"]["annotations"]["destructiveHint"] is True
    assert tools["create_service"]["annotations"]["idempotentHint"] is True
    assert tools["list_services"]["annotations"]["readOnlyHint"] is True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"env": {"A": "1"}}, "InvalidArgument: env: unknown argument. Did you mean env_vars?"),
        ({"root": "web"}, "root: unknown argument. Valid arguments: repo, name, host"),
        ({"port": "web"}, "InvalidArgument: port: Input should be a valid integer"),
    ],
)
async def test_no_argument_is_dropped_in_silence(arguments: dict[str, Any], words: str) -> None:
    world = World()
    async with Client(build_server(world.platform, lambda _: CALLER)) as client:
        answer = await client.call_tool("create_service", {"repo": "shop", "name": "web", "wait": 0, **arguments})
    assert answer.is_error
    text = "".join(getattr(part, "text", "") for part in answer.content)
    assert words in text
    assert "pydantic" not in text
    assert not world.services.writes


async def test_a_call_leaves_one_line_without_arguments(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with Client(build_server(World().platform, lambda _: CALLER)) as client:
        arguments = {"repo": "shop", "name": "web", "wait": 0, "env_vars": {"TOKEN": "hunter2"}}
        await client.call_tool("create_service", arguments)
        await client.call_tool("create_service", {**arguments, "repo": "nowhere"})
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    calls = [line for line in lines if line["logger"] == "ink_gateway.calls"]
    assert [(line["tool"], line["outcome"]) for line in calls] == [
        ("create_service", "ok"),
        ("create_service", "RepositoryNotFound"),
    ]
    assert "hunter2" not in json.dumps(lines)
