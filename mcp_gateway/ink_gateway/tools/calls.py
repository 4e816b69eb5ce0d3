"""What all tool calls share: the caller, errors as text, one log line."""

import logging
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from ink_gateway.errors import GatewayError
from ink_gateway.ports import Principal

log = logging.getLogger("ink_gateway.calls")

UNEXPECTED = (
    "InternalError: the gateway hit an unexpected error; nothing is lost. "
    "Retry in a few seconds. If it happens again, ask the administrator to check the gateway's log."
)

P = ParamSpec("P")
R = TypeVar("R")
Ctx = Context[Any, Any]
CallerOf = Callable[[Ctx], Principal]


def handle_errors(tool: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Expected errors reach the agent as text; every call logs one line, without its arguments."""

    @wraps(tool)
    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        began, outcome = time.monotonic(), "cancelled"
        try:
            answer = await tool(*args, **kwargs)
            outcome = "ok"
            return answer
        except GatewayError as error:
            outcome = error.reason
            raise ToolError(str(error)) from None
        except ToolError:
            outcome = "Refused"
            raise
        except Exception:
            outcome = "InternalError"
            log.exception("unexpected error in %s", tool.__name__)
            raise ToolError(UNEXPECTED) from None
        finally:
            fields = {"tool": tool.__name__, "outcome": outcome, "ms": round((time.monotonic() - began) * 1000)}
            log.info("call", extra={"fields": fields})

    return call
