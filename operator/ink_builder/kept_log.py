"""The log of a build, kept beside its image: an OCI artifact in the same repository, tagged with the build's name.

It outlives the pod. Nothing of a build depends on it: what cannot be kept is said in the log itself, which goes on.
"""

import asyncio
import gzip
import http.client
import json

from ink_builder.log import BuildLog
from ink_builder.registry import Repository, repository
from ink_builder.settings import Settings

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
ARTIFACT_TYPE = "application/vnd.ml.ink.build-log.v1"
LOG_TYPE = "text/plain+gzip"
_PATIENCE_SECONDS = 6.0


def tag(build_id: str) -> str:
    """Where the log of a build lies; the operator deletes it by this name, and the gateway reads it."""
    return f"log-{build_id}"


async def keep(settings: Settings, log: BuildLog) -> None:
    """Push what was logged so far. Never raises."""
    if not settings.registry_token:
        return
    try:
        await asyncio.wait_for(asyncio.to_thread(_push, settings, log.text()), _PATIENCE_SECONDS)
    except (OSError, http.client.HTTPException, TimeoutError, ValueError) as error:
        log.line(f"the log is not kept beyond the pod: {type(error).__name__} {error}")


def _push(settings: Settings, text: str) -> None:
    with repository(settings) as place:
        _artifact(place, text.encode(), tag(settings.build_id))


def _artifact(place: Repository, text: bytes, name: str) -> None:
    packed = place.blob(gzip.compress(text, 6, mtime=0), LOG_TYPE)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": ARTIFACT_TYPE,
        # There must be one. A deployment waits for this process to end, and another blob would take two more requests.
        "config": packed,
        "layers": [packed],
    }
    place.manifest(name, json.dumps(manifest).encode(), MANIFEST_TYPE)
