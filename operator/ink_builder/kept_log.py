"""The log of a build, kept beside its image: an OCI artifact in the same repository, tagged with the build's name.

It outlives the pod. Nothing of a build depends on it: what cannot be kept is said in the log itself, which goes on.
That of a build that worked tells its verdict, too: the operator sees it there before the kubelet sees that the builder
has ended.
"""

import asyncio
import gzip
import http.client
import json
from typing import Any

from ink_api.group import ANNOTATION_JOB_UID, ANNOTATION_VERDICT

from ink_builder import verdict
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


async def keep(settings: Settings, log: BuildLog, ended: dict[str, Any]) -> None:
    """Push what was logged so far, and how the build ended. Never raises."""
    if not settings.registry_token:
        return
    try:
        await asyncio.wait_for(
            asyncio.to_thread(_push, settings, log.text(), _notes(settings, ended)), _PATIENCE_SECONDS
        )
    except (OSError, http.client.HTTPException, TimeoutError, ValueError) as error:
        log.line(f"the log is not kept beyond the pod: {type(error).__name__} {error}")


def _notes(settings: Settings, ended: dict[str, Any]) -> dict[str, str]:
    if not settings.job_uid or not ended["ok"]:
        return {}
    return {ANNOTATION_VERDICT: verdict.encode(ended).decode(), ANNOTATION_JOB_UID: settings.job_uid}


def _push(settings: Settings, text: str, notes: dict[str, str]) -> None:
    with repository(settings) as place:
        _artifact(place, text.encode(), tag(settings.build_id), notes)


def _artifact(place: Repository, text: bytes, name: str, notes: dict[str, str]) -> None:
    packed = place.blob(gzip.compress(text, 6, mtime=0), LOG_TYPE)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": ARTIFACT_TYPE,
        # There must be one. A deployment waits for this process to end, and another blob would take two more requests.
        "config": packed,
        "layers": [packed],
        **({"annotations": notes} if notes else {}),
    }
    place.manifest(name, json.dumps(manifest).encode(), MANIFEST_TYPE)
