"""Ink's git server: smart HTTP for git clients, an internal API for the gateway, and push events.

The git protocol is handled by git itself, in subprocesses; this package adds access control, limits, streaming and what
follows a push.
"""
