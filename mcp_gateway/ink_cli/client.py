"""Calls one tool over MCP."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import httpx2
from mcp import MCPError
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from ink_cli.config import Connection
from ink_cli.errors import CliError, KeyRefused, ToolFailed, Unreachable

CONNECT_SECONDS = 10
READ_SECONDS = 660
"""Longer than the gateway ever waits for a service."""
UNAUTHORIZED = 401

OnProgress = Callable[[str], None]


def call(
    connection: Connection, tool: str, arguments: dict[str, Any], on_progress: OnProgress = lambda _: None
) -> dict[str, Any]:
    """The tool's structured answer. `on_progress` gets each progress message. Raises CliError."""
    given = {key: value for key, value in arguments.items() if value is not None}
    return asyncio.run(_call(connection, tool, given, on_progress))


async def _call(
    connection: Connection, tool: str, arguments: dict[str, Any], on_progress: OnProgress
) -> dict[str, Any]:
    refusals: list[str] = []

    async def note_refusal(response: httpx2.Response) -> None:
        if response.status_code == UNAUTHORIZED:
            refusals.append(await _error_message(response))

    async def report(progress: float, total: float | None, message: str | None) -> None:
        on_progress(message or "")

    http = httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {connection.key}"},
        verify=tls(connection),
        timeout=httpx2.Timeout(CONNECT_SECONDS, read=READ_SECONDS),
        event_hooks={"response": [note_refusal]},
    )
    try:
        async with http, Client(streamable_http_client(connection.mcp_url, http_client=http)) as client:
            result = await client.call_tool(tool, arguments, progress_callback=report)
    except (httpx2.HTTPError, MCPError, ExceptionGroup) as error:
        raise _failure(connection, refusals, error) from error
    if result.is_error:
        text = "\n".join(getattr(part, "text", "") for part in result.content)
        raise ToolFailed(text.removeprefix(f"Error executing tool {tool}: "))
    return dict(result.structured_content or {})


def _failure(connection: Connection, refusals: list[str], error: Exception) -> CliError:
    if refusals:
        return KeyRefused(f"the gateway refused the API key: {refusals[0]}")
    cause: BaseException = error
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    hint = " (for a local CA, pass --ca or set INK_CA)" if "CERTIFICATE" in str(cause).upper() else ""
    return Unreachable(f"no Ink gateway answers at {connection.mcp_url}: {cause or type(cause).__name__}{hint}")


async def _error_message(response: httpx2.Response) -> str:
    try:
        await response.aread()
        return str(response.json()["message"])
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        return "no reason given"


def tls(connection: Connection) -> ssl.SSLContext:
    """The system's certificate authorities plus the one of the connection, if any."""
    context = ssl.create_default_context()
    if connection.ca:
        context.load_verify_locations(cafile=connection.ca)
    return context
