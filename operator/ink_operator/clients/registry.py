"""Ink's registry, by the OCI distribution API."""

import re
from typing import Any

import aiohttp
from ink_api.group import LABEL_INKFILE

from ink_operator.core.errors import Transient
from ink_operator.ports import StoredImage, Tokens, WriteGuard

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
OWN_TAGS = re.compile(r"[0-9a-f]{12}-[0-9a-f]{8}-[0-9]+|log-b-[0-9a-f]{20}-[0-9]+|old-cache-[0-9a-f]{12}")
"""Tags of images, of build logs, and of caches that newer ones replaced. Other tags in a repository are left alone."""
CALL_SECONDS = 10.0
READ_ONLY_SECONDS = 10.0


class RegistryClient:
    """Implements ports.ImageRegistry."""

    def __init__(
        self, session: aiohttp.ClientSession, host: str, insecure: bool, tokens: Tokens, guard: WriteGuard
    ) -> None:
        self._session = session
        self._guard = guard
        self._base = f"{'http' if insecure else 'https'}://{host}/v2"
        self._tokens = tokens

    async def find(self, repository: str, tag_prefix: str) -> StoredImage | None:
        """The newest image whose tag starts with the prefix and ends in an attempt number."""
        token = self._tokens.registry(repository, "pull")
        tags = [t for t in await self._tags(repository, token) if attempt_number(t, tag_prefix) >= 0]
        if not tags:
            return None
        tag = max(tags, key=lambda t: attempt_number(t, tag_prefix))
        manifest, digest = await self._manifest(repository, tag, token)
        if manifest is None:
            return None
        if manifest.get("manifests"):
            child = next((m for m in manifest["manifests"] if runnable(m)), manifest["manifests"][0])
            manifest, _ = await self._manifest(repository, child["digest"], token)
        config = ((manifest or {}).get("config") or {}).get("digest")
        ports, inkfile = await self._about(repository, config, token) if config else ((), "")
        return StoredImage(digest, ports, inkfile)

    async def annotations(self, repository: str, tag: str) -> dict[str, Any] | None:
        """The annotations of a manifest; None if there is no such tag."""
        manifest, _ = await self._manifest(repository, tag, self._tokens.registry(repository, "pull"))
        if manifest is None:
            return None
        found = manifest.get("annotations")
        return found if isinstance(found, dict) else {}

    async def delete_repository(self, repository: str) -> None:
        """Delete every tag, and every manifest that has a tag."""
        token = self._tokens.registry(repository, "pull", "push", "delete")
        found = await self._content(repository, await self._tags(repository, token), token)
        await self._delete(repository, frozenset[str]().union(*found.values()), token)

    async def prune(self, repository: str, digests: frozenset[str], tags: frozenset[str]) -> None:
        """Delete all images and build logs except these, given by digest or tag.

        A digest is kept as long as one of its tags is: deleting a manifest takes all of its tags with it.
        """
        token = self._tokens.registry(repository, "pull", "push", "delete")
        found = await self._content(repository, await self._tags(repository, token), token)
        wanted: set[str] = set(digests)
        gone: set[str] = set()
        for tag, content in found.items():
            keep = tag in tags or not OWN_TAGS.fullmatch(tag) or digests & content
            (wanted if keep else gone).update(content)
        await self._delete(repository, frozenset(gone - wanted), token)

    async def _content(self, repository: str, tags: list[str], token: str) -> dict[str, frozenset[str]]:
        """Tag -> digests of its manifest and, if it is an index, of those in it."""
        found = {}
        for tag in tags:
            manifest, digest = await self._manifest(repository, tag, token)
            if manifest is not None:
                below = manifest.get("manifests") or []
                found[tag] = frozenset({digest, *(m["digest"] for m in below if m.get("mediaType") in MANIFESTS)})
        return found

    async def _delete(self, repository: str, digests: frozenset[str], token: str) -> None:
        for digest in sorted(digests - {""}):
            # An operator that lost the lease must not delete what its successor has built since.
            self._guard.check()
            status, _, _ = await self._call("DELETE", f"{repository}/manifests/{digest}", token)
            if status == 405:
                raise Transient(
                    "the registry is read-only while it is cleaned up", retry_after_seconds=READ_ONLY_SECONDS
                )
            if status not in (200, 202, 404):
                raise Transient(f"the registry answered {status} to the deletion of {repository}@{digest}")

    async def _tags(self, repository: str, token: str) -> list[str]:
        status, body, _ = await self._call("GET", f"{repository}/tags/list", token)
        if status == 404:
            return []
        if status != 200:
            raise Transient(f"the registry answered {status} to the list of tags of {repository}")
        return list(body.get("tags") or [])

    async def _manifest(self, repository: str, reference: str, token: str) -> tuple[dict[str, Any] | None, str]:
        status, body, headers = await self._call("GET", f"{repository}/manifests/{reference}", token)
        if status == 404:
            return None, ""
        if status != 200:
            raise Transient(f"the registry answered {status} for {repository}:{reference}")
        return body, headers.get("Docker-Content-Digest", "")

    async def _about(self, repository: str, digest: str, token: str) -> tuple[tuple[int, ...], str]:
        """The ports that the image exposes, and its ink.yaml label."""
        status, body, _ = await self._call("GET", f"{repository}/blobs/{digest}", token)
        if status != 200:
            raise Transient(f"the registry answered {status} for a configuration of {repository}")
        config = body.get("config") or {}
        return exposed(config.get("ExposedPorts") or {}), str((config.get("Labels") or {}).get(LABEL_INKFILE) or "")

    async def _call(self, method: str, path: str, token: str) -> tuple[int, dict[str, Any], dict[str, str]]:
        headers = {"Authorization": f"Bearer {token}", "Accept": ", ".join(MANIFESTS + INDEXES)}
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        try:
            async with self._session.request(
                method, f"{self._base}/{path}", headers=headers, timeout=timeout
            ) as response:
                body = await response.json(content_type=None) if response.status == 200 else {}
                return response.status, body if isinstance(body, dict) else {}, dict(response.headers)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Transient(f"the registry does not answer: {type(error).__name__}") from error


def attempt_number(tag: str, prefix: str) -> int:
    """The attempt number of a tag `<prefix><number>`; -1 for any other tag."""
    number = tag[len(prefix) :] if tag.startswith(prefix) else ""
    return int(number) if number.isdigit() else -1


def runnable(entry: dict[str, Any]) -> bool:
    """False for attestations and the like in an index."""
    return (entry.get("platform") or {}).get("os") not in (None, "unknown")


def exposed(ports: dict[str, Any]) -> tuple[int, ...]:
    """TCP ports of an image's EXPOSE, lowest first. `{"8080/tcp": {}}` -> (8080,)."""
    found = (name.partition("/") for name in ports)
    return tuple(sorted(int(n) for n, _, p in found if n.isdigit() and p in ("", "tcp") and 0 < int(n) < 65536))
