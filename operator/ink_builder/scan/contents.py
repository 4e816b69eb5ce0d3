"""What is known of an image's packages, and whether it may go live with them. Blocks while records are looked up."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ink_api.reasons import Reason

from ink_builder.errors import BuildError
from ink_builder.scan import report as reports
from ink_builder.scan.model import NAMES, KnownVulnerability, Severity
from ink_builder.scan.report import LISTED, REASON_CHARS, SHOWN, by_severity, count, counted, cut
from ink_builder.scan.sbom import ImagePackages
from ink_builder.settings import Scan

_KINDS_SHOWN = 3


@dataclass(frozen=True)
class ImageReport:
    """`vulnerabilities` None: packages were only counted. `unchecked` says what could not be checked, and why."""

    total: int
    vulnerabilities: tuple[KnownVulnerability, ...] | None = None
    unchecked: str = ""

    @property
    def vulnerable(self) -> int:
        """Packages with at least one known vulnerability."""
        return len({vulnerability.package for vulnerability in self.vulnerabilities or ()})

    def lines(self) -> list[str]:
        """The lines for the log."""
        head = f"image: {count(self.total, 'package', 'packages')}"
        if self.vulnerabilities:
            by = ", ".join(f"{number} {severity}" for severity, number in counted(self.vulnerabilities).items())
            number = count(len(self.vulnerabilities), "known vulnerability", "known vulnerabilities")
            head += f", {self.vulnerable} of them with {number} ({by})"
        elif self.vulnerabilities is not None and not self.unchecked:
            head += ", none with a known vulnerability"
        shown = [f"image: {w.severity.name.lower()}: {w.text}" for w in by_severity(self.vulnerabilities)[:SHOWN]]
        notes = [f"image: not all packages were checked: {self.unchecked}"] if self.unchecked else []
        return [head, *notes, *shown]

    def summary(self, tidy: Callable[[str], str] = str) -> dict[str, Any]:
        """For the verdict, as `status.build.scan.image` shows it. `tidy` cleans text that comes from the image."""
        found: dict[str, Any] = {"packages": self.total}
        if self.vulnerabilities or (self.vulnerabilities is not None and not self.unchecked):
            found |= {"vulnerablePackages": self.vulnerable, "vulnerabilities": counted(self.vulnerabilities)}
        worst = by_severity(self.vulnerabilities)
        optional = {
            "worst": [reports.vulnerability_summary(w, tidy) for w in worst[:LISTED]],
            "more": len(worst[LISTED:]),
            "unchecked": cut(tidy(self.unchecked), REASON_CHARS),
        }
        return found | {name: value for name, value in optional.items() if value}


def compare(contents: ImagePackages, settings: Scan) -> ImageReport:
    """Compare the packages with OSV's records. Raises BuildError when the policy requires them and has none."""
    if settings.image == "off":
        return ImageReport(contents.total)
    data = settings.osv_source or ""
    found, unchecked = reports.vulnerabilities_of(contents.packages, data, "the image's packages", settings.image)
    if not unchecked and contents.others:
        kinds = ", ".join(contents.others[:_KINDS_SHOWN])
        unchecked = f"there is no vulnerability data for packages of these kinds: {kinds}"
    return ImageReport(contents.total, found, unchecked)


def enforce(report: ImageReport, settings: Scan) -> None:
    """Raises BuildError (ScanBlocked) for vulnerabilities that the policy blocks."""
    limit = NAMES.get(settings.severity, Severity.HIGH)
    stopped = by_severity([w for w in report.vulnerabilities or () if w.severity >= limit])
    if settings.image != "block" or not stopped:
        return
    more = f" (and {len(stopped) - 1} more)" if len(stopped) > 1 else ""
    raise BuildError(
        Reason.SCAN_BLOCKED,
        f"the platform's policy blocks this image, which was not pushed: {stopped[0].text}{more}."
        " To fix packages of the base image, use a newer base image.",
        lines=[f"{vulnerability.severity.name.lower()}: {vulnerability.text}" for vulnerability in stopped[:20]],
    )
