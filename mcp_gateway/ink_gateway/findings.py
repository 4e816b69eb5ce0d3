"""What a build found in its source, in a few lines. Pure. Names in it are the repository's own: clean before use."""

from collections.abc import Iterator

from ink_api.inkservice import ScanStatus, Vulnerability

SHOWN = 3
SEVERITIES = ("critical", "high", "medium", "low")


def findings_of(scan: ScanStatus | None) -> list[str] | None:
    """Numbers, then the worst of each kind; None when nobody looked."""
    return list(_lines(scan)) if scan is not None else None


def _lines(scan: ScanStatus) -> Iterator[str]:
    secrets, worst = (scan.secrets or [])[:SHOWN], (scan.worst or [])[:SHOWN]
    yield _headline(scan)
    for secret in secrets:
        yield f"committed secret: {secret.kind} in {secret.place}: take it out, and revoke it: the history keeps it"
    yield from map(_vulnerability, worst)
    hidden = (scan.more or 0) + len((scan.secrets or [])[SHOWN:]) + len((scan.worst or [])[SHOWN:])
    if hidden:
        yield f"and {hidden} more, in the build log"
    if scan.unchecked:
        yield f"dependencies were not checked: {scan.unchecked}"


def _headline(scan: ScanStatus) -> str:
    counts = scan.vulnerabilities
    numbers = {name: getattr(counts, name) or 0 for name in SEVERITIES} if counts is not None else {}
    parts = []
    if scan.secrets_found:
        parts.append(_count(scan.secrets_found, "committed secret", "committed secrets"))
    if total := sum(numbers.values()):
        by = ", ".join(f"{number} {name}" for name, number in numbers.items() if number)
        parts.append(f"{_count(total, 'known vulnerability', 'known vulnerabilities')} in dependencies ({by})")
    return " and ".join(parts) or "nothing found"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _vulnerability(found: Vulnerability) -> str:
    way_out = f"fixed in {found.fixed_version}" if found.fixed_version else "no fixed version is known"
    return f"{found.severity}: {found.package} {found.version} has {found.advisory}; {way_out}"
