"""A database service in memory, and its provider."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from ink_operator.core.errors import NotOurs, Transient
from ink_operator.ports import WriteGuard
from ink_operator.ports.databases import (
    ConnectionResult,
    Database,
    DatabaseBackup,
    DatabaseConnection,
    DatabaseKey,
    DatabaseRequest,
    Offer,
    Phase,
    Seed,
)
from ink_operator.providers import Outside

from support.fakes.faults import Answer, Line, NoAnswer, as_ours

T = TypeVar("T")
GIB = 2**30
OFFER = Offer(regions=("eu-west", "us-east"), versions=("17", "16"), largest_bytes=100 * GIB)
LOOKS_UNTIL_READY = 2


@dataclass
class Row:
    """One database."""

    mark: str
    region: str
    size_bytes: int
    version: str
    phase: Phase = "Creating"
    looks_left: int = LOOKS_UNTIL_READY
    roles: dict[int, tuple[str, bool]] = field(default_factory=dict)
    """Generation -> password, read only."""
    data: list[str] = field(default_factory=list)


@dataclass
class Rows:
    """All that the service holds."""

    databases: dict[str, Row] = field(default_factory=dict)
    backups: dict[str, dict[str, tuple[datetime, list[str]]]] = field(default_factory=dict)
    most: int = 1000


class FakeDatabaseServer:
    """The service. `line` is where faults are put."""

    def __init__(self) -> None:
        self.line = Line(Rows())

    @property
    def rows(self) -> Rows:
        """What is there, for tests."""
        return self.line.rows

    def execute(self, connection: DatabaseConnection, value: str | None) -> list[str]:
        """As a client of the database: add a value, or read all. Raises Answer 403 or 404."""
        if self.line.away:
            raise NoAnswer
        row = self.rows.databases.get(connection.database)
        if row is None:
            raise Answer(404, "no such database")
        password, read_only = row.roles.get(connection.generation, ("", True))
        if not password or password != connection.password:
            raise Answer(403, "password authentication failed")
        if value is not None:
            if read_only:
                raise Answer(403, "read-only transaction")
            row.data.append(value)
        return list(row.data)


class FakeDatabaseBackups:
    """Implements ports.databases.DatabaseBackups."""

    def __init__(self, provider: FakeDatabaseProvider) -> None:
        self.provider = provider

    async def list(self, key: DatabaseKey) -> tuple[DatabaseBackup, ...]:
        """Oldest first."""
        name = key.owner.outside_name
        found = await self.provider.read(lambda rows: dict(rows.backups.get(name, {})), "list the backups")
        by_age = sorted(found.items(), key=lambda item: item[1][0])
        return tuple(DatabaseBackup(n, "Complete", at, len("".join(data))) for n, (at, data) in by_age)

    async def back_up(self, key: DatabaseKey, name: str) -> None:
        """A copy of the data."""

        def work(rows: Rows) -> None:
            row = self.provider.own(rows, key)
            if name not in (kept := rows.backups.setdefault(key.owner.outside_name, {})):
                kept[name] = (datetime.now(UTC), list(row.data))

        await self.provider.write(work, "back up")

    async def delete(self, key: DatabaseKey, name: str) -> None:
        """Absent is fine."""
        outside = key.owner.outside_name
        await self.provider.write(lambda rows: rows.backups.get(outside, {}).pop(name, None), "delete a backup")


class FakeDatabaseProvider:
    """Implements ports.databases.DatabaseProvider."""

    map_error = staticmethod(as_ours)
    """How the server's failures become ours."""

    def __init__(self, server: FakeDatabaseServer, guard: WriteGuard, key: str) -> None:
        self.server, self.guard, self.key = server, guard, key
        self._backups = FakeDatabaseBackups(self)

    @property
    def backups(self) -> FakeDatabaseBackups:
        """Its own."""
        return self._backups

    async def offer(self) -> Offer:
        """The same for all."""
        return await self.read(lambda _rows: OFFER, "read the offer")

    async def observe(self, request: DatabaseRequest) -> Database | None:
        """Each look brings work that goes on nearer to its end."""

        def work(rows: Rows) -> Database | None:
            row = rows.databases.get(request.key.owner.outside_name)
            if row is None:
                return None
            if row.mark != request.key.owner.mark:
                return Database(row.phase, ours=False)
            row.looks_left -= 1
            if row.looks_left <= 0:
                row.phase = "Ready"
            used = len("".join(row.data))
            return Database(row.phase, True, row.region, row.size_bytes, row.version, used, differs(row, request))

        return await self.read(work, "observe")

    async def create(self, request: DatabaseRequest) -> None:
        """Make it, or find it made."""

        def work(rows: Rows) -> None:
            name, mark = request.key.owner.outside_name, request.key.owner.mark
            if name in rows.databases:
                self.own(rows, request.key)
                return
            self.offered(request)
            if len(rows.databases) >= rows.most:
                raise Answer(402, "the plan allows no more databases")
            data = seeded(rows, request.seed, request.key)
            region, version = request.region or OFFER.regions[0], request.version or OFFER.versions[0]
            rows.databases[name] = Row(mark, region, request.size_bytes or GIB, version, data=data)

        await self.write(work, "create")

    async def update(self, request: DatabaseRequest) -> None:
        """Grow it, raise its version."""

        def work(rows: Rows) -> None:
            row = self.own(rows, request.key)
            self.offered(request)
            if request.size_bytes and request.size_bytes < row.size_bytes:
                raise Answer(422, "a database cannot shrink")
            if request.version and int(request.version) < int(row.version):
                raise Answer(422, "the version cannot be lowered")
            if request.region and request.region != row.region:
                raise Answer(422, "the region cannot be changed")
            row.size_bytes, row.version = request.size_bytes or row.size_bytes, request.version or row.version
            row.phase, row.looks_left = "Updating", LOOKS_UNTIL_READY

        await self.write(work, "update")

    async def delete(self, key: DatabaseKey) -> None:
        """Absent is fine."""

        def work(rows: Rows) -> None:
            if key.owner.outside_name in rows.databases:
                self.own(rows, key)
                del rows.databases[key.owner.outside_name]

        await self.write(work, "delete")

    async def issue(self, key: DatabaseKey, generation: int, *, read_only: bool = False) -> DatabaseConnection:
        """A role for the generation, with a new password."""
        password = secrets.token_hex(16)

        def work(rows: Rows) -> None:
            self.own(rows, key).roles[generation] = (password, read_only)

        await self.write(work, "issue a credential")
        name, user = key.owner.outside_name, f"g{generation}"
        host = f"{name}.db.example"
        return DatabaseConnection(
            url=f"fake://{user}:{password}@{host}:5432/{name}",
            host=host,
            port=5432,
            database=name,
            username=user,
            password=password,
            generation=generation,
        )

    async def revoke(self, key: DatabaseKey, before_generation: int) -> float:
        """At once."""

        def work(rows: Rows) -> None:
            row = self.own(rows, key)
            row.roles = {g: role for g, role in row.roles.items() if g >= before_generation}

        await self.write(work, "revoke credentials")
        return 0.0

    async def verify(self, connection: DatabaseConnection) -> ConnectionResult:
        """Read with it."""
        try:
            self.server.execute(connection, None)
        except Answer as answer:
            return ConnectionResult(False, answer.text)
        except NoAnswer as error:
            raise self.map_error(error, "verify") from None
        return ConnectionResult(True)

    @staticmethod
    def own(rows: Rows, key: DatabaseKey) -> Row:
        """The row, when it is ours. Raises Answer 404, NotOurs."""
        row = rows.databases.get(key.owner.outside_name)
        if row is None:
            raise Answer(404, f"{key.owner.outside_name} does not exist")
        if row.mark != key.owner.mark:
            raise NotOurs(f"the database {key.owner.outside_name} belongs to somebody else")
        return row

    @staticmethod
    def offered(request: DatabaseRequest) -> None:
        """Raises Answer 422 with what there is to choose from."""
        if request.region and request.region not in OFFER.regions:
            raise Answer(422, f"no region {request.region!r}: choose one of {', '.join(OFFER.regions)}")
        if request.version and request.version not in OFFER.versions:
            raise Answer(422, f"no version {request.version!r}: choose one of {', '.join(OFFER.versions)}")
        if request.size_bytes > OFFER.largest_bytes:
            raise Answer(422, f"the largest size is {OFFER.largest_bytes} bytes")

    async def read(self, work: Callable[[Rows], T], what: str) -> T:
        """Over the line."""
        try:
            return await self.server.line.read(self.key, work)
        except (Answer, NoAnswer) as error:
            raise self.map_error(error, what) from None

    async def write(self, work: Callable[[Rows], T], what: str) -> T:
        """Over the line, by whoever may write."""
        self.guard.check()
        try:
            return await self.server.line.write(self.key, work)
        except (Answer, NoAnswer) as error:
            raise self.map_error(error, what) from None


def differs(row: Row, request: DatabaseRequest) -> tuple[str, ...]:
    """Fields of the request that are not so."""
    wanted = {"size_bytes": request.size_bytes, "version": request.version}
    return tuple(sorted(name for name, value in wanted.items() if value and value != getattr(row, name)))


def seeded(rows: Rows, seed: Seed | None, key: DatabaseKey) -> list[str]:
    """What a new database begins with."""
    if seed is None:
        return []
    if seed.source.owner.tenant != key.owner.tenant:
        raise NotOurs("a database begins with data of its own tenant alone")
    name = seed.source.owner.outside_name
    if seed.backup:
        kept = rows.backups.get(name, {}).get(seed.backup)
        if kept is None:
            raise Answer(404, f"no backup {seed.backup!r}")
        return list(kept[1])
    row = rows.databases.get(name)
    if row is None:
        raise Answer(404, f"{name} does not exist")
    if row.phase != "Ready":
        raise Transient(f"{name} is {row.phase}")
    return list(row.data)


def make(outside: Outside, environ: Mapping[str, str]) -> FakeDatabaseProvider:
    """The provider as the registry makes it, with a server of its own."""
    key = environ.get("INK_FAKE_KEY", "")
    if not key:
        raise ValueError("INK_FAKE_KEY is missing: set it to the platform's key")
    return FakeDatabaseProvider(FakeDatabaseServer(), outside.guard, key)
