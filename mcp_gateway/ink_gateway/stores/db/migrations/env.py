"""How Alembic runs here: on the connection that ink_gateway.stores.db.database gives it."""

from alembic import context
from sqlmodel import SQLModel

from ink_gateway.stores.db import models

__all__ = ["models"]

context.configure(
    connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
