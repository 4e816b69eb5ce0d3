"""The packages that an SBOM lists, read from the statement that the scanner attached to the image. Pure.

All of it comes from the image, so nothing is trusted: names are just text, and malformed entries are skipped.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from ink_builder.scan.lockfiles import MAX_PACKAGES, normal
from ink_builder.scan.model import ScannedPackage

_WORD_CHARS = 200
_ECOSYSTEMS = {
    "npm": "npm",
    "pypi": "PyPI",
    "golang": "Go",
    "cargo": "crates.io",
    "gem": "RubyGems",
    "composer": "Packagist",
    "maven": "Maven",
    "nuget": "NuGet",
}
_DISTRIBUTION = re.compile(r"(?P<name>debian|alpine)-v?(?P<version>\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class ImagePackages:
    """What is in an image. `packages`: those that OSV has records for, each once."""

    total: int
    packages: tuple[ScannedPackage, ...]
    others: tuple[str, ...] = ()
    """Kinds of packages without records, most frequent first."""


def read(statement: bytes) -> ImagePackages | None:
    """What the statement lists; None when it is not valid."""
    try:
        predicate = json.loads(statement)["predicate"]
        names = sorted(set(_names(predicate["packages"])))[:MAX_PACKAGES]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    found: dict[ScannedPackage, None] = {}
    others: Counter[str] = Counter()
    for name in names:
        if package := package_of(name):
            found.setdefault(package)
        else:
            others[_kind(name)] += 1
    return ImagePackages(len(names), tuple(found), tuple(kind for kind, _ in others.most_common()))


def _names(packages: list[Mapping[str, Any]]) -> Iterator[str]:
    """The package URL of each package. The document describes the image itself as a package too, which has none."""
    for entry in packages:
        for reference in entry.get("externalRefs") or ():
            if reference.get("referenceType") == "purl":
                yield str(reference["referenceLocator"])
                break


def package_of(name: str) -> ScannedPackage | None:
    """The package of a package URL, `pkg:type/namespace/name@version?qualifiers`, as OSV's records name it."""
    kind, path, version, qualifiers = _parts(name)
    if kind in {"deb", "apk"}:
        return _of_distribution(path, version, qualifiers)
    ecosystem = _ECOSYSTEMS.get(kind)
    if ecosystem is None or not path or not version:
        return None
    if ecosystem == "Maven":
        path = ":".join(path.rsplit("/", 1))
    if ecosystem == "Go":
        version = re.sub(r"^(?:v|go)", "", version)
    return ScannedPackage(ecosystem, normal(path, ecosystem)[:_WORD_CHARS], version[:_WORD_CHARS])


def _of_distribution(path: str, version: str, qualifiers: Mapping[str, str]) -> ScannedPackage | None:
    """Distributions publish vulnerabilities by source package: `upstream` names it where it differs."""
    found = _DISTRIBUTION.match(qualifiers.get("distro", ""))
    source, _, its_version = qualifiers.get("upstream", "").partition("@")
    source, version = source or path.rpartition("/")[2], its_version or version
    if found is None or not source or not version:
        return None
    if found["name"] == "debian":
        ecosystem = f"Debian:{found['version'].partition('.')[0]}"
    else:
        ecosystem = f"Alpine:v{found['version']}"
    return ScannedPackage(ecosystem, source[:_WORD_CHARS], version[:_WORD_CHARS])


def _parts(name: str) -> tuple[str, str, str, dict[str, str]]:
    """Type, namespace and name, version, qualifiers."""
    rest, _, query = name.removeprefix("pkg:").partition("#")[0].partition("?")
    kind, _, path = rest.partition("/")
    path, _, version = path.rpartition("@") if "@" in path else (path, "", "")
    return kind.lower(), unquote(path), unquote(version), dict(parse_qsl(query))


def _kind(name: str) -> str:
    """Such as `rpm`, or `deb/ubuntu`."""
    kind, path, _, _ = _parts(name)
    return f"{kind}/{path.partition('/')[0]}"[:40] if kind in {"deb", "apk", "rpm"} else kind[:40]
