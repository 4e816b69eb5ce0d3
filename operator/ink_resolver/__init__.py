"""Asks a git server for the head of a branch: the one server of Ink's that connects to addresses given by tenants.

It holds no Kubernetes token and no secret; what it may connect to is decided in `ink_common.public_addresses`.
"""
