"""What a scan finds."""

from dataclasses import dataclass, field
from enum import IntEnum


class Severity(IntEnum):
    """How bad it is; what has no rating counts as medium."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


NAMES = {"low": Severity.LOW, "medium": Severity.MEDIUM, "moderate": Severity.MEDIUM, "high": Severity.HIGH}
NAMES["critical"] = Severity.CRITICAL


@dataclass(frozen=True)
class ScannedPackage:
    """A dependency as a lock file pins it, or a package in an image; `ecosystem` is OSV's name."""

    ecosystem: str
    name: str
    version: str
    file: str = field(default="", compare=False)


@dataclass(frozen=True)
class ScanFinding:
    """One line of the report; it never contains a secret."""

    severity: Severity
    text: str


@dataclass(frozen=True)
class SecretFinding(ScanFinding):
    """Something in a file that looks like a secret."""

    file: str
    line: int
    kind: str


@dataclass(frozen=True)
class KnownVulnerability(ScanFinding):
    """A dependency with a known vulnerability; `fixed` is empty when no version without it is known."""

    package: ScannedPackage
    advisory: str
    fixed: str
