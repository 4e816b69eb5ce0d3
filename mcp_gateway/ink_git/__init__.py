"""Ink's git server: smart HTTP for git clients, an internal API for the gateway, push events for who follows a branch.

Git itself does git's work, in subprocesses; here are only access, limits, streaming and what happens after a push.
"""
