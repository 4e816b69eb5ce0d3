"""Tables. Every change here needs a migration in migrations/versions."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import DateTime
from sqlmodel import Field, SQLModel


class Workspace(SQLModel, table=True):
    """The unit of isolation: every repository and service belongs to one."""

    name: str = Field(primary_key=True, max_length=24)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class StoredKey(SQLModel, table=True):
    """An API key: its prefix to find it, its digest to check it."""

    __tablename__ = "api_key"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    prefix: str = Field(index=True, max_length=32)
    digest: str = Field(unique=True, max_length=64)
    workspace: str = Field(foreign_key="workspace.name", index=True, max_length=24)
    label: str = Field(default="", max_length=100)
    scopes: str = Field(description="Separated by spaces", max_length=255)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    revoked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
