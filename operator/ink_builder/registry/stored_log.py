"""The log of a build, stored beside its image: an OCI artifact in the same repository, tagged with the build's name.

It outlives the pod. No build depends on it: if it cannot be stored, the log itself says so. The stored log of a
successful build also carries its verdict: the operator finds it there before the kubelet sees that the builder ended.
"""

import asyncio
import gzip
import http.client
import json
from typing import Any

from ink_api.group import ANNOTATION_JOB_UID, ANNOTATION_VERDICT

from ink_builder import verdict
from ink_builder.log import BuildLog
from ink_builder.registry.client import ImageRepository, repository
from ink_builder.registry.names import log_tag
from ink_builder.settings import Settings

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
ARTIFACT_TYPE = "application/vnd.ml.ink.build-log.v1"
LOG_TYPE = "text/plain+gzip"
_STORE_SECONDS = 6.0


async def store(settings: Settings, log: BuildLog, ended: dict[str, Any]) -> None:
    """Push what was logged so far, and how the build ended. Never raises."""
    if not settings.registry_token:
        return
    try:
        await asyncio.wait_for(asyncio.to_thread(_push, settings, log.text(), _notes(settings, ended)), _STORE_SECONDS)
    except (OSError, http.client.HTTPException, TimeoutError, ValueError) as error:
        log.line(f"the log could not be stored and goes with the pod: {type(error).__name__} {error}")


def _notes(settings: Settings, ended: dict[str, Any]) -> dict[str, str]:
    if not settings.job_uid or not ended["ok"]:
        return {}
    return {ANNOTATION_VERDICT: verdict.encode(ended).decode(), ANNOTATION_JOB_UID: settings.job_uid}


def _push(settings: Settings, text: str, notes: dict[str, str]) -> None:
    with repository(settings) as place:
        _artifact(place, text.encode(), log_tag(settings.build_id), notes)


def _artifact(place: ImageRepository, text: bytes, name: str, notes: dict[str, str]) -> None:
    packed = place.blob(gzip.compress(text, 6, mtime=0), LOG_TYPE)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": ARTIFACT_TYPE,
        # A config is mandatory. Deployments wait for this process to end, and a blob more would cost two requests.
        "config": packed,
        "layers": [packed],
        **({"annotations": notes} if notes else {}),
    }
    place.manifest(name, json.dumps(manifest).encode(), MANIFEST_TYPE)
