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
from ink_builder.scan.model import ScannedPackage
from ink_builder.scan.osv import Record, normal_ecosystem

SECONDS = 10.0
BATCH = 500
MAX_ANSWER_BYTES = 32 * 1024 * 1024
MAX_RECORDS = 2_000
AT_ONCE = 8
"""Records that are fetched in parallel: an image's packages may have hundreds."""


class OsvUnavailable(Exception):
    """The data is not available; str(error) says why."""


def records(source: str, packages: Sequence[ScannedPackage]) -> Iterator[tuple[ScannedPackage, Record]]:
    """Packages, each with a record that may affect it. Raises OsvUnavailable."""
    if not source:
        raise OsvUnavailable("no source of vulnerability data is configured (builders.scan.osvSource)")
    if source.startswith(("http://", "https://")):
        yield from _from_server(source.rstrip("/"), packages)
        return
    wanted: dict[tuple[str, str], list[ScannedPackage]] = {}
    for package in packages:
        wanted.setdefault((package.ecosystem, package.name), []).append(package)
    for record in _from_files(Path(source)):
        names = {_key(affected) for affected in record.get("affected") or ()}
        for name in sorted(names & wanted.keys()):
            for package in wanted[name]:
                yield package, record


def _key(affected: Record) -> tuple[str, str]:
    about = affected.get("package") or {}
    ecosystem = normal_ecosystem(str(about.get("ecosystem", "")))
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
        raise OsvUnavailable(f"could not read {place}: {error}") from error


def _parsed(data: bytes) -> Iterable[Record]:
    found = json.loads(data)
    return found if isinstance(found, list) else [found]


def _from_server(base: str, packages: Sequence[ScannedPackage]) -> Iterator[tuple[ScannedPackage, Record]]:
    """`POST /v1/querybatch` lists the records, `GET /v1/vulns/<id>` returns them."""
    known: dict[str, Record] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for start in range(0, len(packages), BATCH):
            batch = packages[start : start + BATCH]
            pairs = _named(base, batch)
            new = [name for name in dict.fromkeys(name for _, name in pairs) if name not in known]
            new = new[: MAX_RECORDS - len(known)]
            known |= zip(new, pool.map(lambda name: _ask(f"{base}/v1/vulns/{quote(name, safe='')}"), new), strict=True)
            yield from ((package, known[name]) for package, name in pairs if name in known)


def _named(base: str, batch: Sequence[ScannedPackage]) -> list[tuple[ScannedPackage, str]]:
    """Packages and the ids of the records that affect them."""
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
        raise OsvUnavailable(f"{url.split('/v1/', maxsplit=1)[0]} does not answer as an OSV server: {error}") from error
    if not isinstance(found, dict):
        raise OsvUnavailable(f"{url.split('/v1/', maxsplit=1)[0]} does not answer as an OSV server")
    return found
