"""The tool list: the contract that agents read. INK_GOLDEN=write writes tools.json, which is reviewed as a diff."""

import json
import logging
import os
import re
from pathlib import Path
from typing import Any

import pytest
from ink_gateway.logs import JsonLines
from ink_gateway.tools.server import build_server
from mcp.client import Client
from unit.gateway.world import CALLER, World

CONTRACT = Path(__file__).with_name("tools.json")
README = Path(__file__).parents[3] / "README.md"
TOKENS_PER_TOOL = 400
"""Twenty tools in at most 6,000 tokens leaves 300 each; create_service and get_service take more than the others."""


@pytest.fixture
async def tools() -> dict[str, dict[str, Any]]:
    async with Client(build_server(World().platform, lambda _: CALLER)) as client:
        listed = (await client.list_tools()).tools
    return {tool.name: tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed}


async def test_names_parameters_defaults_and_annotations_are_the_contract(tools: dict[str, dict[str, Any]]) -> None:
    offered = {}
    for name, tool in tools.items():
        required, properties = tool["inputSchema"].get("required", []), tool["inputSchema"].get("properties", {})
        offered[name] = {
            "required": {p: properties[p]["type"] for p in required},
            "defaults": {p: properties[p].get("default") for p in properties if p not in required},
            "annotations": tool["annotations"],
        }
    if os.environ.get("INK_GOLDEN") == "write":
        CONTRACT.write_text(json.dumps(offered, indent=2) + "\n")
    assert offered == json.loads(CONTRACT.read_text()), "the tools changed: set INK_GOLDEN=write and review tools.json"


async def test_the_readme_has_every_tool(tools: dict[str, dict[str, Any]]) -> None:
    cells = re.findall(r"^\| (`[a-z].*?) \|", README.read_text().partition("| tool | what it does |")[2], re.M)
    named = {name for cell in cells for name in re.findall(r"`(\w+)", cell)}
    assert named == set(tools), "the README's table has a row for each tool"


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
