"""The scan as a whole: what is found, what of it ends the build, in a few lines."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ink_api.reasons import Reason

from ink_builder.errors import BuildError, infrastructure
from ink_builder.planner.files import Files
from ink_builder.scan.model import NAMES, Finding, Severity
from ink_builder.settings import Scan

SHOWN = 10
MAX_LOCK_BYTES = 32 * 1024 * 1024
_SUMMARY_SHOWN = 3


@dataclass(frozen=True)
class Report:
    """What was found, the worst first. `notes` are what could not be looked at."""

    secrets: tuple[Finding, ...] = ()
    weaknesses: tuple[Finding, ...] = ()
    packages: int = 0
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """For the log."""
        if not (self.secrets or self.weaknesses):
            return [*self.notes, f"scan: nothing found ({self.packages} pinned dependencies)"]
        shown = [f"scan: {finding.severity.name.lower()}: {finding.text}" for finding in self._worst()[:SHOWN]]
        return [*self.notes, f"scan: {self.headline()}", *shown]

    def headline(self) -> str:
        """The numbers."""
        parts = []
        if self.secrets:
            parts.append(_count(len(self.secrets), "committed secret", "committed secrets"))
        if self.weaknesses:
            counts = Counter(finding.severity for finding in self.weaknesses)
            by = ", ".join(f"{counts[severity]} {severity.name.lower()}" for severity in sorted(counts, reverse=True))
            number = _count(len(self.weaknesses), "known vulnerability", "known vulnerabilities")
            parts.append(f"{number} in dependencies ({by})")
        return " and ".join(parts)

    def summary(self) -> dict[str, Any]:
        """For the verdict of a build that worked."""
        return {
            "secrets": len(self.secrets),
            "vulnerabilities": {
                severity.name.lower(): number
                for severity in sorted(Severity, reverse=True)
                if (number := sum(finding.severity == severity for finding in self.weaknesses))
            },
            "top": [finding.text[:200] for finding in self._worst()[:_SUMMARY_SHOWN]],
        }

    def _worst(self) -> list[Finding]:
        return sorted([*self.secrets, *self.weaknesses], key=lambda finding: -finding.severity)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def scan(root: Path, files: Files, settings: Scan) -> Report:
    """Look at the source; blocks. Raises BuildError (infrastructure) when a build may not go on without data."""
    from ink_builder.scan import lockfiles, secrets

    committed = tuple(secrets.find(root, files)) if settings.secrets != "off" else ()
    if settings.vulnerabilities == "off":
        return Report(committed)
    packages = lockfiles.read(files.paths, lambda path: secrets.text(root, path, MAX_LOCK_BYTES))
    weaknesses, notes = _weaknesses(packages, settings)
    return Report(committed, weaknesses, len(packages), notes)


def _weaknesses(packages: Sequence[Any], settings: Scan) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    from ink_builder.scan import osv, source

    found: dict[tuple[str, str, str], Finding] = {}
    try:
        for package, record in source.records(settings.osv_source or "", packages):
            hit, mended = osv.affects(record, package)
            if hit:
                found[package.name, package.version, str(record.get("id"))] = osv.finding(record, package, mended)
    except source.Unavailable as error:
        if settings.vulnerabilities == "block":
            raise infrastructure(f"dependencies could not be checked, and the platform wants it: {error}") from error
        return tuple(found.values()), (f"scan: dependencies were not checked: {error}",)
    return tuple(found.values()), ()


def enforce(report: Report, settings: Scan) -> None:
    """Raises BuildError (ScanBlocked) for what the policy does not let pass."""
    limit = NAMES.get(settings.severity, Severity.HIGH)
    stopped = [f for f in report.secrets if settings.secrets == "block" and f.severity >= Severity.HIGH]
    stopped += [f for f in report.weaknesses if settings.vulnerabilities == "block" and f.severity >= limit]
    if not stopped:
        return
    first = max(stopped, key=lambda finding: finding.severity)
    more = f" (and {len(stopped) - 1} more)" if len(stopped) > 1 else ""
    advice = (
        " A committed secret stays in the history: revoke it as well." if first.text.startswith("committed") else ""
    )
    raise BuildError(
        Reason.SCAN_BLOCKED,
        f"the platform's policy stops this build: {first.text}{more}.{advice}",
        lines=[f"{finding.severity.name.lower()}: {finding.text}" for finding in stopped[:20]],
    )
