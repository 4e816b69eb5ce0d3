"""The commit to build: fetched from its git server, judged, written to disk."""
