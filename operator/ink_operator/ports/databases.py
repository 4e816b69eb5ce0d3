"""Databases as their providers give them. Implementations live in providers/databases/, a file each.

Every call may be the first, the last, or one whose answer was lost, so each may be repeated: the second call of the same
kind finds the work done. No call waits for long work to end; `observe` says how far it is.

Errors, of core/errors.py: Transient (no answer; the work may have been done), RateLimited, Missing, Unauthorized,
Rejected (its message lists what is offered), OverQuota, NotOurs. No error, repr or log line holds a secret.
Calls that write ask WriteGuard first, and raise LeaseLost when this process may not write.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from ink_operator.core.owner import Owner

Phase = Literal["Creating", "Ready", "Updating", "Deleting", "Failed"]
BackupPhase = Literal["Running", "Complete", "Failed"]


@dataclass(frozen=True, slots=True)
class DatabaseKey:
    """Which database. `namespace`: of the workload, for providers that run it in the cluster; no part of its identity."""

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
    """What is wanted. Empty: the provider's choice, which then stays."""

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
    """False: it bears somebody else's mark, or none where the provider keeps marks. Then nothing else here counts."""
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
    """When it ends by itself."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a query with the very credential was answered. `detail`: what was said, without any secret."""

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
    """Connects and asks. All there is of an External database: nothing is made, changed or deleted for it."""

    async def verify(self, connection: Connection) -> Verdict:
        """A refused credential or an unknown database is an answer. Raises Transient when nobody answers."""
        ...


class DatabaseBackups(Protocol):
    """Copies that the provider keeps; they outlive the database."""

    async def list(self, key: DatabaseKey) -> tuple[Backup, ...]:
        """Oldest first."""
        ...

    async def back_up(self, key: DatabaseKey, name: str) -> None:
        """Begin a backup. A second of the same name is the same."""
        ...

    async def delete(self, key: DatabaseKey, name: str) -> None:
        """Absent is fine."""
        ...


class DatabaseProvider(ConnectionCheck, Protocol):
    """Makes and keeps databases of one type. A database is found by `key.owner.outside_name` alone, at any time.

    Calls that write raise NotOurs for somebody else's database of that name, and, but for `create` and `delete`, Missing
    for one that is absent.
    """

    @property
    def backups(self) -> DatabaseBackups | None:
        """None: it has none of its own, and copies are made by connecting."""
        ...

    async def offer(self) -> Offer:
        """What may be asked for; remembered for a while."""
        ...

    async def observe(self, request: DatabaseRequest) -> Database | None:
        """What exists; None when nothing does, or nothing is visible yet."""
        ...

    async def create(self, request: DatabaseRequest) -> None:
        """Begin to make it. One that is ours already stays as it is, with its data and credentials."""
        ...

    async def update(self, request: DatabaseRequest) -> None:
        """Begin to change what `differs`. Never makes a database. Raises Rejected for a smaller size, an older version or
        another region: the data are never at risk.
        """
        ...

    async def delete(self, key: DatabaseKey) -> None:
        """Begin to remove it with its credentials, but not its backups. Absent is fine."""
        ...

    async def issue(self, key: DatabaseKey, generation: int, *, read_only: bool = False) -> Connection:
        """A credential that works from now on; those of other generations go on working. Again for the same generation:
        one that works, and the earlier one may end.
        """
        ...

    async def revoke(self, key: DatabaseKey, before_generation: int) -> float:
        """End all credentials of older generations, and no newer ones. After so many seconds none of them works:
        0 is at once, more where the provider can only let them expire.
        """
        ...
