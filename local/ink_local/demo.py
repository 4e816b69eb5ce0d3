"""The end of `make up`: a sample application goes from a directory to a live URL, as an agent would do it.

create_repo, git push, create_service by an MCP client, then a GET of the URL.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from ink_artifacts.errors import SetupError
from ink_artifacts.progress import ProgressPrinter
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from ink_local.chart import Endpoint, endpoint_of
from ink_local.cluster import LocalCluster

SAMPLE = Path(__file__).resolve().parents[2] / "examples" / "apps" / "hello-python"
SERVICE = "hello"


async def call(client: Client, tool: str, shown: ProgressPrinter | None = None, **arguments: Any) -> dict[str, Any]:
    """The structured result of one tool. Raises SetupError with the tool's own message when it failed."""

    async def report(progress: float, total: float | None, message: str | None) -> None:
        if shown is not None and message:
            shown.say(f"      {message}")

    result = await client.call_tool(tool, arguments, progress_callback=report)
    if result.is_error:
        text = " ".join(getattr(part, "text", "") for part in result.content)
        raise SetupError(
            f"the tool {tool} failed",
            seen=text,
            remedy="do what the message says; `kubectl get events -A` shows what happened in the cluster",
        )
    return dict(result.structured_content or {})


def push(directory: Path, remote: str, token: str, ca: Path) -> None:
    """Commit the directory's files and push them to `remote` with the ordinary git client.

    The token goes by the environment: everybody on the machine may read a command line.
    """
    basic = base64.b64encode(f"ink:{token}".encode()).decode()
    env = {
        **os.environ,
        "GIT_SSL_CAINFO": str(ca),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
    }
    author = ["-c", "user.name=Ink", "-c", "user.email=demo@ink.invalid"]
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        [*author, "commit", "--quiet", "--message", "The sample application"],
        ["push", "--quiet", remote, "main"],
    ):
        done = subprocess.run(["git", *command], cwd=directory, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            seen = done.stderr.replace(token, "***").strip()
            raise SetupError(
                f"git {command[0]} failed",
                seen=seen,
                remedy="read the git server's log: kubectl logs -n dp-system deploy/git",
            )


class LoopbackHTTPS(http.client.HTTPSConnection):
    """HTTPS to 127.0.0.1 under the URL's own name: many resolvers do not know names below .localhost."""

    def connect(self) -> None:
        """Open the connection to loopback; the certificate is checked for the URL's name."""
        raw = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._context.wrap_socket(raw, server_hostname=self.host)  # type: ignore[attr-defined]


def fetch(url: str, ca: Path, *, seconds: float = 10) -> tuple[int, bytes]:
    """Status and body of a GET of `url` on this machine's loopback listener."""
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=str(ca))
    connection = LoopbackHTTPS(parts.hostname or "", parts.port or 443, timeout=seconds, context=context)
    try:
        connection.request("GET", parts.path or "/", headers={"User-Agent": "ink-demo"})
        answer = connection.getresponse()
        return answer.status, answer.read(1 << 20)
    finally:
        connection.close()


async def deploy(endpoint: Endpoint, progress: ProgressPrinter) -> str:
    """Push the sample and create its service; returns its URL."""
    context = ssl.create_default_context(cafile=str(endpoint.ca))
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    async with (
        httpx2.AsyncClient(verify=context, headers=headers, timeout=httpx2.Timeout(30, read=600)) as http_client,
        Client(streamable_http_client(endpoint.mcp_url, http_client=http_client)) as client,
    ):
        with progress.step("create_repo, git push"):
            repository = await call(client, "create_repo", name=SERVICE)
            if repository["empty"]:  # what somebody has pushed to it since is not ours to replace
                access = await call(client, "get_git_token", name=SERVICE)
                with tempfile.TemporaryDirectory() as scratch:
                    shutil.copytree(SAMPLE, scratch, dirs_exist_ok=True)
                    push(Path(scratch), access["url"], access["token"], endpoint.ca)
        with progress.step("create_service"):
            service = await call(client, "create_service", progress, repo=SERVICE, name=SERVICE, wait=240)
    if service.get("state") != "live":
        seen = f"{service.get('state')}: {service.get('reason')} {service.get('message')}"
        raise SetupError(
            "the sample application is not live",
            seen=seen,
            remedy="read `kubectl describe inksvc -n ink-tenants`, then run this again",
        )
    return str(service["url"])


def run(cluster: LocalCluster, progress: ProgressPrinter) -> None:
    """The whole demonstration; prints what a newcomer needs next."""
    endpoint = endpoint_of(cluster)
    began = time.monotonic()
    url = asyncio.run(deploy(endpoint, progress))
    status, body = fetch(url, endpoint.ca)
    took = time.monotonic() - began
    text = body.decode(errors="replace").strip()[:400]
    name = "" if cluster.name == "ink" else f" NAME={cluster.name}"
    print(
        f"\n{text}\n\n"
        f"  live URL   {url}  ({status}, {took:.1f} s from create_repo to this answer)\n"
        f"  gateway    {endpoint.mcp_url}\n"
        f"  API key    {endpoint.api_key}\n"
        f"  CA file    {endpoint.ca}\n"
        f"  kubectl    export KUBECONFIG={cluster.kubeconfig}\n\n"
        f"  try        curl --cacert {endpoint.ca} {url}\n"
        f'  then       eval "$(make env{name})"; ink --help\n'
    )
