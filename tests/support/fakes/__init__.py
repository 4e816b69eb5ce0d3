"""Servers of others, in memory, that behave as the real ones do on a bad day; and the providers that talk to them."""
