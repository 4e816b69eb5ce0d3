"""The log of a build, kept beside its image: an OCI artifact in the same repository, tagged with the build's name.

It outlives the pod. Nothing of a build depends on it: what cannot be kept is said in the log itself, which goes on.
"""

import asyncio
import gzip
import hashlib
import http.client
import json
from urllib.parse import urlsplit

from ink_builder import image
from ink_builder.log import BuildLog
from ink_builder.settings import Settings

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
ARTIFACT_TYPE = "application/vnd.ml.ink.build-log.v1"
LOG_TYPE = "text/plain+gzip"
_CALL_SECONDS = 3.0
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
    kind = http.client.HTTPConnection if settings.registry_insecure else http.client.HTTPSConnection
    connection = kind(settings.registry_host, timeout=_CALL_SECONDS)
    try:
        _artifact(_Repository(connection, settings), text.encode(), tag(settings.build_id))
    finally:
        connection.close()


class _Repository:
    """The image's own repository, by the token of this build."""

    def __init__(self, connection: http.client.HTTPConnection, settings: Settings) -> None:
        self._connection = connection
        self._path = "/v2/" + image.repository(settings.image).partition("/")[2]
        self._headers = {"Authorization": f"Bearer {settings.registry_token}"}

    def send(self, method: str, path: str, data: bytes = b"", kind: str = "application/octet-stream") -> str:
        """One request that makes something; returns where it is. Raises ValueError for any other answer."""
        headers = {**self._headers, "Content-Type": kind, "Content-Length": str(len(data))}
        self._connection.request(method, path if path.startswith("/") else f"{self._path}/{path}", data, headers)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status not in (201, 202):
            raise ValueError(f"the registry answers {answer.status}")
        parts = urlsplit(answer.headers.get("Location", ""))
        return f"{parts.path}?{parts.query}"

    def blob(self, data: bytes, kind: str) -> dict[str, object]:
        """Its descriptor, once it is there."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        place = self.send("POST", "blobs/uploads/")
        self.send("PUT", f"{place}&digest={digest}", data)
        return {"mediaType": kind, "digest": digest, "size": len(data)}


def _artifact(repository: _Repository, text: bytes, name: str) -> None:
    packed = repository.blob(gzip.compress(text, 6, mtime=0), LOG_TYPE)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": ARTIFACT_TYPE,
        # There must be one. A deployment waits for this process to end, and another blob would take two more requests.
        "config": packed,
        "layers": [packed],
    }
    repository.send("PUT", f"manifests/{name}", json.dumps(manifest).encode(), MANIFEST_TYPE)
