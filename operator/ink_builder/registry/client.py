"""A client for the image's own repository in the registry, with the token of this build."""

import contextlib
import hashlib
import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

from ink_builder.registry.names import repository_of
from ink_builder.settings import Settings

_CALL_SECONDS = 3.0
_MAX_MANIFEST_BYTES = 4 * 1024 * 1024
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json")


class ImageRepository:
    """Requests to it. Each raises OSError or HTTPException when it fails, ValueError for an unexpected answer."""

    def __init__(self, connection: http.client.HTTPConnection, settings: Settings) -> None:
        self._connection = connection
        self._path = "/v2/" + repository_of(settings.image).partition("/")[2]
        self._headers = {"Authorization": f"Bearer {settings.registry_token}"}

    def send(self, method: str, path: str, data: bytes = b"", kind: str = "application/octet-stream") -> str:
        """A request that creates something; returns its location. Raises ValueError for any other answer."""
        headers = {**self._headers, "Content-Type": kind, "Content-Length": str(len(data))}
        self._connection.request(method, path if path.startswith("/") else f"{self._path}/{path}", data, headers)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status not in (201, 202):
            raise ValueError(f"the registry answered with HTTP {answer.status}")
        parts = urlsplit(answer.headers.get("Location", ""))
        return f"{parts.path}?{parts.query}"

    def read(self, name: str) -> tuple[bytes, str] | None:
        """A manifest by its tag, and its type; None when there is none. Raises ValueError for any other answer."""
        headers = {**self._headers, "Accept": ", ".join(MANIFESTS)}
        self._connection.request("GET", f"{self._path}/manifests/{name}", headers=headers)
        answer = self._connection.getresponse()
        data = answer.read(_MAX_MANIFEST_BYTES + 1)
        if answer.status == 404:
            return None
        if answer.status != 200 or len(data) > _MAX_MANIFEST_BYTES:
            raise ValueError(f"the registry answered with HTTP {answer.status} and {len(data)} bytes")
        return data, answer.headers.get("Content-Type", MANIFESTS[0])

    def blob(self, data: bytes, kind: str) -> dict[str, object]:
        """Upload a blob; returns its descriptor."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        place = self.send("POST", "blobs/uploads/")
        self.send("PUT", f"{place}&digest={digest}", data)
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    def manifest(self, name: str, data: bytes, kind: str) -> None:
        """Put a manifest under a tag."""
        self.send("PUT", f"manifests/{name}", data, kind)


@contextlib.contextmanager
def repository(settings: Settings) -> Iterator[ImageRepository]:
    """A connection to it."""
    kind = http.client.HTTPConnection if settings.registry_insecure else http.client.HTTPSConnection
    connection = kind(settings.registry_host, timeout=_CALL_SECONDS)
    try:
        yield ImageRepository(connection, settings)
    finally:
        connection.close()
