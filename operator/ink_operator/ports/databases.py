"""Databases of providers. Implementations are in providers/databases/, one file each.

The process may die between any two calls, and any answer may be lost, so every call may be repeated: the second one
finds the work done. No call waits for long work to finish; `observe` reports the progress.

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
    """Which database. `namespace`: where providers in the cluster run it; not part of its identity."""

    owner: Owner
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Seed:
    """Initial data of a new database: another one of the same tenant, as it is, as it was, or from a backup."""

    source: DatabaseKey
    backup: str = ""
    """Name of one of its backups; empty: the database itself."""
    at: datetime | None = None
    """As it was then, if the offer has `point_in_time`."""


@dataclass(frozen=True, slots=True)
class DatabaseRequest:
    """What is wanted. An empty field leaves the choice to the provider; it does not change afterwards."""

    key: DatabaseKey
    region: str = ""
    size_bytes: int = 0
    version: str = ""
    seed: Seed | None = None
    """Only used when the database is created."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What may be asked for; empty or 0: no choice, or no limit. The first entry is the default."""

    regions: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    largest_bytes: int = 0
    point_in_time: bool = False


@dataclass(frozen=True, slots=True)
class Database:
    """What exists outside under the key's name."""

    phase: Phase
    ours: bool
    """False: it has another owner's mark, or none although the provider stores marks. Then ignore all other fields."""
    region: str = ""
    size_bytes: int = 0
    version: str = ""
    used_bytes: int | None = None
    differs: tuple[str, ...] = ()
    """Fields of the request that `update` would change, sorted."""
    message: str = ""
    """Why it is Failed, in the provider's words."""


@dataclass(frozen=True, slots=True)
class DatabaseConnection:
    """How to connect to a database with one credential. Secrets are never printed."""

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
class ConnectionResult:
    """Whether a query with exactly this credential succeeded. `detail`: the server's words, without any secret."""

    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DatabaseBackup:
    """A backup that `Seed.backup` may name."""

    name: str
    phase: BackupPhase
    started: datetime
    size_bytes: int | None = None
    message: str = ""


class ConnectionCheck(Protocol):
    """Connects and runs a query. All that an External database needs: nothing is created, changed or deleted for it."""

    async def verify(self, connection: DatabaseConnection) -> ConnectionResult:
        """A refused credential or an unknown database is a result. Raises Transient if nothing answers."""
        ...


class DatabaseBackups(Protocol):
    """Backups that the provider keeps; they outlive the database."""

    async def list(self, key: DatabaseKey) -> tuple[DatabaseBackup, ...]:
        """Oldest first."""
        ...

    async def back_up(self, key: DatabaseKey, name: str) -> None:
        """Start a backup. Calling it again with the same name starts no second one."""
        ...

    async def delete(self, key: DatabaseKey, name: str) -> None:
        """Absent is fine."""
        ...


class DatabaseProvider(ConnectionCheck, Protocol):
    """Creates and maintains databases of one type. `key.owner.outside_name` is enough to find one.

    Calls that write raise NotOurs for another owner's database with that name and, except for `create` and `delete`,
    Missing for an absent one.
    """

    @property
    def backups(self) -> DatabaseBackups | None:
        """None: it has no backups of its own, and dumps are made over a connection."""
        ...

    async def offer(self) -> Offer:
        """What may be asked for; cached for a while."""
        ...

    async def observe(self, request: DatabaseRequest) -> Database | None:
        """What exists; None when there is nothing, or nothing visible yet."""
        ...

    async def create(self, request: DatabaseRequest) -> None:
        """Start creating it. A database that is already ours is left unchanged, with its data and credentials."""
        ...

    async def update(self, request: DatabaseRequest) -> None:
        """Start changing what `differs`. Never creates a database. Raises Rejected for a smaller size, an older version
        or another region: the data are never at risk.
        """
        ...

    async def delete(self, key: DatabaseKey) -> None:
        """Start removing it with its credentials, but not its backups. Absent is fine."""
        ...

    async def issue(self, key: DatabaseKey, generation: int, *, read_only: bool = False) -> DatabaseConnection:
        """A credential that works from now on; those of other generations keep working. Calling it again for the same
        generation returns one that works, and may end the earlier one.
        """
        ...

    async def revoke(self, key: DatabaseKey, before_generation: int) -> float:
        """End all credentials of older generations, and no others. Returns the seconds after which none of them works:
        0 means at once; more, that the provider can only let them expire.
        """
        ...
