"""What a scan finds."""

from dataclasses import dataclass, field
from enum import IntEnum


class Severity(IntEnum):
    """How bad it is; UNKNOWN counts as medium where a limit is compared."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


NAMES = {"low": Severity.LOW, "medium": Severity.MEDIUM, "moderate": Severity.MEDIUM, "high": Severity.HIGH}
NAMES["critical"] = Severity.CRITICAL


@dataclass(frozen=True)
class Package:
    """One dependency as a lock file pins it; `ecosystem` is OSV's name."""

    ecosystem: str
    name: str
    version: str
    file: str = field(default="", compare=False)


@dataclass(frozen=True)
class Finding:
    """One line of the report; it never holds a secret."""

    severity: Severity
    text: str


@dataclass(frozen=True)
class CommittedSecret(Finding):
    """Something in a file that looks like a secret."""

    file: str
    line: int
    kind: str


@dataclass(frozen=True)
class Weakness(Finding):
    """A dependency with a known vulnerability; `fixed` is empty when no version without it is known."""

    package: Package
    advisory: str
    fixed: str
