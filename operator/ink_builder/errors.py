"""The one failure type of a build."""

from collections.abc import Sequence

from ink_api.reasons import Reason


class BuildError(Exception):
    """A build that ended without an image.

    `reason` becomes the condition's reason and str(error) its message; `lines` are the lines of the log that show why.
    `infrastructure` says that the same build may succeed later and that nothing in the repository is to blame.
    """

    def __init__(
        self, reason: Reason, message: str, *, lines: Sequence[str] = (), infrastructure: bool = False
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.lines = tuple(lines)
        self.infrastructure = infrastructure


def infrastructure(message: str, lines: Sequence[str] = ()) -> BuildError:
    """A failure of the platform: the operator tries the build again."""
    return BuildError(Reason.BUILD_INFRASTRUCTURE, message, lines=lines, infrastructure=True)
