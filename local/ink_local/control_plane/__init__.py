"""The control plane: etcd, the API server and the controllers, with their certificates and a small client."""
