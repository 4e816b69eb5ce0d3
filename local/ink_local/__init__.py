"""A real single-node Kubernetes for this machine, in namespaces of its own: built, booted and taken away again."""
