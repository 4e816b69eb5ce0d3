"""Where records in OSV's format come from: a file, a directory or archive of files, or a server with OSV's API."""

import json
import urllib.request
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ink_builder.scan.lockfiles import normal
from ink_builder.scan.model import Package
from ink_builder.scan.osv import Record, told

SECONDS = 10.0
BATCH = 500
MAX_ANSWER_BYTES = 32 * 1024 * 1024
MAX_RECORDS = 2_000
AT_ONCE = 8
"""Records that are asked for side by side: those of an image's packages are hundreds."""


class Unavailable(Exception):
    """The data cannot be read; str(error) says why."""


def records(source: str, packages: Sequence[Package]) -> Iterator[tuple[Package, Record]]:
    """Pairs that may belong together. Raises Unavailable."""
    if not source:
        raise Unavailable("no source of OSV data is set")
    if source.startswith(("http://", "https://")):
        yield from _from_server(source.rstrip("/"), packages)
        return
    wanted: dict[tuple[str, str], list[Package]] = {}
    for package in packages:
        wanted.setdefault((package.ecosystem, package.name), []).append(package)
    for record in _from_files(Path(source)):
        names = {_key(affected) for affected in record.get("affected") or ()}
        for name in sorted(names & wanted.keys()):
            for package in wanted[name]:
                yield package, record


def _key(affected: Record) -> tuple[str, str]:
    about = affected.get("package") or {}
    ecosystem = told(str(about.get("ecosystem", "")))
    return ecosystem, normal(str(about.get("name", "")), ecosystem)


def _from_files(place: Path) -> Iterator[Record]:
    try:
        if place.is_dir():
            for file in sorted(place.rglob("*.json")):
                yield from _parsed(file.read_bytes())
        elif place.suffix == ".zip":
            with zipfile.ZipFile(place) as archive:
                for name in archive.namelist():
                    yield from _parsed(archive.read(name))
        else:
            yield from _parsed(place.read_bytes())
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise Unavailable(f"{place} cannot be read: {error}") from error


def _parsed(data: bytes) -> Iterable[Record]:
    found = json.loads(data)
    return found if isinstance(found, list) else [found]


def _from_server(base: str, packages: Sequence[Package]) -> Iterator[tuple[Package, Record]]:
    """`POST /v1/querybatch` names records, `GET /v1/vulns/<id>` gives them."""
    known: dict[str, Record] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for start in range(0, len(packages), BATCH):
            batch = packages[start : start + BATCH]
            pairs = _named(base, batch)
            new = [name for name in dict.fromkeys(name for _, name in pairs) if name not in known]
            new = new[: MAX_RECORDS - len(known)]
            known |= zip(new, pool.map(lambda name: _ask(f"{base}/v1/vulns/{quote(name, safe='')}"), new), strict=True)
            yield from ((package, known[name]) for package, name in pairs if name in known)


def _named(base: str, batch: Sequence[Package]) -> list[tuple[Package, str]]:
    """Packages and the names of the records that speak of them."""
    queries = [{"package": {"ecosystem": p.ecosystem, "name": p.name}, "version": p.version} for p in batch]
    answer = _ask(f"{base}/v1/querybatch", json.dumps({"queries": queries}).encode())
    results = zip(batch, answer.get("results") or (), strict=False)
    return [(package, str(entry["id"])) for package, known in results for entry in (known or {}).get("vulns") or ()]


def _ask(url: str, body: bytes | None = None) -> dict[str, Any]:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310 - http(s) alone
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            data = answer.read(MAX_ANSWER_BYTES)
        found = json.loads(data)
    except (OSError, ValueError) as error:
        raise Unavailable(f"{url.split('/v1/', maxsplit=1)[0]} does not answer as an OSV server: {error}") from error
    if not isinstance(found, dict):
        raise Unavailable(f"{url.split('/v1/', maxsplit=1)[0]} does not answer as an OSV server")
    return found
