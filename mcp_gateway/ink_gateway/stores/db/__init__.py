"""Accounts and API keys: SQLModel on SQLite or Postgres."""
