"""Actions on repositories on Ink's git server."""

from urllib.parse import urlsplit

from pydantic import Field

from ink_gateway import checks
from ink_gateway.actions.platform import Platform
from ink_gateway.addresses import INTERNAL, checked_host, internal_url
from ink_gateway.errors import GatewayError, NotFound
from ink_gateway.ports import Principal
from ink_gateway.views import View

TOKEN_SECONDS = 30 * 24 * 3600
"""A person's or an agent's token: long enough for a project, short enough that a leaked one ends by itself."""


class RepoView(View):
    """A repository."""

    name: str
    workspace: str
    url: str = Field(description="Clone URL, without credentials")
    empty: bool
    default_branch: str
    next_step: str


class GitTokenView(View):
    """Credentials for one repository: keep them secret."""

    name: str
    token: str = Field(description="HTTPS password; any user name")
    expires_at: str | None = None
    url: str
    authenticated_url: str = Field(description="Clone and push URL that holds the token")
    next_step: str


class RepoActions:
    """Creates repositories and issues credentials."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def create(self, caller: Principal, name: str, host: str, description: str) -> RepoView:
        """The repository, created if it does not exist."""
        caller.require("write")
        name = _internal_only(name, host, "created")
        if len(description) > 1000:
            raise checks.out_of_range("description", len(description), 0, 1000)
        repository = await self._platform.repositories.ensure(caller.workspace, name, description)
        return RepoView(
            name=repository.name,
            workspace=repository.workspace,
            url=internal_url(self._platform.git_public_url, caller.workspace, repository.name),
            empty=repository.empty,
            default_branch=repository.default_branch,
            next_step=f"get_git_token(name={repository.name!r}), push, create_service(repo={repository.name!r}, …)",
        )

    async def token(self, caller: Principal, name: str, host: str) -> GitTokenView:
        """New credentials to clone and push this one repository."""
        caller.require("write")
        name = _internal_only(name, host, "given a token")
        if await self._platform.repositories.get(caller.workspace, name) is None:
            seen = f"there is no repository {name!r} in workspace {caller.workspace!r}."
            raise NotFound("RepositoryNotFound", seen, f"Create it with create_repo(name={name!r}).")
        token = await self._platform.repositories.token(caller.workspace, name, "write", TOKEN_SECONDS)
        url = internal_url(self._platform.git_public_url, caller.workspace, name)
        parts = urlsplit(url)
        return GitTokenView(
            name=name,
            token=token.token,
            expires_at=token.expires_at,
            url=url,
            authenticated_url=f"{parts.scheme}://ink:{token.token}@{parts.netloc}{parts.path}",
            next_step="git push <authenticated_url> HEAD:main; every push to a followed branch deploys.",
        )


def _internal_only(name: str, host: str, done: str) -> str:
    if checked_host(host) != INTERNAL:
        raise GatewayError(
            "NotImplemented",
            f"repositories on {host} cannot be {done}.",
            f"Use host={INTERNAL!r}, or create_service(host={host!r}) with a public repository.",
        )
    return checks.repository_name(name)
