"""MCP servers in Python: found by parsing their script, and started so that they are reached from outside.

What their own `run()` does by default is to speak over standard input, or to listen on 127.0.0.1.
"""

import ast
import re
import shlex
from dataclasses import dataclass

from ink_planner.ecosystems.python.apps import importable, parsed
from ink_planner.model.plan import PORT
from ink_planner.toolkit import quoting

_CLASSES = {"FastMCP", "MCPServer"}
MADE = re.compile(r"\b(?:FastMCP|MCPServer|Server)\(")
_FOUND_BY_FASTMCP = {"mcp", "server", "app"}
_SDK_1 = 's = {m}.{o}.settings; s.host, s.port, s.transport_security = "0.0.0.0", int(p), None; {m}.{o}.run("{t}")'
_SDK_2 = '{m}.{o}.run("{t}", host="0.0.0.0", port=int(p))'
"""What the official SDK takes, in its two generations; the first one knows its address before it is run."""


@dataclass(frozen=True)
class McpServer:
    """A module-level object that the script does nothing with but run it; `package` is where its class comes from."""

    name: str
    package: str
    transport: str | None


def command(path: str, module: str, text: str) -> str:
    """How the script is started: with address and port given to its server where the script leaves them open."""
    named = quoting.argument(path)
    as_it_is = f"env FASTMCP_HOST=0.0.0.0 FASTMCP_PORT={PORT} FASTMCP_TRANSPORT=http python {named}"
    server = None if "environ" in text or "getenv" in text else _server(text)
    if server is None:
        return as_it_is
    if server.package == "fastmcp":
        transport = server.transport if server.transport in {"http", "sse", "streamable-http"} else "http"
        if server.name not in _FOUND_BY_FASTMCP:
            return as_it_is
        return f"fastmcp run {named} --transport {transport} --host 0.0.0.0 --port {PORT}"
    if not importable(path):
        return as_it_is
    run = _SDK_1 if server.package == "mcp.server.fastmcp" else _SDK_2
    transport = server.transport if server.transport in {"sse", "streamable-http"} else "streamable-http"
    code = f"import sys, {module}; p = sys.argv[1]; " + run.format(m=module, o=server.name, t=transport)
    return f"python -c {shlex.quote(code)} {PORT}"


def _server(text: str) -> McpServer | None:
    tree = parsed(text) or ast.Module([], [])
    packages: dict[str, str] = {}
    made: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            packages |= {a.asname or a.name: node.module for a in node.names if a.name in _CLASSES}
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            target, made_by = node.targets[0], node.value.func
            if isinstance(target, ast.Name) and isinstance(made_by, ast.Name) and made_by.id in packages:
                made[target.id] = packages[made_by.id]
    run = _only_call(tree)
    if run is None or not isinstance(run.func, ast.Attribute) or not isinstance(run.func.value, ast.Name):
        return None
    name = run.func.value.id
    if run.func.attr != "run" or name not in made:
        return None
    said = [*run.args[:1], *(word.value for word in run.keywords if word.arg == "transport")]
    transport = next((str(v.value) for v in said if isinstance(v, ast.Constant)), None)
    return McpServer(name, made[name], transport)


def _only_call(tree: ast.Module) -> ast.Call | None:
    """What a script does when it is run, where that is one call: a call of its own `main` is followed."""
    guards = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "__name__ == '__main__'"]
    call = _single(guards[0].body) if len(guards) == 1 and not guards[0].orelse else None
    if call is not None and isinstance(call.func, ast.Name) and not call.args:
        functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == call.func.id]
        return _single(functions[0].body) if len(functions) == 1 else None
    return call


def _single(body: list[ast.stmt]) -> ast.Call | None:
    expressions = [n.value for n in body if isinstance(n, ast.Expr)]
    calls = [e for e in expressions if isinstance(e, ast.Call)]
    texts = [e for e in expressions if isinstance(e, ast.Constant)]
    return calls[0] if len(calls) == 1 and len(calls) + len(texts) == len(body) else None
