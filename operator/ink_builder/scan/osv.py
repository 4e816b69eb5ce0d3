"""Whether a record in OSV's format affects a package, and how severe it is. Pure."""

from collections.abc import Iterator
from typing import Any

from ink_builder.scan.lockfiles import normal
from ink_builder.scan.model import NAMES, KnownVulnerability, ScannedPackage, Severity

Record = dict[str, Any]
DISTRIBUTIONS = ("Debian", "Alpine")
_MAX_SUMMARY_CHARS = 90


def affects(record: Record, package: ScannedPackage) -> tuple[bool, str]:
    """Whether the record affects this version; and the version that fixes it, if one is known."""
    if record.get("withdrawn"):
        return False, ""
    hit, fixed = False, ""
    for affected in _of(record, package):
        ranges = [r for r in affected.get("ranges") or () if r.get("type") in {"SEMVER", "ECOSYSTEM"}]
        found = package.version in (affected.get("versions") or ()) or any(_within(r, package) for r in ranges)
        if found:
            hit = True
            fixed = fixed or _fixed_version(ranges, package)
    return hit, fixed


def _of(record: Record, package: ScannedPackage) -> Iterator[Record]:
    for affected in record.get("affected") or ():
        about = affected.get("package") or {}
        ecosystem = normal_ecosystem(str(about.get("ecosystem", "")))
        if ecosystem == package.ecosystem and normal(str(about.get("name", "")), ecosystem) == package.name:
            yield affected


def normal_ecosystem(ecosystem: str) -> str:
    """A record's ecosystem as packages have it. Each release of a distribution (`Debian:12`) has fixes of its own; what
    follows the colon in other ecosystems, such as a registry's address, is dropped."""
    family = ecosystem.partition(":")[0]
    return ecosystem if family in DISTRIBUTIONS else family


def _version(text: str, ecosystem: str) -> Any:
    """A version that can be compared; None when it cannot be parsed."""
    from univers import versions

    kinds = {
        "PyPI": versions.PypiVersion,
        "RubyGems": versions.RubygemsVersion,
        "Packagist": versions.ComposerVersion,
        "Maven": versions.MavenVersion,
        "NuGet": versions.NugetVersion,
        "Debian": versions.DebianVersion,
        "Alpine": versions.AlpineLinuxVersion,
    }
    family = ecosystem.partition(":")[0]
    text = text.strip().removeprefix("v")
    if not text:
        return None
    if family not in kinds:
        text = text + ".0" * (2 - text.partition("-")[0].partition("+")[0].count("."))
    try:
        return kinds.get(family, versions.SemverVersion)(text)
    except Exception:  # versions come from strangers, and each kind raises its own exceptions
        return None


def _within(span: Record, package: ScannedPackage) -> bool:
    """OSV's rule: of the events sorted by version, the last one that is not after the version decides."""
    version = _version(package.version, package.ecosystem)
    if version is None:
        return False
    inside = False
    for at, kind in _events(span, package.ecosystem):
        if at is not None and (version < at or (kind == "last_affected" and version == at)):
            break
        inside = kind == "introduced"
    return inside


def _events(span: Record, ecosystem: str) -> list[tuple[Any, str]]:
    """(version, kind), sorted; None is the beginning."""
    found: list[tuple[Any, str]] = []
    beginning: list[tuple[Any, str]] = []
    for event in span.get("events") or ():
        for kind in ("introduced", "fixed", "last_affected"):
            text = str(event.get(kind, ""))
            if text == "0":
                beginning.append((None, kind))
            elif text and (version := _version(text, ecosystem)) is not None:
                found.append((version, kind))
    return [*beginning, *sorted(found, key=lambda pair: pair[0])]


def _fixed_version(ranges: list[Record], package: ScannedPackage) -> str:
    version = _version(package.version, package.ecosystem)
    fixes = {str(e["fixed"]) for r in ranges for e in r.get("events") or () if e.get("fixed")}
    later = [(at, text) for text in fixes if (at := _version(text, package.ecosystem)) is not None and at > version]
    return min(later, key=lambda pair: pair[0])[1] if later else ""


def severity(record: Record) -> Severity:
    """The database's rating, else the highest CVSS score; malicious packages are critical, unrated ones medium."""
    if str(record.get("id", "")).startswith("MAL-"):
        return Severity.CRITICAL
    word = str((record.get("database_specific") or {}).get("severity", "")).lower()
    if word in NAMES:
        return NAMES[word]
    scores = [score for entry in record.get("severity") or () if (score := _score(entry)) is not None]
    if not scores:
        return Severity.MEDIUM
    top = max(scores)
    return (
        Severity.CRITICAL if top >= 9 else Severity.HIGH if top >= 7 else Severity.MEDIUM if top >= 4 else Severity.LOW
    )


def _score(entry: Record) -> float | None:
    import cvss

    kinds = {"CVSS_V2": cvss.CVSS2, "CVSS_V3": cvss.CVSS3, "CVSS_V4": cvss.CVSS4}
    kind = kinds.get(str(entry.get("type")))
    if kind is None:
        return None
    try:
        return float(kind(str(entry.get("score"))).base_score)
    except cvss.CVSSError:
        return None


def finding(record: Record, package: ScannedPackage, fixed: str) -> KnownVulnerability:
    """The report's line about it."""
    names = [str(record.get("id", "?")), *(str(a) for a in record.get("aliases") or ())]
    cve = next((name for name in names if name.startswith("CVE-")), names[0])
    summary = " ".join(str(record.get("summary") or record.get("details") or "").split())
    short = summary if len(summary) <= _MAX_SUMMARY_CHARS else summary[: _MAX_SUMMARY_CHARS - 1] + "…"
    remedy = f"; fixed in {fixed}" if fixed else "; no fixed version is known"
    about = f": {short}" if short else ""
    place = f" ({package.file})" if package.file else ""
    text = f"{package.name} {package.version}{place} has {cve}{about}{remedy}"
    return KnownVulnerability(severity(record), text, package, cve, fixed)
