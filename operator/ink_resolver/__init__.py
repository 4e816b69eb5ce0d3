"""The one place that follows addresses given by tenants: asks a git server for the head of a branch.

It holds no Kubernetes token and no secret; what it may connect to is decided in `ink_common.public_addresses`.
"""
