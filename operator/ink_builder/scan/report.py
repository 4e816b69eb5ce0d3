"""The scan of the source: its findings, in the log and in the verdict, and those that fail the build."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ink_api.reasons import Reason
from ink_planner.model.files import Files

from ink_builder.errors import BuildError, infrastructure
from ink_builder.scan.model import NAMES, KnownVulnerability, ScanFinding, SecretFinding, Severity
from ink_builder.settings import Scan

SHOWN = 10
MAX_LOCK_BYTES = 32 * 1024 * 1024
LISTED = 5
"""Findings of each kind that the summary lists; the rest is counted."""
NAME_CHARS, PLACE_CHARS, REASON_CHARS = 80, 160, 200
Found = TypeVar("Found", bound=ScanFinding)


@dataclass(frozen=True)
class Report:
    """What was found; None: not scanned. `unchecked` says why dependencies could not be checked."""

    secrets: tuple[SecretFinding, ...] | None = None
    vulnerabilities: tuple[KnownVulnerability, ...] | None = None
    packages: int = 0
    unchecked: str = ""

    @property
    def notes(self) -> list[str]:
        """What could not be checked."""
        return [f"scan: dependencies were not checked: {self.unchecked}"] if self.unchecked else []

    def lines(self) -> list[str]:
        """The lines for the log."""
        if not (self.secrets or self.vulnerabilities):
            return [*self.notes, f"scan: nothing found ({self.packages} pinned dependencies)"]
        shown = [f"scan: {finding.severity.name.lower()}: {finding.text}" for finding in self._worst()[:SHOWN]]
        return [*self.notes, f"scan: {self.headline()}", *shown]

    def headline(self) -> str:
        """The numbers, in one line."""
        parts = []
        if self.secrets:
            parts.append(count(len(self.secrets), "committed secret", "committed secrets"))
        if self.vulnerabilities:
            by = ", ".join(f"{number} {severity}" for severity, number in counted(self.vulnerabilities).items())
            number = count(len(self.vulnerabilities), "known vulnerability", "known vulnerabilities")
            parts.append(f"{number} in dependencies ({by})")
        return " and ".join(parts)

    def summary(self, tidy: Callable[[str], str] = str) -> dict[str, Any]:
        """For the verdict, as `status.build.scan` shows it. `tidy` cleans text that comes from the repository."""
        secrets, vulnerabilities = by_severity(self.secrets), by_severity(self.vulnerabilities)
        listed = [*secrets[:LISTED], *vulnerabilities[:LISTED]]
        found: dict[str, Any] = {}
        if self.secrets is not None:
            found |= {"secretsFound": len(secrets), "secrets": [_secret(s, tidy) for s in secrets[:LISTED]]}
        if self.unchecked:
            found["unchecked"] = cut(tidy(self.unchecked), REASON_CHARS)
        if vulnerabilities or (self.vulnerabilities is not None and not self.unchecked):
            found["vulnerabilities"] = counted(vulnerabilities)
        found["worst"] = [vulnerability_summary(w, tidy) for w in vulnerabilities[:LISTED]]
        found["more"] = len(secrets) + len(vulnerabilities) - len(listed)
        return {name: value for name, value in found.items() if value or name in {"secretsFound", "vulnerabilities"}}

    def _worst(self) -> list[ScanFinding]:
        return by_severity([*(self.secrets or ()), *(self.vulnerabilities or ())])


def by_severity(findings: Sequence[Found] | None) -> list[Found]:
    """The worst first."""
    return sorted(findings or (), key=lambda finding: -finding.severity)


def counted(vulnerabilities: Sequence[KnownVulnerability]) -> dict[str, int]:
    """Severity -> how many, the worst first."""
    counts = Counter(vulnerability.severity for vulnerability in vulnerabilities)
    return {severity.name.lower(): counts[severity] for severity in sorted(counts, reverse=True)}


def _secret(secret: SecretFinding, tidy: Callable[[str], str]) -> dict[str, str]:
    line = f":{secret.line}"
    return {"place": cut(tidy(secret.file), PLACE_CHARS - len(line)) + line, "kind": cut(secret.kind, NAME_CHARS)}


def vulnerability_summary(vulnerability: KnownVulnerability, tidy: Callable[[str], str]) -> dict[str, str]:
    package = vulnerability.package
    words = {
        "package": package.name,
        "version": package.version,
        "advisory": vulnerability.advisory,
        "fixedVersion": vulnerability.fixed,
    }
    short = {name: cut(tidy(word), NAME_CHARS) for name, word in words.items() if word}
    return {"severity": vulnerability.severity.name.lower(), **short}


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def scan(root: Path, files: Files, settings: Scan) -> Report:
    """Scan the source; blocks. Raises BuildError when the policy requires data that is not available."""
    from ink_builder.scan import lockfiles, secrets

    committed = tuple(secrets.find(root, files)) if settings.secrets != "off" else None
    if settings.vulnerabilities == "off":
        return Report(committed)
    packages = lockfiles.read(files.paths, lambda path: secrets.text(root, path, MAX_LOCK_BYTES))
    found, unchecked = vulnerabilities_of(packages, settings.osv_source or "", "dependencies", settings.vulnerabilities)
    return Report(committed, found, len(packages), unchecked)


def vulnerabilities_of(
    packages: Sequence[Any], data: str, what: str, policy: str
) -> tuple[tuple[KnownVulnerability, ...], str]:
    """The known vulnerabilities, and why the list may be incomplete. `what` names the packages in messages."""
    from ink_builder.scan import osv, source

    found: dict[tuple[str, str, str], KnownVulnerability] = {}
    try:
        for package, record in source.records(data, packages):
            hit, fixed = osv.affects(record, package)
            if hit:
                found[package.name, package.version, str(record.get("id"))] = osv.finding(record, package, fixed)
    except source.OsvUnavailable as error:
        if policy == "block":
            raise infrastructure(
                f"{what} could not be checked, which the platform's policy requires: {error}"
            ) from error
        return tuple(found.values()), str(error)
    return tuple(found.values()), ""


def enforce(report: Report, settings: Scan) -> None:
    """Raises BuildError (ScanBlocked) for findings that the policy blocks."""
    limit = NAMES.get(settings.severity, Severity.HIGH)
    stopped: list[ScanFinding] = []
    if settings.secrets == "block":
        stopped += [f for f in report.secrets or () if f.severity >= Severity.HIGH]
    if settings.vulnerabilities == "block":
        stopped += [f for f in report.vulnerabilities or () if f.severity >= limit]
    if not stopped:
        return
    first = max(stopped, key=lambda finding: finding.severity)
    more = f" (and {len(stopped) - 1} more)" if len(stopped) > 1 else ""
    advice = (
        " Revoke committed secrets as well: they stay in the history." if first.text.startswith("committed") else ""
    )
    raise BuildError(
        Reason.SCAN_BLOCKED,
        f"the platform's policy blocks this build: {first.text}{more}.{advice}",
        lines=[f"{finding.severity.name.lower()}: {finding.text}" for finding in stopped[:20]],
    )
