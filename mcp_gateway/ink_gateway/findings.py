"""What a build found in its source and its image, in a few lines. Pure.

The lines contain names from the repository, which are untrusted: clean them before use.
"""

from collections.abc import Iterator

from ink_api.inkservice import ImageScanStatus, ScanStatus, Vulnerability, VulnerabilityCounts

SHOWN = 3
SEVERITIES = ("critical", "high", "medium", "low")


def findings_of(scan: ScanStatus | None) -> list[str] | None:
    """Counts, then the worst of each kind; None if nothing was scanned."""
    return list(_lines(scan)) if scan is not None else None


def _lines(scan: ScanStatus) -> Iterator[str]:
    secrets, worst = (scan.secrets or [])[:SHOWN], (scan.worst or [])[:SHOWN]
    image = scan.image
    looked_at_source = scan.model_copy(update={"image": None}) != ScanStatus()
    if looked_at_source or image is None:
        yield _headline(scan)
    for secret in secrets:
        yield f"committed secret: {secret.kind} in {secret.place}: remove and revoke it, the git history still has it"
    yield from map(_vulnerability, worst)
    hidden = (scan.more or 0) + len((scan.secrets or [])[SHOWN:]) + len((scan.worst or [])[SHOWN:])
    if hidden:
        yield f"and {hidden} more, in the build log"
    if scan.unchecked:
        yield f"dependencies were not checked: {scan.unchecked}"
    if image is not None:
        yield from _image(image)


def _headline(scan: ScanStatus) -> str:
    total, by = _numbers(scan.vulnerabilities)
    parts = []
    if scan.secrets_found:
        parts.append(_count(scan.secrets_found, "committed secret", "committed secrets"))
    if total:
        parts.append(f"{_count(total, 'known vulnerability', 'known vulnerabilities')} in dependencies ({by})")
    return " and ".join(parts) or "nothing found"


def _image(image: ImageScanStatus) -> Iterator[str]:
    """Packages of the base image and those that were installed."""
    total, by = _numbers(image.vulnerabilities)
    head, worst = f"image: {_count(image.packages, 'package', 'packages')}", (image.worst or [])[:SHOWN]
    if total:
        known = _count(total, "known vulnerability", "known vulnerabilities")
        head += f", {image.vulnerable_packages or 0} of them with {known} ({by})"
    elif image.vulnerabilities is not None:
        head += ", none with a known vulnerability"
    yield head
    yield from (f"image: {_vulnerability(found)}" for found in worst)
    if hidden := (image.more or 0) + len((image.worst or [])[SHOWN:]):
        yield f"and {hidden} more in the image, in the build log"
    if image.unchecked:
        yield f"image: not all packages were checked: {image.unchecked}"


def _numbers(counts: VulnerabilityCounts | None) -> tuple[int, str]:
    """The total, and a text with the counts by severity."""
    numbers = {name: getattr(counts, name) or 0 for name in SEVERITIES} if counts is not None else {}
    return sum(numbers.values()), ", ".join(f"{number} {name}" for name, number in numbers.items() if number)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _vulnerability(found: Vulnerability) -> str:
    fix = f"fixed in {found.fixed_version}" if found.fixed_version else "no fixed version is available"
    return f"{found.severity}: {found.package} {found.version} has {found.advisory}; {fix}"
