"""Scans the source for committed secrets, and dependencies and the image's packages for known vulnerabilities."""
