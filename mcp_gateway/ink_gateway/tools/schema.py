"""Compact tool definitions: agents pay for every word of a schema in each conversation."""

import difflib
from collections.abc import Awaitable, Callable
from inspect import cleandoc
from typing import Any, ParamSpec, TypeVar

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import ToolAnnotations
from pydantic import ValidationError

from ink_gateway.errors import InvalidArgument
from ink_gateway.tools.calls import handle_errors

P = ParamSpec("P")
R = TypeVar("R")

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
ENSURES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True)
CHANGES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False)
DELETES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True)
"""What a tool does, for clients that ask a person first. A second call of one that ENSURES changes nothing more."""


class ToolList(list[Tool]):
    """Tools, each collected where it is defined."""

    def tool(self, annotations: ToolAnnotations) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
        """Decorator: the function becomes a tool of the list."""

        def collect(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
            self.append(tool_of(handle_errors(function), annotations))
            return function

        return collect


class StrictTool(Tool):
    """A tool that refuses unknown arguments, and says in one sentence which argument is wrong."""

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Raises ToolError for unknown or invalid arguments."""
        try:
            self._check(arguments)
        except InvalidArgument as error:
            raise ToolError(f"Error executing tool {self.name}: {error}") from None
        return await super().run(arguments, context, convert_result)

    def _check(self, arguments: dict[str, Any]) -> None:
        known = list(self.parameters.get("properties", {}))
        for name in arguments:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1) or [k for k in known if name in k or k in name][:1]
                hint = f"Did you mean {near[0]}?" if near else f"Valid arguments: {', '.join(known) or 'none'}."
                raise InvalidArgument(name[:80], "unknown argument.", hint)
        try:
            self.fn_metadata.validate_arguments(arguments)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = ".".join(str(part) for part in first["loc"]) or "arguments"
            raise InvalidArgument(name, f"{first['msg'].rstrip('.')}.", "See the tool's schema.") from None


def tool_of(function: Callable[..., Awaitable[Any]], annotations: ToolAnnotations) -> Tool:
    """A tool with structured output: its description is the docstring, its schemas come from the types."""
    tool = StrictTool.from_function(
        function, description=cleandoc(function.__doc__ or ""), annotations=annotations, structured_output=True
    )
    tool.parameters = slim(tool.parameters)
    tool.fn_metadata.output_schema = slim(tool.fn_metadata.output_schema or {})
    return tool


def slim(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema without generated titles and without null types of optional fields.

    Arguments may still be null, and answers leave out null fields.
    """
    out = {key: value for key, value in schema.items() if key != "title" and not (key == "default" and value is None)}
    if "anyOf" in out:
        options = [option for option in out.pop("anyOf") if option.get("type") != "null"]
        out = {**options[0], **out} if len(options) == 1 else {**out, "anyOf": options}
    if "properties" in out:
        # A class docstring: the tool's description and the field names already say it.
        out.pop("description", None)
    if out.get("additionalProperties") is True:
        del out["additionalProperties"]
    for key in ("properties", "$defs"):
        if key in out:
            out[key] = {name: slim(value) for name, value in out[key].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(out.get(key), dict):
            out[key] = slim(out[key])
    return {key: value for key, value in out.items() if key != "title"}
