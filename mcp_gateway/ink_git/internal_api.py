"""The internal side: repositories and tokens, for the gateway alone (bearer admin token)."""

import json
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ink_git import access
from ink_git.names import RepoName, is_workspace, parse_name, why_not
from ink_git.repositories import RepositoryStore
from ink_git.store import GitDatabase

MAX_BODY_BYTES = 64 << 10
MAX_DESCRIPTION = 1024
MAX_LIFETIME_SECONDS = 10 * 366 * 86400


class RequestError(Exception):
    """A request that is answered with an error; the text says what to do."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason

    def response(self) -> Response:
        """The answer."""
        headers = {"WWW-Authenticate": "Bearer"} if self.status == 401 else None
        return JSONResponse({"reason": self.reason, "message": str(self)}, self.status, headers)


Handler = Callable[[Request], Awaitable[Response]]


class InternalApi:
    """Handlers of `/v1/repos`."""

    def __init__(self, repositories: RepositoryStore, store: GitDatabase, admin_token: str) -> None:
        self._repositories, self._store, self._admin_token = repositories, store, admin_token

    def routes(self) -> list[Route]:
        """The routes of the API."""
        repo = "/v1/repos/{workspace}/{repo}"
        return [
            Route("/v1/repos/{workspace}", self._authenticated(self._list), methods=["GET"]),
            Route(repo, self._authenticated(self._put), methods=["PUT"]),
            Route(repo, self._authenticated(self._get), methods=["GET"]),
            Route(repo, self._authenticated(self._delete), methods=["DELETE"]),
            Route(f"{repo}/tokens", self._authenticated(self._add_token), methods=["POST"]),
            Route(f"{repo}/tokens", self._authenticated(self._list_tokens), methods=["GET"]),
            Route(f"{repo}/tokens", self._authenticated(self._revoke), methods=["DELETE"]),
            Route(f"{repo}/tokens/{{token_id}}", self._authenticated(self._revoke), methods=["DELETE"]),
        ]

    def _authenticated(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            given = access.password_of(request.headers.get("authorization"))
            try:
                if not access.same_secret(given, self._admin_token):
                    raise RequestError(401, "AuthRequired", "send the admin token as a bearer token")
                return await handler(request)
            except RequestError as refused:
                return refused.response()

        return answer

    async def _list(self, request: Request) -> Response:
        workspace = request.path_params["workspace"]
        if not is_workspace(workspace):
            raise RequestError(422, "InvalidName", why_not(workspace, "r"))
        found = [await self._repositories.describe(name) for name in self._repositories.names_in(workspace)]
        return JSONResponse([repository.as_json() for repository in found if repository])

    async def _put(self, request: Request) -> Response:
        name = name_of(request)
        description = (await json_of(request)).get("description", "")
        if not isinstance(description, str) or len(description) > MAX_DESCRIPTION:
            raise RequestError(
                422, "InvalidBody", f"description must be a string of at most {MAX_DESCRIPTION} characters"
            )
        created = await self._repositories.create(name, description)
        return await self._described(name, 201 if created else 200)

    async def _get(self, request: Request) -> Response:
        return await self._described(name_of(request), 200)

    async def _described(self, name: RepoName, status: int) -> Response:
        repository = await self._repositories.describe(name)
        if repository is None:
            raise not_found(name)
        return JSONResponse(repository.as_json(), status)

    async def _delete(self, request: Request) -> Response:
        name = name_of(request)
        # Tokens first: if the process dies in between, no old token works for a later repository of that name.
        await self._store.forget(name)
        await self._repositories.delete(name)
        return Response(status_code=204)

    async def _add_token(self, request: Request) -> Response:
        name = self._existing(request)
        scope, expires_at = token_request(await json_of(request), int(time.time()))
        token, token_id = access.new_token(), secrets.token_hex(8)
        await self._store.forget_tokens(before=int(time.time()) - 30 * 86400)
        await self._store.add_token(token_id, access.hash_token(token), name, scope, expires_at)
        body = {"token": token, "id": token_id, "scope": scope.value, "expiresAt": rfc3339(expires_at)}
        return JSONResponse(body, 201, {"Cache-Control": "no-store"})

    async def _list_tokens(self, request: Request) -> Response:
        tokens = await self._store.tokens_of(self._existing(request))
        times = ("createdAt", "expiresAt")
        return JSONResponse([{**token, **{key: rfc3339(token[key]) for key in times}} for token in tokens])

    async def _revoke(self, request: Request) -> Response:
        name, token_id = self._existing(request), request.path_params.get("token_id")
        if await self._store.revoke(name, token_id) == 0 and token_id:
            raise RequestError(404, "TokenNotFound", f"{name} has no token {token_id[:40]!r} that is still valid")
        return Response(status_code=204)

    def _existing(self, request: Request) -> RepoName:
        name = name_of(request)
        if not self._repositories.exists(name):
            raise not_found(name)
        return name


def name_of(request: Request) -> RepoName:
    """The checked name in the path. Raises RequestError (422)."""
    workspace, repo = request.path_params["workspace"], request.path_params["repo"]
    name = parse_name(workspace, repo)
    if name is None:
        raise RequestError(422, "InvalidName", why_not(workspace, repo))
    return name


def not_found(name: RepoName) -> RequestError:
    """The error for a repository that does not exist."""
    return RequestError(
        404, "RepositoryNotFound", f"there is no repository {name}; create it with PUT /v1/repos/{name}"
    )


async def json_of(request: Request) -> dict[str, Any]:
    """The body as an object; an empty body is an empty object. Raises RequestError (413, 400)."""
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY_BYTES:
            raise RequestError(413, "InvalidBody", f"the body is larger than {MAX_BODY_BYTES} bytes")
    try:
        value = json.loads(data or b"{}")
    except (ValueError, RecursionError) as broken:
        raise RequestError(400, "InvalidBody", "the body is not JSON") from broken
    if not isinstance(value, dict):
        raise RequestError(400, "InvalidBody", "the body is not a JSON object")
    return value


def token_request(body: dict[str, Any], now: int) -> tuple[access.TokenScope, int | None]:
    """Scope and expiry (seconds since 1970, or None) of a token request. Raises RequestError (422). Pure."""
    try:
        scope = access.TokenScope(str(body.get("scope")))
    except ValueError:
        raise RequestError(422, "InvalidBody", "scope must be read or write") from None
    seconds = body.get("expiresInSeconds")
    if seconds is None:
        return scope, None
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds <= MAX_LIFETIME_SECONDS:
        raise RequestError(
            422, "InvalidBody", f"expiresInSeconds must be null or a number from 1 to {MAX_LIFETIME_SECONDS}"
        )
    return scope, now + seconds


def rfc3339(seconds: int | None) -> str | None:
    """A time as the API writes it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
