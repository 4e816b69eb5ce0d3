"""The outside world as seen by the actions. Stores implement these protocols; tests have hand-written fakes."""

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
            raise Denied(
                "ScopeMissing",
                f"this call needs the scope {scope!r}; the key has: {has}.",
                "Use an API key with that scope.",
            )


@dataclass(frozen=True)
class GitRepository:
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
    """A stored API key: its digest, never the key itself."""

    prefix: str
    digest: str
    workspace: str
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked_at: datetime | None


class InkServices(Protocol):
    """InkServices. `name` is the CR's name in the tenants namespace, `<workspace>.<project>.<name>`.

    Every method raises PartUnavailable when the API server does not answer.
    """

    async def get(self, name: str) -> InkService | None:
        """The newest state, straight from the API server."""

    async def of_workspace(self, workspace: str) -> list[InkService]:
        """All services of a workspace, by name. Includes every earlier write of this process."""

    async def with_subdomain(self, subdomain: str) -> list[InkService]:
        """The services of any workspace whose public host begins with this label."""

    async def apply(self, manifest: dict[str, Any]) -> InkService:
        """Server-side apply of the whole object. Raises WriteRefused with the API server's words, or WriteConflict."""

    async def delete(self, name: str) -> InkService | None:
        """Request deletion; None if there is nothing of that name."""

    def follow(self, name: str) -> AsyncIterator[InkService | None]:
        """The current state, then each later one as it arrives; None when the service is gone. Never ends."""

    async def following(self, workspace: str, url: str, branch: str) -> list[InkService]:
        """Services in any namespace that deploy this branch of one of the workspace's repositories."""

    async def hint(self, namespace: str, name: str, head: str) -> None:
        """Set the annotation `ml.ink/head`; does nothing if the service is gone."""


class Logs(Protocol):
    """Lines as containers wrote them: untrusted. None if there is no container (any more)."""

    async def build(self, service: InkService, lines: int) -> list[str] | None:
        """The end of the newest build's log."""

    async def runtime(self, service: InkService, lines: int) -> list[str] | None:
        """The end of the application's log, of its newest pod."""


class Sealer(Protocol):
    """Seals values to a snapshot of the operator's keys."""

    def seal(self, binding: Binding, value: str) -> str:
        """The sealed value, different each time."""

    def digest(self, binding: Binding, value: str) -> str:
        """Equal for equal values of the same variable; cannot be computed without the gateway's key."""

    def opens(self, sealed: str) -> bool:
        """Whether the operator still has the key that a value was sealed to."""


class SealingKeys(Protocol):
    """The operator's public keys. Raises PartUnavailable while there are none."""

    async def sealer(self) -> Sealer:
        """A sealer with the current keys."""

    async def public_keys(self) -> dict[str, Any]:
        """A JWK set."""


class Environments(Protocol):
    """Values of sealed variables."""

    async def values(self, service: InkService) -> dict[str, str]:
        """Name -> value of those that are deployed. Secret."""


class GitServer(Protocol):
    """Ink's git server. Raises PartUnavailable when it does not answer."""

    async def get(self, workspace: str, name: str) -> GitRepository | None:
        """The repository, if there is one."""

    async def ensure(self, workspace: str, name: str, description: str) -> GitRepository:
        """Create it, or return the one that is there."""

    async def token(self, workspace: str, name: str, scope: str, expires_in_seconds: int) -> GitToken:
        """New credentials for it; scope "read" or "write"."""


class BranchHeads(Protocol):
    """Head commits of branches."""

    async def head(self, url: str, branch: str, password: str | None) -> str:
        """Commit of the branch. Raises GatewayError with the reason, or PartUnavailable."""


class Keys(Protocol):
    """API keys."""

    async def with_prefix(self, prefix: str) -> list[ApiKey]:
        """Every key of that prefix: revoked and expired ones too."""


class ReadinessProbe(Protocol):
    """A part that must answer before the gateway is ready."""

    async def __call__(self) -> None:
        """Returns if the part answers, raises if not."""
