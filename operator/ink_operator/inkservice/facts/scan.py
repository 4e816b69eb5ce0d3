"""Pure: the scan results in a build's verdict. Their text may come from the repository, so it is not trusted."""

from typing import Any

from ink_api.inkservice import CommittedSecret, ImageScanStatus, ScanStatus, Vulnerability, VulnerabilityCounts
from pydantic import ValidationError

LISTED = 5
MAX_COUNT = 1_000_000
WORD_CHARS, PLACE_CHARS, SENTENCE_CHARS = 80, 160, 200


def parse_scan(data: Any) -> ScanStatus | None:
    """The findings, bounded and printable; None if there are none or they are malformed."""
    if not isinstance(data, dict):
        return None
    try:
        reported = ScanStatus.model_validate(data)
    except ValidationError:
        return None
    counts = reported.vulnerabilities
    worst, secrets = reported.worst or [], reported.secrets or []
    hidden = len(worst[LISTED:]) + len(secrets[LISTED:])
    more = _bounded((reported.more or 0) + hidden)
    return ScanStatus(
        vulnerabilities=_counts(counts) if counts is not None else None,
        worst=[_vulnerability(w) for w in worst[:LISTED]] or None,
        secrets_found=_bounded(reported.secrets_found),
        secrets=[_secret(s) for s in secrets[:LISTED]] or None,
        more=more or None,
        unchecked=_plain(reported.unchecked, SENTENCE_CHARS) if reported.unchecked else None,
        image=_image(reported.image) if reported.image is not None else None,
    )


def _image(reported: ImageScanStatus) -> ImageScanStatus:
    worst = reported.worst or []
    return ImageScanStatus(
        packages=min(reported.packages, MAX_COUNT),
        vulnerable_packages=_bounded(reported.vulnerable_packages),
        vulnerabilities=_counts(reported.vulnerabilities) if reported.vulnerabilities is not None else None,
        worst=[_vulnerability(w) for w in worst[:LISTED]] or None,
        more=_bounded((reported.more or 0) + len(worst[LISTED:])) or None,
        unchecked=_plain(reported.unchecked, SENTENCE_CHARS) if reported.unchecked else None,
    )


def scan_wire(scan: ScanStatus | None) -> dict[str, Any]:
    """The same in the builder's format, as a part of its verdict."""
    return {"scan": scan.to_wire()} if scan is not None else {}


def _counts(counts: VulnerabilityCounts) -> VulnerabilityCounts:
    return VulnerabilityCounts(
        critical=_bounded(counts.critical),
        high=_bounded(counts.high),
        medium=_bounded(counts.medium),
        low=_bounded(counts.low),
    )


def _vulnerability(found: Vulnerability) -> Vulnerability:
    return Vulnerability(
        severity=_plain(found.severity, WORD_CHARS),
        package=_plain(found.package, WORD_CHARS),
        version=_plain(found.version, WORD_CHARS),
        advisory=_plain(found.advisory, WORD_CHARS),
        fixed_version=_plain(found.fixed_version, WORD_CHARS) if found.fixed_version else None,
    )


def _secret(found: CommittedSecret) -> CommittedSecret:
    return CommittedSecret(place=_plain(found.place, PLACE_CHARS), kind=_plain(found.kind, WORD_CHARS))


def _bounded(number: int | None) -> int | None:
    return min(number, MAX_COUNT) if number is not None else None


def _plain(text: str, most: int) -> str:
    """Without line feeds, escapes and characters that change the direction of text."""
    text = "".join(c for c in text[: most * 4] if c.isprintable())
    return text if len(text) <= most else text[: most - 1] + "…"
