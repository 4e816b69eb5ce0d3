"""Detects changes of the database, cheaply enough for every request."""

import sqlite3
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from ink_gateway.errors import PartUnavailable


class Changes(Protocol):
    """Identifies the state of the database."""

    def version(self) -> int | None:
        """Differs after every commit by anybody; None if that cannot be determined cheaply."""

    def close(self) -> None:
        """Close the connection."""


class SqliteChanges:
    """SQLite counts commits of other connections: microseconds, and it never waits for a writer (WAL)."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)

    def version(self) -> int | None:
        """PRAGMA data_version: https://sqlite.org/pragma.html#pragma_data_version."""
        try:
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error as error:
            raise PartUnavailable("the database", type(error).__name__) from error
        return int(version)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class UnknownChanges:
    """Any other database: every request queries it."""

    def version(self) -> int | None:
        """Always unknown."""
        return None

    def close(self) -> None:
        """Nothing to close."""


def changes_of(engine: AsyncEngine) -> Changes:
    """The change detection for this engine's database."""
    path = engine.url.database
    return SqliteChanges(path) if engine.dialect.name == "sqlite" and path else UnknownChanges()
