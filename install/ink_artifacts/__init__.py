"""Programs and images that are built on this machine, and the cache that keeps them.

The installer takes from here what an existing cluster's nodes need; the local cluster takes the rest as well.
"""
