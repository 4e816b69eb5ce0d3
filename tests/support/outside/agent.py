"""An agent: a real MCP client over HTTPS with an API key."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Answer:
    """What a tool said: its structured result, and the text that a model reads."""

    data: dict[str, Any]
    text: str
    is_error: bool
    progress: tuple[str, ...] = ()

    def __getitem__(self, key: str) -> Any:
        return self.data[key]


@dataclass(frozen=True)
class Agent:
    """Calls tools of one gateway with one key. Each call is a connection of its own, so threads may share it."""

    url: str
    ca: Path
    key: str = field(repr=False)

    def call(self, tool: str, **arguments: Any) -> Answer:
        """The tool's answer, whether it succeeded or not."""
        return asyncio.run(self._call(tool, arguments))

    def ok(self, tool: str, **arguments: Any) -> Answer:
        """The tool's answer. Raises AssertionError with its words when it is an error."""
        answer = self.call(tool, **arguments)
        assert not answer.is_error, f"{tool}({arguments}): {answer.text}"
        return answer

    def tools(self) -> dict[str, Any]:
        """Name -> description of every tool offered."""
        return asyncio.run(self._tools())

    async def _call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        told: list[str] = []

        async def report(progress: float, total: float | None, message: str | None) -> None:
            told.append(message or "")

        async with self._http() as http, Client(streamable_http_client(self.url, http_client=http)) as client:
            result = await client.call_tool(tool, arguments, progress_callback=report)
        text = "\n".join(getattr(part, "text", "") for part in result.content)
        return Answer(dict(result.structured_content or {}), text, bool(result.is_error), tuple(told))

    async def _tools(self) -> dict[str, Any]:
        async with self._http() as http, Client(streamable_http_client(self.url, http_client=http)) as client:
            return {tool.name: tool for tool in (await client.list_tools()).tools}

    def _http(self) -> httpx2.AsyncClient:
        context = ssl.create_default_context(cafile=str(self.ca))
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        timeout = httpx2.Timeout(30, read=PATIENCE_SECONDS)
        return httpx2.AsyncClient(verify=context, headers=headers, timeout=timeout, trust_env=False)
