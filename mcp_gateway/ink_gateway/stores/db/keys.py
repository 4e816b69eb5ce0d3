"""API keys in the database."""

from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ink_gateway.auth.keys import digest_of, prefix_of
from ink_gateway.errors import PartUnavailable
from ink_gateway.ports import ApiKey
from ink_gateway.stores.db.changes import Changes
from ink_gateway.stores.db.models import StoredKey, Workspace

BOOTSTRAP = "bootstrap"
ALL_SCOPES = "read write"


class StoredKeys:
    """The port `Keys`. Keys are cached in memory until the database changes."""

    def __init__(self, engine: AsyncEngine, changes: Changes) -> None:
        self._engine, self._changes = engine, changes
        self._known: dict[str, list[ApiKey]] = {}
        self._version: int | None = None

    async def with_prefix(self, prefix: str) -> list[ApiKey]:
        """Every key of that prefix."""
        version = self._changes.version()
        if version is None or version != self._version:
            self._known, self._version = {}, version
        known = self._known.get(prefix)
        if known is None:
            known = await self._read(prefix)
            # Unknown keys are not cached: guesses must not fill the memory.
            if known and version is not None and version == self._changes.version() == self._version:
                self._known[prefix] = known
        return known

    async def _read(self, prefix: str) -> list[ApiKey]:
        try:
            async with AsyncSession(self._engine) as session:
                found = await session.exec(select(StoredKey).where(StoredKey.prefix == prefix))
                return [_value(key) for key in found]
        except (SQLAlchemyError, OSError) as error:
            raise PartUnavailable("the database", type(error).__name__) from error

    async def bootstrap(self, key: str, workspace: str, now: datetime) -> None:
        """Activate the platform's bootstrap key and revoke earlier ones. A revoked key stays revoked."""
        async with AsyncSession(self._engine) as session, session.begin():
            if await session.get(Workspace, workspace) is None:
                session.add(Workspace(name=workspace, created_at=now))
                await session.flush()
            digest, known = digest_of(key), False
            for stored in await session.exec(select(StoredKey).where(StoredKey.label == BOOTSTRAP)):
                if stored.digest == digest:
                    known, stored.workspace = True, workspace
                elif stored.revoked_at is None:
                    stored.revoked_at = now
                session.add(stored)
            if not known:
                session.add(
                    StoredKey(
                        prefix=prefix_of(key), digest=digest, workspace=workspace, label=BOOTSTRAP,
                        scopes=ALL_SCOPES, created_at=now,
                    )
                )  # fmt: skip

    async def revoke(self, prefix: str, workspace: str, now: datetime) -> int:
        """Revoke the workspace's keys of that prefix; returns how many were revoked."""
        async with AsyncSession(self._engine) as session, session.begin():
            query = select(StoredKey).where(
                StoredKey.prefix == prefix, StoredKey.workspace == workspace, col(StoredKey.revoked_at).is_(None)
            )
            found = list(await session.exec(query))
            for stored in found:
                stored.revoked_at = now
                session.add(stored)
            return len(found)


def _value(key: StoredKey) -> ApiKey:
    return ApiKey(key.prefix, key.digest, key.workspace, frozenset(key.scopes.split()), key.expires_at, key.revoked_at)
