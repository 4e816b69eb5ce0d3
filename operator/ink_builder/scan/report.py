"""The scan as a whole: what is found, what of it ends the build, in a few lines."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ink_api.reasons import Reason
from ink_planner.model.files import Files

from ink_builder.errors import BuildError, infrastructure
from ink_builder.scan.model import NAMES, CommittedSecret, Finding, Severity, Weakness
from ink_builder.settings import Scan

SHOWN = 10
MAX_LOCK_BYTES = 32 * 1024 * 1024
LISTED = 5
"""Findings of each kind in the summary; the rest is a number."""
NAME_CHARS, PLACE_CHARS, REASON_CHARS = 80, 160, 200
Found = TypeVar("Found", bound=Finding)


@dataclass(frozen=True)
class Report:
    """What was found; None: nobody looked. `unchecked` says why dependencies could not be looked at."""

    secrets: tuple[CommittedSecret, ...] | None = None
    weaknesses: tuple[Weakness, ...] | None = None
    packages: int = 0
    unchecked: str = ""

    @property
    def notes(self) -> list[str]:
        """What could not be looked at."""
        return [f"scan: dependencies were not checked: {self.unchecked}"] if self.unchecked else []

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
            parts.append(count(len(self.secrets), "committed secret", "committed secrets"))
        if self.weaknesses:
            by = ", ".join(f"{number} {severity}" for severity, number in counted(self.weaknesses).items())
            number = count(len(self.weaknesses), "known vulnerability", "known vulnerabilities")
            parts.append(f"{number} in dependencies ({by})")
        return " and ".join(parts)

    def summary(self, tidy: Callable[[str], str] = str) -> dict[str, Any]:
        """For the verdict, as `status.build.scan` shows it. `tidy` makes a repository's own words harmless."""
        secrets, weaknesses = by_severity(self.secrets), by_severity(self.weaknesses)
        listed = [*secrets[:LISTED], *weaknesses[:LISTED]]
        found: dict[str, Any] = {}
        if self.secrets is not None:
            found |= {"secretsFound": len(secrets), "secrets": [_secret(s, tidy) for s in secrets[:LISTED]]}
        if self.unchecked:
            found["unchecked"] = cut(tidy(self.unchecked), REASON_CHARS)
        if weaknesses or (self.weaknesses is not None and not self.unchecked):
            found["vulnerabilities"] = counted(weaknesses)
        found["worst"] = [weakness_words(w, tidy) for w in weaknesses[:LISTED]]
        found["more"] = len(secrets) + len(weaknesses) - len(listed)
        return {name: value for name, value in found.items() if value or name in {"secretsFound", "vulnerabilities"}}

    def _worst(self) -> list[Finding]:
        return by_severity([*(self.secrets or ()), *(self.weaknesses or ())])


def by_severity(findings: Sequence[Found] | None) -> list[Found]:
    return sorted(findings or (), key=lambda finding: -finding.severity)


def counted(weaknesses: Sequence[Weakness]) -> dict[str, int]:
    """Severity -> how many, the worst first."""
    counts = Counter(weakness.severity for weakness in weaknesses)
    return {severity.name.lower(): counts[severity] for severity in sorted(counts, reverse=True)}


def _secret(secret: CommittedSecret, tidy: Callable[[str], str]) -> dict[str, str]:
    line = f":{secret.line}"
    return {"place": cut(tidy(secret.file), PLACE_CHARS - len(line)) + line, "kind": cut(secret.kind, NAME_CHARS)}


def weakness_words(weakness: Weakness, tidy: Callable[[str], str]) -> dict[str, str]:
    package = weakness.package
    words = {
        "package": package.name,
        "version": package.version,
        "advisory": weakness.advisory,
        "fixedVersion": weakness.fixed,
    }
    short = {name: cut(tidy(word), NAME_CHARS) for name, word in words.items() if word}
    return {"severity": weakness.severity.name.lower(), **short}


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def scan(root: Path, files: Files, settings: Scan) -> Report:
    """Look at the source; blocks. Raises BuildError (infrastructure) when a build may not go on without data."""
    from ink_builder.scan import lockfiles, secrets

    committed = tuple(secrets.find(root, files)) if settings.secrets != "off" else None
    if settings.vulnerabilities == "off":
        return Report(committed)
    packages = lockfiles.read(files.paths, lambda path: secrets.text(root, path, MAX_LOCK_BYTES))
    found, unchecked = weaknesses_of(packages, settings.osv_source or "", "dependencies", settings.vulnerabilities)
    return Report(committed, found, len(packages), unchecked)


def weaknesses_of(packages: Sequence[Any], data: str, what: str, policy: str) -> tuple[tuple[Weakness, ...], str]:
    """What is known of the packages; and why that is not all of it. `what` they are goes into messages."""
    from ink_builder.scan import osv, source

    found: dict[tuple[str, str, str], Weakness] = {}
    try:
        for package, record in source.records(data, packages):
            hit, mended = osv.affects(record, package)
            if hit:
                found[package.name, package.version, str(record.get("id"))] = osv.finding(record, package, mended)
    except source.Unavailable as error:
        if policy == "block":
            raise infrastructure(f"{what} could not be checked, and the platform wants it: {error}") from error
        return tuple(found.values()), str(error)
    return tuple(found.values()), ""


def enforce(report: Report, settings: Scan) -> None:
    """Raises BuildError (ScanBlocked) for what the policy does not let pass."""
    limit = NAMES.get(settings.severity, Severity.HIGH)
    stopped: list[Finding] = []
    if settings.secrets == "block":
        stopped += [f for f in report.secrets or () if f.severity >= Severity.HIGH]
    if settings.vulnerabilities == "block":
        stopped += [f for f in report.weaknesses or () if f.severity >= limit]
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
