"""Reads kept build logs from Ink's registry for the gateway: these alone, so that it needs no right to images."""
