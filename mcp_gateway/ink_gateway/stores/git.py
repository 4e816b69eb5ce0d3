"""Clients of Ink's git server (internal API) and of the resolver, both inside the cluster."""

from typing import Any, cast

import aiohttp
from ink_api.reasons import remedy

from ink_gateway.errors import GatewayError, PartUnavailable
from ink_gateway.ports import GitRepository, GitToken
from ink_gateway.stores.kube import segment

SECONDS = 10
NOT_FOUND = 404


class HttpGitServer:
    """The port `GitServer`."""

    def __init__(self, session: aiohttp.ClientSession, base: str, admin_token: str) -> None:
        self._session, self._base, self._token = session, base, admin_token

    async def get(self, workspace: str, name: str) -> GitRepository | None:
        """The repository, if there is one."""
        status, body = await self._call("GET", self._path(workspace, name))
        return None if status == NOT_FOUND else _repository(status, body)

    async def ensure(self, workspace: str, name: str, description: str) -> GitRepository:
        """Create it, or return the existing one."""
        return _repository(*await self._call("PUT", self._path(workspace, name), {"description": description}))

    async def token(self, workspace: str, name: str, scope: str, expires_in_seconds: int) -> GitToken:
        """New credentials for it."""
        asked = {"scope": scope, "expiresInSeconds": expires_in_seconds}
        status, body = await self._call("POST", self._path(workspace, name) + "/tokens", asked)
        if status >= 400:
            raise _refused(status, body)
        return GitToken(body["token"], body.get("expiresAt"))

    @staticmethod
    def _path(workspace: str, name: str) -> str:
        return f"/v1/repos/{segment(workspace)}/{segment(name)}"

    async def _call(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._token}"}
        return await _ask(self._session, method, self._base + path, part="the git server", headers=headers, body=body)


class Resolver:
    """The port `BranchHeads`: the resolver is the only process that connects to addresses given by tenants."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session, self._base = session, base

    async def head(self, url: str, branch: str, password: str | None) -> str:
        """Commit of the branch."""
        asked = {"url": url, "branch": branch, "commit": None}
        asked |= {"username": "ink" if password else None, "password": password}
        status, body = await _ask(
            self._session, "POST", f"{self._base}/v1/head", part="the resolver", headers={}, body=asked
        )
        if status == 422:
            reason = str(body.get("reason", ""))
            seen = str(body.get("message", "")).rstrip(".")
            raise GatewayError(reason, f"{seen}.", remedy(reason))
        if status >= 400:
            raise PartUnavailable("the resolver", f"HTTP {status}")
        return str(body["commit"])


async def _ask(
    session: aiohttp.ClientSession, method: str, url: str, *, part: str, headers: dict[str, str], body: Any
) -> tuple[int, dict[str, Any]]:
    """Status and JSON body. Raises PartUnavailable for no answer, a server error or rejected credentials."""
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with session.request(
            method, url, json=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            if answer.status >= 500 or answer.status in (401, 403, 429):
                raise PartUnavailable(part, f"HTTP {answer.status}")
            parsed = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise PartUnavailable(part, type(error).__name__) from error
    return answer.status, cast("dict[str, Any]", parsed if isinstance(parsed, dict) else {})


def _repository(status: int, body: dict[str, Any]) -> GitRepository:
    if status >= 400:
        raise _refused(status, body)
    return GitRepository(body["workspace"], body["name"], bool(body["empty"]), str(body.get("defaultBranch") or "main"))


def _refused(status: int, body: dict[str, Any]) -> GatewayError:
    seen = str(body.get("message") or body.get("error") or f"the git server refused with HTTP {status}.")
    return GatewayError(str(body.get("reason") or "Refused"), seen, "Correct what the message names and call again.")
