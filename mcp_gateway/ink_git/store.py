"""SQLite database: hashed tokens, recorded refs and undelivered push events. One process, one connection."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiosqlite

from ink_git.access import Grant, TokenScope
from ink_git.names import RepoName

SCHEMA = """
CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, workspace TEXT NOT NULL, repo TEXT NOT NULL,
    scope TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, revoked_at INTEGER);
CREATE INDEX IF NOT EXISTS tokens_repo ON tokens (workspace, repo);
CREATE TABLE IF NOT EXISTS announced (
    workspace TEXT NOT NULL, repo TEXT NOT NULL, ref TEXT NOT NULL, sha TEXT NOT NULL,
    PRIMARY KEY (workspace, repo, ref)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, workspace TEXT NOT NULL, repo TEXT NOT NULL,
    updates TEXT NOT NULL, created_at INTEGER NOT NULL);
"""
ZERO = "0" * 40


@dataclass(frozen=True)
class RefUpdate:
    """One ref that moved; `old` or `new` is forty zeros when it was created or deleted."""

    ref: str
    old: str
    new: str

    def as_json(self) -> dict[str, str]:
        """Its form in a push event."""
        return {"ref": self.ref, "old": self.old, "new": self.new}


@dataclass(frozen=True)
class PushEvent:
    """A push that has not been delivered yet."""

    id: int
    name: RepoName
    updates: tuple[dict[str, str], ...]


class GitDatabase:
    """The database. Every method is one transaction."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._db = connection
        self._lock = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["GitDatabase"]:
        """Open or create the file at `path`."""
        async with aiosqlite.connect(path, isolation_level=None) as db:
            await db.execute("PRAGMA journal_mode=WAL")
            await db.execute("PRAGMA busy_timeout=5000")
            await db.executescript(SCHEMA)
            yield cls(db)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        async with self._lock:
            await self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                await self._db.rollback()
                raise
            await self._db.commit()

    async def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        async with self._lock:
            return [tuple(row) for row in await self._db.execute_fetchall(sql, values)]

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        await self._rows("SELECT 1")

    async def add_token(
        self, token_id: str, token_hash: bytes, name: RepoName, scope: TokenScope, expires_at: int | None
    ) -> None:
        """Store a token's hash. `expires_at` in seconds since 1970, None: valid until revoked."""
        async with self._transaction() as db:
            await db.execute(
                "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
                (token_id, token_hash, *name, scope.value, int(time.time()), expires_at),
            )

    async def grant_of(self, token_hash: bytes) -> Grant | None:
        """The grant of a token; None if it is unknown, expired or revoked."""
        rows = await self._rows(
            "SELECT workspace, repo, scope FROM tokens WHERE hash = ? AND revoked_at IS NULL"
            " AND (expires_at IS NULL OR expires_at > ?)",
            (token_hash, int(time.time())),
        )
        return Grant(RepoName(rows[0][0], rows[0][1]), TokenScope(rows[0][2])) if rows else None

    async def tokens_of(self, name: RepoName) -> list[dict[str, Any]]:
        """The repository's valid tokens, without anything secret."""
        rows = await self._rows(
            "SELECT id, scope, created_at, expires_at FROM tokens WHERE workspace = ? AND repo = ?"
            " AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) ORDER BY created_at, id",
            (*name, int(time.time())),
        )
        return [{"id": r[0], "scope": r[1], "createdAt": r[2], "expiresAt": r[3]} for r in rows]

    async def revoke(self, name: RepoName, token_id: str | None = None) -> int:
        """Revoke one or all of a repository's tokens; returns how many were revoked."""
        async with self._transaction() as db:
            cursor = await db.execute(
                "UPDATE tokens SET revoked_at = ? WHERE workspace = ? AND repo = ? AND revoked_at IS NULL"
                " AND (? IS NULL OR id = ?)",
                (int(time.time()), *name, token_id, token_id),
            )
            return cursor.rowcount

    async def forget_tokens(self, before: int) -> None:
        """Drop tokens that expired or were revoked before a time."""
        async with self._transaction() as db:
            await db.execute("DELETE FROM tokens WHERE expires_at < ? OR revoked_at < ?", (before, before))

    async def forget(self, name: RepoName) -> None:
        """Drop everything about a repository."""
        async with self._transaction() as db:
            for table in ("tokens", "announced", "events"):
                await db.execute(f"DELETE FROM {table} WHERE workspace = ? AND repo = ?", tuple(name))  # noqa: S608

    async def record_refs(self, name: RepoName, refs: dict[str, str], store_event: bool) -> list[RefUpdate]:
        """Compare `refs` with those recorded before; store them, and the difference as an event, in one transaction."""
        async with self._transaction() as db:
            sql = "SELECT ref, sha FROM announced WHERE workspace = ? AND repo = ?"
            before = {str(ref): str(sha) for ref, sha in await db.execute_fetchall(sql, tuple(name))}
            updates = difference(before, refs)
            for update in updates:
                if update.new == ZERO:
                    sql = "DELETE FROM announced WHERE workspace = ? AND repo = ? AND ref = ?"
                    await db.execute(sql, (*name, update.ref))
                else:
                    sql = "INSERT OR REPLACE INTO announced VALUES (?, ?, ?, ?)"
                    await db.execute(sql, (*name, update.ref, update.new))
            if updates and store_event:
                sql = "INSERT INTO events (workspace, repo, updates, created_at) VALUES (?, ?, ?, ?)"
                text = json.dumps([update.as_json() for update in updates])
                await db.execute(sql, (*name, text, int(time.time())))
            return updates

    async def waiting_repositories(self) -> list[RepoName]:
        """Repositories with undelivered events."""
        return [RepoName(*row) for row in await self._rows("SELECT DISTINCT workspace, repo FROM events")]

    async def next_event(self, name: RepoName) -> PushEvent | None:
        """A repository's oldest event."""
        sql = "SELECT id, updates FROM events WHERE workspace = ? AND repo = ? ORDER BY id LIMIT 1"
        rows = await self._rows(sql, tuple(name))
        return PushEvent(rows[0][0], name, tuple(json.loads(rows[0][1]))) if rows else None

    async def drop_event(self, event_id: int) -> None:
        """Remove an event that was delivered or abandoned."""
        async with self._transaction() as db:
            await db.execute("DELETE FROM events WHERE id = ?", (event_id,))


def difference(before: dict[str, str], after: dict[str, str]) -> list[RefUpdate]:
    """What moved between two sets of refs, sorted by ref. Pure."""
    return [
        RefUpdate(ref, before.get(ref, ZERO), after.get(ref, ZERO))
        for ref in sorted(before.keys() | after.keys())
        if before.get(ref) != after.get(ref)
    ]
