"""Connects to the database and migrates its schema at start."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ink_gateway.errors import PartUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 4_953_102
"""Any constant: on Postgres, replicas that start together migrate one after the other."""


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a migrated database."""
    engine = create_async_engine(url, pool_pre_ping=not url.startswith("sqlite"), hide_parameters=True)
    if url.startswith("sqlite"):
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    try:
        async with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            await connection.run_sync(migrate)
        yield engine
    finally:
        await engine.dispose()


def migrate(connection: Connection) -> None:
    """Migrate the schema to the newest version."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def probe(engine: AsyncEngine) -> None:
    """Returns if the database answers. Raises PartUnavailable."""
    try:
        async with engine.connect() as connection:
            await connection.execute(text("select 1"))
    except (SQLAlchemyError, OSError) as error:
        raise PartUnavailable("the database", type(error).__name__) from error


def _prepare_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=5000", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
