"""Pure: what a build found in source and image, out of its verdict. Its words are a repository's: none is trusted."""

from typing import Any

from ink_api.inkservice import CommittedSecret, ImageScanStatus, ScanStatus, Vulnerability, VulnerabilityCounts
from pydantic import ValidationError

LISTED = 5
MOST = 1_000_000
WORD_CHARS, PLACE_CHARS, SENTENCE_CHARS = 80, 160, 200


def parse_scan(data: Any) -> ScanStatus | None:
    """The findings, bounded and printable; None when there are none of that form."""
    if not isinstance(data, dict):
        return None
    try:
        told = ScanStatus.model_validate(data)
    except ValidationError:
        return None
    counts = told.vulnerabilities
    worst, secrets = told.worst or [], told.secrets or []
    hidden = len(worst[LISTED:]) + len(secrets[LISTED:])
    more = _bounded((told.more or 0) + hidden)
    return ScanStatus(
        vulnerabilities=_counts(counts) if counts is not None else None,
        worst=[_vulnerability(w) for w in worst[:LISTED]] or None,
        secrets_found=_bounded(told.secrets_found),
        secrets=[_secret(s) for s in secrets[:LISTED]] or None,
        more=more or None,
        unchecked=_plain(told.unchecked, SENTENCE_CHARS) if told.unchecked else None,
        image=_image(told.image) if told.image is not None else None,
    )


def _image(told: ImageScanStatus) -> ImageScanStatus:
    worst = told.worst or []
    return ImageScanStatus(
        packages=min(told.packages, MOST),
        vulnerable_packages=_bounded(told.vulnerable_packages),
        vulnerabilities=_counts(told.vulnerabilities) if told.vulnerabilities is not None else None,
        worst=[_vulnerability(w) for w in worst[:LISTED]] or None,
        more=_bounded((told.more or 0) + len(worst[LISTED:])) or None,
        unchecked=_plain(told.unchecked, SENTENCE_CHARS) if told.unchecked else None,
    )


def scan_wire(scan: ScanStatus | None) -> dict[str, Any]:
    """The same as the builder would write it, as a part of its verdict."""
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
    return min(number, MOST) if number is not None else None


def _plain(text: str, most: int) -> str:
    """Without line feeds, escapes and what turns the direction of text round."""
    text = "".join(c for c in text[: most * 4] if c.isprintable())
    return text if len(text) <= most else text[: most - 1] + "…"
