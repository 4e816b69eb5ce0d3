"""What can be wrong with a source. Each failure has a reason of the API, and a message that a person can act on."""

from ink_api.reasons import Reason


class SourceError(Exception):
    """A source without a usable commit. `reason` becomes the condition's reason, str(error) its message."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def refused(message: str) -> SourceError:
    """An address that Ink does not connect to."""
    return SourceError(Reason.SOURCE_REFUSED, message)


def unreachable(message: str) -> SourceError:
    """A server that does not answer like a git server; it may do so later."""
    return SourceError(Reason.SOURCE_UNREACHABLE, message)
