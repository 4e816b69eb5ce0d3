"""Databases as their providers give them. Implementations live in providers/databases/, a file each.

The process may die between any two calls, and any answer may be lost, so every call may be repeated: the second one
finds the work done. No call waits for long work to finish; `observe` says how far it is.

Errors, of core/errors.py: Transient (no answer; the work may have been done), RateLimited, Missing, Unauthorized,
Rejected (its message lists what is offered), OverQuota, NotOurs. No error, repr or log line holds a secret.
Calls that write check WriteGuard first, and raise LeaseLost when this process may not write.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from ink_operator.core.owner import Owner

Phase = Literal["Creating", "Ready", "Updating", "Deleting", "Failed"]
BackupPhase = Literal["Running", "Complete", "Failed"]


@dataclass(frozen=True, slots=True)
class DatabaseKey:
    """Which database. `namespace`: where providers in the cluster run it; no part of its identity."""

    owner: Owner
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Seed:
    """What a new database begins with: another of the same tenant, as it is, as it was, or as a backup holds it."""

    source: DatabaseKey
    backup: str = ""
    """Name of one of its backups; empty: the database itself."""
    at: datetime | None = None
    """As it was then, where the offer says `point_in_time`."""


@dataclass(frozen=True, slots=True)
class DatabaseRequest:
    """What is wanted. An empty field leaves the choice to the provider; it does not change afterwards."""

    key: DatabaseKey
    region: str = ""
    size_bytes: int = 0
    version: str = ""
    seed: Seed | None = None
    """Used when the database is made, and never again."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What may be asked for; empty or 0: there is no choice, or no limit. The first entry is the default."""

    regions: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    largest_bytes: int = 0
    point_in_time: bool = False


@dataclass(frozen=True, slots=True)
class Database:
    """What exists outside under the key's name."""

    phase: Phase
    ours: bool
    """False: it has somebody else's mark, or none where the provider stores marks. Then ignore all other fields."""
    region: str = ""
    size_bytes: int = 0
    version: str = ""
    used_bytes: int | None = None
    differs: tuple[str, ...] = ()
    """Fields of the request that `update` would change, sorted."""
    message: str = ""
    """Why it is Failed, in the provider's words."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How a database is reached with one credential. What is secret is never printed."""

    url: str = field(repr=False)
    host: str = ""
    port: int = 0
    database: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    auth_token: str = field(default="", repr=False)
    ca: str = ""
    """PEM; empty: a public authority."""
    public_url: str = field(default="", repr=False)
    generation: int = 0
    expires: datetime | None = None
    """When it expires; None: never."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a query with exactly this credential succeeded. `detail`: the server's words, without any secret."""

    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy that `Seed.backup` may name."""

    name: str
    phase: BackupPhase
    started: datetime
    size_bytes: int | None = None
    message: str = ""


class ConnectionCheck(Protocol):
    """Connects and runs a query. All that an External database needs: nothing is created, changed or deleted for it."""

    async def verify(self, connection: Connection) -> Verdict:
        """A refused credential or an unknown database is an answer. Raises Transient when nobody answers."""
        ...


class DatabaseBackups(Protocol):
    """Copies that the provider keeps; they outlive the database."""

    async def list(self, key: DatabaseKey) -> tuple[Backup, ...]:
        """Oldest first."""
        ...

    async def back_up(self, key: DatabaseKey, name: str) -> None:
        """Start a backup. Calling it again with the same name starts no second one."""
        ...

    async def delete(self, key: DatabaseKey, name: str) -> None:
        """Absent is fine."""
        ...


class DatabaseProvider(ConnectionCheck, Protocol):
    """Makes and keeps databases of one type. `key.owner.outside_name` is all it takes to find one.

    Calls that write raise NotOurs for somebody else's database of that name and, except for `create` and `delete`,
    Missing for an absent one.
    """

    @property
    def backups(self) -> DatabaseBackups | None:
        """None: it has none of its own, and copies are made by connecting."""
        ...

    async def offer(self) -> Offer:
        """What may be asked for; remembered for a while."""
        ...

    async def observe(self, request: DatabaseRequest) -> Database | None:
        """What exists; None when there is nothing, or nothing visible yet."""
        ...

    async def create(self, request: DatabaseRequest) -> None:
        """Start creating it. A database that is already ours is left as it is, with its data and credentials."""
        ...

    async def update(self, request: DatabaseRequest) -> None:
        """Start changing what `differs`. Never creates a database. Raises Rejected for a smaller size, an older version
        or another region: the data are never at risk.
        """
        ...

    async def delete(self, key: DatabaseKey) -> None:
        """Start removing it with its credentials, but not its backups. Absent is fine."""
        ...

    async def issue(self, key: DatabaseKey, generation: int, *, read_only: bool = False) -> Connection:
        """A credential that works from now on; those of other generations keep working. Calling it again for the same
        generation returns one that works, and may end the earlier one.
        """
        ...

    async def revoke(self, key: DatabaseKey, before_generation: int) -> float:
        """End all credentials of older generations, and no others. Returns the seconds after which none of them works:
        0 means at once, more that the provider can only let them expire.
        """
        ...
