"""The exception that ends a build."""

from collections.abc import Mapping, Sequence
from typing import Any

from ink_api.reasons import Reason


class BuildError(Exception):
    """A build that ended without an image.

    `reason` becomes the condition's reason and str(error) its message; `lines` are the lines of the log that show why.
    `infrastructure` says that the repository is not to blame, and that the same build may succeed later.
    `scan` is what the scan of the source had found by then.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        lines: Sequence[str] = (),
        infrastructure: bool = False,
        scan: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.lines = tuple(lines)
        self.infrastructure = infrastructure
        self.scan = scan


def infrastructure(message: str, lines: Sequence[str] = ()) -> BuildError:
    """A failure of the platform: the operator retries the build."""
    return BuildError(Reason.BUILD_INFRASTRUCTURE, message, lines=lines, infrastructure=True)
