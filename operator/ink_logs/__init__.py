"""Serves stored build logs to the gateway, and nothing else: the gateway needs no access to images in the registry."""
