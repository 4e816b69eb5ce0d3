"""OCI images from a folder of files, without any container engine: one layer, byte for byte the same every time.

Layers stay uncompressed: they never travel further than this machine, and unpacking is what would take the time.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urljoin, urlsplit

from ink_artifacts.errors import SetupError

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
NAME = "io.containerd.image.name"
TAG = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class Config:
    """How a container of the image starts, in the words of a Dockerfile."""

    env: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    folder: str = "/"
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Descriptor:
    """A blob as manifests point to it; `size` in bytes."""

    media_type: str
    digest: str
    size: int

    def json(self, **annotations: str) -> dict[str, Any]:
        plain: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        return {**plain, "annotations": annotations} if annotations else plain


def write_archive(root: Path, dest: Path, names: Iterable[str], config: Config) -> str:
    """Make `dest`, an archive for `ctr images import`, of everything below `root`; returns the image's digest.

    `names` are full references (`host/path:tag`); all of them name this one image.
    Times are set to zero, so .pyc files in it must be of an unchecked kind. Owners and modes are those on the disk.
    """
    layer_file = dest.with_name(f"{dest.name}.layer")
    try:
        layer = _write_layer(root, layer_file)
        settings = _json(_config(config, layer.digest))
        described = Descriptor(CONFIG, _digest(settings), len(settings))
        manifest = _json(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": described.json(), "layers": [layer.json()]}
        )
        image = Descriptor(MANIFEST, _digest(manifest), len(manifest))
        with tarfile.open(dest, "w") as archive:
            _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
            _add(archive, "index.json", _index(dict.fromkeys(names, image)))
            for blob in (settings, manifest):
                _add(archive, _blob_path(_digest(blob)), blob)
            with layer_file.open("rb") as content:
                archive.addfile(_entry(_blob_path(layer.digest), layer.size), content)
    finally:
        layer_file.unlink(missing_ok=True)
    return image.digest


def unpack_layout(archive: Path, folder: Path) -> None:
    """The archive's OCI layout as files in `folder`: what buildctl takes as a named context."""
    folder.mkdir(parents=True)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


def pack_layout(folder: Path, dest: Path, names: Mapping[str, str]) -> None:
    """Make `dest`, one archive of images in the OCI layout `folder`; what they share is in it once.

    Blobs of other images are removed from the layout. It has those of the last archive, so only new ones are written.
    `names`: full reference -> digest of the image's manifest in that layout.
    """
    wanted: dict[str, Path] = {}
    images: dict[str, Descriptor] = {}
    for name, digest in names.items():
        path = folder / _blob_path(digest)
        manifest = json.loads(path.read_bytes())
        images[name] = Descriptor(manifest["mediaType"], digest, path.stat().st_size)
        blobs = [digest, *(part["digest"] for part in (manifest["config"], *manifest["layers"]))]
        wanted |= {blob: folder / _blob_path(blob) for blob in blobs}
    with tarfile.open(dest, "w") as archive:
        _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(archive, "index.json", _index(images))
        for blob, path in wanted.items():
            with path.open("rb") as content:
                archive.addfile(_entry(_blob_path(blob), path.stat().st_size), content)
    for path in (folder / "blobs" / "sha256").iterdir():
        if path not in wanted.values():
            path.unlink()


def digests(archive: Path) -> dict[str, str]:
    """Name -> digest of the images in the archive."""
    with tarfile.open(archive) as tar:
        index = json.load(cast(IO[bytes], tar.extractfile("index.json")))
    return {image["annotations"][NAME]: image["digest"] for image in index["manifests"]}


def push(archive: Path, registry: str, repository: str, tag: str) -> str:
    """Put the archive's (only) image into the registry at the URL `registry`; returns its digest.

    Blobs that the registry has are not sent again. Raises SetupError when the registry refuses.
    """
    with tarfile.open(archive) as tar:

        def read(path: str) -> IO[bytes]:
            return cast(IO[bytes], tar.extractfile(path))

        digest = str(json.load(read("index.json"))["manifests"][0]["digest"])
        manifest = read(_blob_path(digest)).read()
        parts = json.loads(manifest)
        for blob in (parts["config"], *parts["layers"]):
            _push_blob(registry, repository, blob, read(_blob_path(blob["digest"])))
        _request(registry, "PUT", f"/v2/{repository}/manifests/{tag}", manifest, {"Content-Type": MANIFEST}, expect=201)
    return digest


def _push_blob(registry: str, repository: str, blob: dict[str, Any], content: IO[bytes]) -> None:
    if _request(registry, "HEAD", f"/v2/{repository}/blobs/{blob['digest']}", None, {}, expect=0)[0] == 200:
        return
    _, location = _request(registry, "POST", f"/v2/{repository}/blobs/uploads/", None, {}, expect=202)
    separator = "&" if "?" in location else "?"
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(blob["size"])}
    _request(registry, "PUT", f"{location}{separator}digest={blob['digest']}", content, headers, expect=201)


def _request(
    registry: str, method: str, path: str, body: bytes | IO[bytes] | None, headers: dict[str, str], *, expect: int
) -> tuple[int, str]:
    """Status and Location of the answer. Raises SetupError when another status than `expect` (0: any) comes."""
    url = urlsplit(urljoin(registry, path))
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
    try:
        connection.request(method, f"{url.path}?{url.query}" if url.query else url.path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except OSError as failure:
        raise SetupError(f"the registry {registry} does not answer", seen=str(failure), remedy="read its log") from None
    finally:
        connection.close()
    if expect and answer.status != expect:
        seen = f"{method} {url.path}: {answer.status} {text[:200]}"
        raise SetupError(f"the registry {registry} refused an image", seen=seen, remedy="read its log")
    return answer.status, answer.headers.get("Location", "")


class _Hashing:
    """A file to write to that knows the digest and the size of what was written."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self._hash, self.size = out, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self.size += len(data)
        return self._out.write(data)

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def _write_layer(root: Path, dest: Path) -> Descriptor:
    with dest.open("wb") as out:
        hashing = _Hashing(out)
        with tarfile.open(fileobj=cast(IO[bytes], hashing), mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for path in _sorted_tree(root):
                entry = tar.gettarinfo(path, str(path.relative_to(root)))
                if entry is None:  # a socket: nothing an image can hold
                    continue
                entry.mtime, entry.uname, entry.gname = 0, "", ""
                if entry.isreg():
                    with path.open("rb") as content:
                        tar.addfile(entry, content)
                else:
                    tar.addfile(entry)
    return Descriptor(LAYER, hashing.digest, hashing.size)


def _sorted_tree(root: Path) -> Iterator[Path]:
    """Everything below `root`, a folder before what is in it, in an order that does not depend on the disk."""
    for entry in sorted(os.scandir(root), key=lambda found: found.name):
        yield Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _sorted_tree(Path(entry.path))


def _index(images: Mapping[str, Descriptor]) -> bytes:
    """index.json of images by their full references."""
    manifests = [image.json(**{NAME: name, TAG: name.rpartition(":")[2]}) for name, image in sorted(images.items())]
    return _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})


def _config(config: Config, layer_digest: str) -> dict[str, Any]:
    container = {
        "Env": [f"{name}={value}" for name, value in sorted(config.env.items())],
        "Entrypoint": list(config.entrypoint),
        "Cmd": list(config.command),
        "User": config.user,
        "WorkingDir": config.folder,
        "Labels": dict(config.labels),
    }
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {name: value for name, value in container.items() if value},
        "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "ink_local"}],
    }


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _blob_path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    archive.addfile(_entry(name, len(data)), BytesIO(data))
