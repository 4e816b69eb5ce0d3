"""Whether a database has changed, so cheaply that it can be asked on every request."""

import sqlite3
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from ink_gateway.errors import Unavailable


class Changes(Protocol):
    """Tells one state of the database from another."""

    def version(self) -> int | None:
        """Differs whenever anybody has committed in between; None when that cannot be known cheaply."""

    def close(self) -> None:
        """Give up the connection."""


class SqliteChanges:
    """SQLite counts commits of other connections: microseconds, and it never waits for a writer (WAL)."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)

    def version(self) -> int | None:
        """PRAGMA data_version: https://sqlite.org/pragma.html#pragma_data_version."""
        try:
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error as error:
            raise Unavailable("the database", type(error).__name__) from error
        return int(version)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class UnknownChanges:
    """Any other database: every request asks it."""

    def version(self) -> int | None:
        """Never known."""
        return None

    def close(self) -> None:
        """Nothing to close."""


def changes_of(engine: AsyncEngine) -> Changes:
    """How to see changes of this engine's database."""
    path = engine.url.database
    return SqliteChanges(path) if engine.dialect.name == "sqlite" and path else UnknownChanges()
