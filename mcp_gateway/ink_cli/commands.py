"""The commands: each turns arguments into one tool call, and the answer into text and an exit code."""

import json
import os
import re
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ink_api.inkservice import ENV_NAME_PATTERN

from ink_cli import client, config, credential, output, sealing
from ink_cli.errors import NotLiveYet, ToolFailed, UsageError

PENDING = frozenset({"building", "deploying"})


def connect(args: Namespace) -> None:
    """Check the connection, save it, and show how to connect an MCP client."""
    connection = connection_of(args)
    who = client.call(connection, "whoami", {})
    file = config.save(connection, os.environ)
    entry = {"type": "http", "url": connection.mcp_url, "headers": {"Authorization": "Bearer ${INK_API_KEY}"}}
    if args.json:
        print(json.dumps({"workspace": who["workspace"], "file": str(file), "mcpServers": {"ink": entry}}, indent=2))
        return
    print(f"connected to {connection.url} as workspace {who['workspace']}; saved in {file}")
    print("settings for git, so that no token is stored anywhere:\n  " + "\n  ".join(credential.setup(who["git_url"])))
    print(f"settings for an MCP client:\n{json.dumps({'mcpServers': {'ink': entry}}, indent=2)}")


def whoami(args: Namespace) -> None:
    """Workspace and scopes of the key."""
    show(args, call_tool(args, "whoami"), output.plain)


def services(args: Namespace) -> None:
    """All services."""
    show(args, call_tool(args, "list_services"), output.services)


def status(args: Namespace) -> None:
    """One service."""
    answer = call_tool(args, "get_service", name=args.name, project=args.project, include_env=args.env or None)
    show(args, answer, output.service)
    raise_for_state(answer, wait=False)


def deploy(args: Namespace) -> None:
    """Create or update a service, and wait."""
    answer = call_tool(
        args,
        "create_service",
        repo=args.repo,
        name=args.name,
        host=args.host,
        branch=args.branch,
        project=args.project,
        build_pack=args.build_pack,
        port=args.port,
        env_vars=variables(args.env, args.env_file),
        memory=args.memory,
        cpu=args.cpu,
        install_command=args.install_command,
        build_command=args.build_command,
        start_command=args.start_command,
        wait=args.wait,
    )
    show(args, answer, output.service)
    raise_for_state(answer, wait=args.wait > 0)


def redeploy(args: Namespace) -> None:
    """Deploy again."""
    show(args, call_tool(args, "redeploy_service", name=args.name, project=args.project), output.plain)


def logs(args: Namespace) -> None:
    """The end of a log."""
    lines = {"deploy_log_lines": args.lines} if args.build else {"runtime_log_lines": args.lines}
    answer = call_tool(args, "get_service", name=args.name, project=args.project, **lines)
    found = answer.get("deploy_log" if args.build else "runtime_log") or []
    print(json.dumps(found, indent=2) if args.json else "\n".join(found))


def delete(args: Namespace) -> None:
    """Delete a service."""
    show(args, call_tool(args, "delete_service", name=args.name, project=args.project), output.plain)


def repo(args: Namespace) -> None:
    """Create a repository, or show an existing one."""
    show(args, call_tool(args, "create_repo", name=args.name), output.plain)


def token(args: Namespace) -> None:
    """A token for a repository."""
    show(args, call_tool(args, "get_git_token", name=args.name), output.plain)


def git_credential(args: Namespace) -> None:
    """Answer git's `get`; `store` and `erase` are ignored, because nothing is stored."""
    if args.operation == "get":
        sys.stdout.write(credential.fill(sys.stdin.read(), lambda tool, **given: call_tool(args, tool, **given)))


def seal(args: Namespace) -> None:
    """Encrypt a value, read from standard input if the argument has none."""
    name, equals, value = args.variable.partition("=")
    if not equals:
        value = sys.stdin.read().removesuffix("\n")
    if not re.fullmatch(ENV_NAME_PATTERN, name):
        raise UsageError(
            f"{name!r} is not a valid variable name: use letters, digits and '_', not starting with a digit"
        )
    keys = sealing.read(args.keys) if args.keys else sealing.fetched(connection_of(args))
    token = sealing.sealed(keys, args.namespace, args.service, name, value)
    entry = {"name": name, "valueFrom": {"sealed": token}}
    print(json.dumps(entry, indent=2) if args.json else token)


def connection_of(args: Namespace) -> config.Connection:
    """The connection from flags, environment or file."""
    key = Path(args.key_file).read_text().strip() if args.key_file else None
    return config.resolve(args.url, key, args.ca, os.environ)


def call_tool(args: Namespace, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool; progress goes to standard error if that is a terminal."""
    quiet = args.json or not sys.stderr.isatty()
    on_progress = (lambda _: None) if quiet else (lambda message: print(f"  … {message}", file=sys.stderr))
    return client.call(connection_of(args), tool, arguments, on_progress)


def show(args: Namespace, answer: dict[str, Any], readable: Callable[[dict[str, Any]], str]) -> None:
    """Print an answer."""
    print(json.dumps(answer, indent=2, ensure_ascii=False) if args.json else readable(answer))


def raise_for_state(answer: dict[str, Any], *, wait: bool) -> None:
    """Turn a service's state into an exit code. Raises ToolFailed, or NotLiveYet after a wait."""
    if answer["state"] == "failed":
        raise ToolFailed(f"{answer['name']} has failed: {answer.get('reason', 'no reason given')}")
    if wait and answer["state"] in PENDING:
        raise NotLiveYet(f"{answer['name']} is not live yet: run 'ink status {answer['name']}' to see its progress")


def variables(pairs: list[str], file: str | None) -> dict[str, str] | None:
    """Variables from a file and from flags; flags win. None if neither was given. Raises UsageError."""
    lines = Path(file).read_text().splitlines() if file else []
    wanted = [line for line in lines if line.strip() and not line.lstrip().startswith("#")] + pairs
    out = {}
    for pair in wanted:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{name.strip()!r} has no value: write NAME=VALUE")
        out[name.strip()] = value
    return out if file or pairs else None
