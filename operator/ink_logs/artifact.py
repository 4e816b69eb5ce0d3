"""Which logs may be requested, and how they are read from a manifest and a blob. Pure."""

import re
import zlib
from typing import Any

ARTIFACT_TYPE = "application/vnd.ml.ink.build-log.v1"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
LOG_MAX_BYTES = 2 * 1024 * 1024
"""The builder stops at 1 MiB: anything longer was not written by it."""
_SEGMENT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_BUILD = re.compile(r"b-[0-9a-f]{20}-[0-9]{1,9}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class NoLog(Exception):
    """There is no log, or what is stored there is something else."""


def place(workspace: str, project: str, service: str, build: str) -> tuple[str, str]:
    """Repository and tag. Raises NoLog for any other name: tenants with a namespace of their own have none of these."""
    if not all(map(_SEGMENT.fullmatch, (workspace, project, service))) or not _BUILD.fullmatch(build):
        raise NoLog("not a valid name")
    return f"{workspace}/{project}/{service}", f"log-{build}"


def layer_of(manifest: Any) -> str:
    """Digest of the log in a manifest. Raises NoLog, as for an image with such a tag."""
    layers = manifest.get("layers") if isinstance(manifest, dict) else None
    if not layers or manifest.get("artifactType") != ARTIFACT_TYPE or not isinstance(layers[0], dict):
        raise NoLog("not a log")
    digest, size = layers[0].get("digest"), layers[0].get("size")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise NoLog("not a log")
    if not isinstance(size, int) or not 0 <= size <= LOG_MAX_BYTES:
        raise NoLog("too long")
    return digest


def text_of(packed: bytes) -> bytes:
    """The log, decompressed to at most LOG_MAX_BYTES. Raises NoLog."""
    try:
        return zlib.decompressobj(wbits=31).decompress(packed, LOG_MAX_BYTES)
    except zlib.error as error:
        raise NoLog("not a log") from error
