"""Reads parts of an exported image from the daemon: its configuration, and its SBOM."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from ink_builder.buildkit.control import BuildKit

_MAX_MANIFEST_BYTES, _MAX_SBOM_BYTES = 4 * 1024 * 1024, 32 * 1024 * 1024
_REFERENCE, _ATTESTATION = "vnd.docker.reference.type", "attestation-manifest"
_PREDICATE, _SPDX = "in-toto.io/predicate-type", "https://spdx.dev/Document"


@dataclass(frozen=True)
class ExportedParts:
    """Empty where the image has none, or the daemon no longer has it. `top` is what the image's digest names."""

    config: bytes = b""
    sbom: bytes = b""
    top: bytes = b""


async def parts(buildkit: BuildKit, answer: Mapping[str, str], *, listed: bool) -> ExportedParts:
    """The parts named by the exporter's answer. `listed`: with an SBOM; an image with attestations is an index."""
    try:
        config = answer.get("containerimage.config.digest")
        if config and not listed:
            return ExportedParts(await buildkit.blob(config))
        return await _of_index(buildkit, answer.get("containerimage.digest", ""))
    except (grpc.aio.AioRpcError, ValueError, TypeError, AttributeError, LookupError):
        return ExportedParts()


async def _of_index(buildkit: BuildKit, digest: str) -> ExportedParts:
    top = await _small(buildkit, {"digest": digest})
    config = sbom = b""
    for entry in _entries(top, "manifests"):
        manifest = await _small(buildkit, entry)
        if (entry.get("annotations") or {}).get(_REFERENCE) != _ATTESTATION:
            described = json.loads(manifest).get("config") or {}
            config = config or await _small(buildkit, described)
            continue
        lists = (x for x in _entries(manifest, "layers") if (x.get("annotations") or {}).get(_PREDICATE) == _SPDX)
        # The list of the image itself comes before those of what it was built with.
        core = next(lists, None)
        if core and not sbom and int(core.get("size", 0)) <= _MAX_SBOM_BYTES:
            sbom = await _read(buildkit, core, _MAX_SBOM_BYTES)
    return ExportedParts(config, sbom, top)


def _entries(manifest: bytes, name: str) -> Iterator[dict[str, Any]]:
    yield from json.loads(manifest).get(name) or ()


async def _small(buildkit: BuildKit, descriptor: Mapping[str, Any]) -> bytes:
    return await _read(buildkit, descriptor, _MAX_MANIFEST_BYTES)


async def _read(buildkit: BuildKit, descriptor: Mapping[str, Any], most: int) -> bytes:
    if int(descriptor.get("size", 0)) > most:
        raise ValueError("larger than allowed")
    return await buildkit.blob(str(descriptor["digest"]))
