"""The outside world as the actions see it. Stores implement these; tests have hand-written ones."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ink_api.inkservice import InkService
from ink_api.sealing import Binding

from ink_gateway.errors import Denied


@dataclass(frozen=True)
class Principal:
    """Who calls: a workspace, by one API key."""

    workspace: str
    key_prefix: str
    scopes: frozenset[str] = field(default_factory=frozenset)
    expires_at: datetime | None = None

    def require(self, scope: str) -> None:
        """Raise Denied unless the key has `scope` ("read" or "write")."""
        if scope not in self.scopes:
            has = ", ".join(sorted(self.scopes)) or "none"
            raise Denied("ScopeMissing", f"this needs the scope {scope!r}; the key has: {has}.", "Use another API key.")


@dataclass(frozen=True)
class Repository:
    """A repository on Ink's git server."""

    workspace: str
    name: str
    empty: bool
    default_branch: str


@dataclass(frozen=True)
class GitToken:
    """Credentials for one repository. `token` is a secret."""

    token: str
    expires_at: str | None

    def __repr__(self) -> str:
        return f"GitToken(expires_at={self.expires_at!r})"


@dataclass(frozen=True)
class ApiKey:
    """An API key as it is stored: never the key itself."""

    prefix: str
    digest: str
    workspace: str
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked_at: datetime | None


class Services(Protocol):
    """InkServices. `name` is the CR's name in the tenants namespace, `<workspace>.<project>.<name>`.

    Every method raises Unavailable when the API server does not answer.
    """

    async def get(self, name: str) -> InkService | None:
        """The newest state, straight from the API server."""

    async def of_workspace(self, workspace: str) -> list[InkService]:
        """All of a workspace, by name. Holds at least every write that this process made before."""

    async def with_subdomain(self, subdomain: str) -> list[InkService]:
        """The services of any workspace whose public host begins with this label."""

    async def apply(self, manifest: dict[str, Any]) -> InkService:
        """Server-side apply of the whole object. Raises Refused with the API server's words, or Conflict."""

    async def delete(self, name: str) -> InkService | None:
        """Ask for deletion; None if there is nothing of that name."""

    def follow(self, name: str) -> AsyncIterator[InkService | None]:
        """The present state, then every later one as it comes; None when it is gone. Endless."""

    async def following(self, workspace: str, url: str, branch: str) -> list[InkService]:
        """Services that deploy this branch of a repository of the workspace, in any namespace that may hold them."""

    async def hint(self, namespace: str, name: str, head: str) -> None:
        """Set the annotation `ml.ink/head`; nothing happens if the service is gone."""


class Logs(Protocol):
    """Lines as containers wrote them: untrusted. None when there is no container to ask (any more)."""

    async def build(self, service: InkService, lines: int) -> list[str] | None:
        """The end of the newest build's log."""

    async def runtime(self, service: InkService, lines: int) -> list[str] | None:
        """The end of the application's log, of its newest pod."""


class Sealer(Protocol):
    """Seals values to the operator's keys of one moment."""

    def seal(self, binding: Binding, value: str) -> str:
        """The sealed value, different each time."""

    def digest(self, binding: Binding, value: str) -> str:
        """The same value for the same variable, the same digest; nobody without the gateway's key can make it."""

    def opens(self, sealed: str) -> bool:
        """Whether the operator still has the key that a value was sealed to."""


class Sealing(Protocol):
    """The operator's public keys. Raises Unavailable while there are none."""

    async def sealer(self) -> Sealer:
        """With the keys of this moment."""

    async def public_keys(self) -> dict[str, Any]:
        """A JWK set."""


class Environments(Protocol):
    """What sealed variables hold."""

    async def values(self, service: InkService) -> dict[str, str]:
        """Name -> value of those that are deployed. Secret."""


class Repositories(Protocol):
    """Ink's git server. Raises Unavailable when it does not answer."""

    async def get(self, workspace: str, name: str) -> Repository | None:
        """The repository, if there is one."""

    async def ensure(self, workspace: str, name: str, description: str) -> Repository:
        """Create it, or return the one that is there."""

    async def token(self, workspace: str, name: str, scope: str, expires_in_seconds: int) -> GitToken:
        """New credentials for it; scope "read" or "write"."""


class Heads(Protocol):
    """Where branches of repositories stand."""

    async def head(self, url: str, branch: str, password: str | None) -> str:
        """Commit of the branch. Raises GatewayError with the reason, or Unavailable."""


class Keys(Protocol):
    """API keys."""

    async def with_prefix(self, prefix: str) -> list[ApiKey]:
        """Every key of that prefix: revoked and expired ones too."""


class Probe(Protocol):
    """A part that must answer before the gateway is ready."""

    async def __call__(self) -> None:
        """Returns if the part answers, raises if not."""
