"""The outside world: API server, git server, resolver, database. Their errors are mapped to ours here."""
