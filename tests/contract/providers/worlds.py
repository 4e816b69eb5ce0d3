"""Where the suites run: on the fakes with every fault, and on each registered provider with what its server allows.

A registered provider runs with the settings that its file reads from the environment, and is skipped when they are
missing. If a test can start its server, a class here is its world, and DATABASE_WORLDS or DNS_WORLDS names it: it
starts and stops the server, loses answers, and revokes the key.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from contract.providers.database_contract import DatabaseWorld
from contract.providers.dns_contract import DnsWorld
from contract.providers.faults_contract import World
from ink_operator.ports.databases import DatabaseConnection, DatabaseKey, DatabaseProvider
from ink_operator.ports.dns import ChallengeSolver, DnsProvider
from ink_operator.providers import Outside
from support.fakes.databases import FakeDatabaseProvider, FakeDatabaseServer, Row
from support.fakes.dns import FakeDnsProvider, FakeDnsServer
from support.fakes.faults import PLATFORM_KEY, Answer, Guard, Line


class PlainDatabases(DatabaseWorld):
    """A registered provider, seen through its port alone."""

    def __init__(self, provider: DatabaseProvider) -> None:
        super().__init__()
        self.provider = provider


class PlainZones(DnsWorld):
    """The same for zones."""

    def __init__(self, provider: DnsProvider) -> None:
        super().__init__()
        self.provider = provider


class OnTheLine(World):
    """Faults of a fake's line."""

    platform_key = PLATFORM_KEY
    pause_seconds = 0.0
    line: Line[Any]
    guard: Guard

    def lose_answer(self) -> None:
        self.line.lost += 1

    def limit(self, retry_after_seconds: float | None) -> None:
        self.line.limited.append(retry_after_seconds)

    def revoke_key(self) -> None:
        self.line.key = "another"

    def restore_key(self) -> None:
        self.line.key = PLATFORM_KEY

    def take_away(self) -> None:
        self.line.away = True

    def bring_back(self) -> None:
        self.line.away = False

    def delay_reads(self, count: int) -> None:
        self.line.delay(count)

    def set_lease_lost(self, lost: bool) -> None:
        self.guard.lost = lost


class FakeDatabases(OnTheLine, DatabaseWorld):
    """The fake. `kind`: another class in its place."""

    def __init__(self, kind: type[FakeDatabaseProvider] = FakeDatabaseProvider) -> None:
        super().__init__()
        self.server, self.guard = FakeDatabaseServer(), Guard()
        self.line = self.server.line
        self.provider = kind(self.server, self.guard, PLATFORM_KEY)

    async def state(self) -> object:
        rows = self.server.rows
        databases = {
            name: (r.mark, r.region, r.size_bytes, r.version, tuple(r.data), tuple(sorted(r.roles)))
            for name, r in rows.databases.items()
        }
        return databases, {name: sorted(kept) for name, kept in rows.backups.items() if kept}

    async def names(self) -> list[str]:
        return list(self.server.rows.databases)

    async def foreign(self, key: DatabaseKey) -> None:
        self.server.rows.databases[key.owner.outside_name] = Row("", "eu-west", 2**30, "17", "Ready", data=["theirs"])

    async def fill(self) -> None:
        self.server.rows.most = len(self.server.rows.databases)

    async def write(self, connection: DatabaseConnection, value: str) -> bool:
        try:
            self.server.execute(connection, value)
        except Answer:
            return False
        return True

    async def read(self, connection: DatabaseConnection) -> list[str]:
        try:
            return self.server.execute(connection, None)
        except Answer as answer:
            raise AssertionError(f"the data cannot be read: {answer.text}") from None

    async def remove(self, key: DatabaseKey) -> None:
        del self.server.rows.databases[key.owner.outside_name]


class FakeZones(OnTheLine, DnsWorld):
    """The fake. `kind`: another class in its place."""

    def __init__(self, kind: type[FakeDnsProvider] = FakeDnsProvider) -> None:
        super().__init__()
        self.server, self.guard = FakeDnsServer(), Guard()
        self.line = self.server.line
        self.provider = kind(self.server, self.guard, PLATFORM_KEY)

    async def state(self) -> object:
        return {n: (r.mark, dict(r.sets), bool(r.ds), r.tsig) for n, r in self.server.rows.items()}

    async def zones(self) -> list[str]:
        return list(self.server.rows)

    async def challenge(self, zone: str, solver: ChallengeSolver, name: str, record_type: str, value: str) -> bool:
        return self.server.dns_update(zone, solver.secret["tsig"], name, record_type, value)


DATABASE_WORLDS: dict[str, Callable[[Outside], AbstractAsyncContextManager[DatabaseWorld]]] = {}
"""Name in the registry -> a world whose server runs while the context is entered."""
DNS_WORLDS: dict[str, Callable[[Outside], AbstractAsyncContextManager[DnsWorld]]] = {}
"""The same for zones."""
