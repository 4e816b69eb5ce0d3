"""What is known of an image's packages, and whether it may go live with them. Blocks while records are looked up."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ink_api.reasons import Reason

from ink_builder.errors import BuildError
from ink_builder.scan import report as reports
from ink_builder.scan.model import NAMES, Severity, Weakness
from ink_builder.scan.report import LISTED, REASON_CHARS, SHOWN, by_severity, count, counted, cut
from ink_builder.scan.sbom import Contents
from ink_builder.settings import Scan

_KINDS_SHOWN = 3


@dataclass(frozen=True)
class ImageReport:
    """`weaknesses` None: packages were counted alone. `unchecked` says what could not be looked at, and why."""

    total: int
    weaknesses: tuple[Weakness, ...] | None = None
    unchecked: str = ""

    @property
    def vulnerable(self) -> int:
        """Packages with at least one known vulnerability."""
        return len({weakness.package for weakness in self.weaknesses or ()})

    def lines(self) -> list[str]:
        """For the log."""
        head = f"image: {count(self.total, 'package', 'packages')}"
        if self.weaknesses:
            by = ", ".join(f"{number} {severity}" for severity, number in counted(self.weaknesses).items())
            number = count(len(self.weaknesses), "known vulnerability", "known vulnerabilities")
            head += f", {self.vulnerable} of them with {number} ({by})"
        elif self.weaknesses is not None and not self.unchecked:
            head += ", none with a known vulnerability"
        shown = [f"image: {w.severity.name.lower()}: {w.text}" for w in by_severity(self.weaknesses)[:SHOWN]]
        notes = [f"image: not all packages were checked: {self.unchecked}"] if self.unchecked else []
        return [head, *notes, *shown]

    def summary(self, tidy: Callable[[str], str] = str) -> dict[str, Any]:
        """For the verdict, as `status.build.scan.image` shows it. `tidy` makes an image's own words harmless."""
        found: dict[str, Any] = {"packages": self.total}
        if self.weaknesses or (self.weaknesses is not None and not self.unchecked):
            found |= {"vulnerablePackages": self.vulnerable, "vulnerabilities": counted(self.weaknesses)}
        worst = by_severity(self.weaknesses)
        optional = {
            "worst": [reports.weakness_words(w, tidy) for w in worst[:LISTED]],
            "more": len(worst[LISTED:]),
            "unchecked": cut(tidy(self.unchecked), REASON_CHARS),
        }
        return found | {name: value for name, value in optional.items() if value}


def look(contents: Contents, settings: Scan) -> ImageReport:
    """Compare the packages with OSV's records. Raises BuildError (infrastructure) where the policy needs them."""
    if settings.image == "off":
        return ImageReport(contents.total)
    data = settings.osv_source or ""
    found, unchecked = reports.weaknesses_of(contents.packages, data, "the image's packages", settings.image)
    if not unchecked and contents.others:
        kinds = ", ".join(contents.others[:_KINDS_SHOWN])
        unchecked = f"those of these kinds are compared with nothing: {kinds}"
    return ImageReport(contents.total, found, unchecked)


def enforce(report: ImageReport, settings: Scan) -> None:
    """Raises BuildError (ScanBlocked) for what the policy does not let go live."""
    limit = NAMES.get(settings.severity, Severity.HIGH)
    stopped = by_severity([w for w in report.weaknesses or () if w.severity >= limit])
    if settings.image != "block" or not stopped:
        return
    more = f" (and {len(stopped) - 1} more)" if len(stopped) > 1 else ""
    raise BuildError(
        Reason.SCAN_BLOCKED,
        f"the platform's policy stops this image, which was not pushed: {stopped[0].text}{more}."
        " What a base image brings along is mended by a newer base image.",
        lines=[f"{weakness.severity.name.lower()}: {weakness.text}" for weakness in stopped[:20]],
    )
