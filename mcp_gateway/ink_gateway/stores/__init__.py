"""Adapters to the outside: API server, git server, resolver, database. They map foreign errors to ours."""
