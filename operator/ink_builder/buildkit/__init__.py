"""BuildKit over gRPC: our own small client, for there is none for Python."""
