"""Errors that a caller can act on: a reason, what was seen, and a remedy."""


class GatewayError(Exception):
    """An expected error. `str(error)` is the full text shown to the agent or person; it never contains a secret."""

    def __init__(self, reason: str, seen: str, remedy: str) -> None:
        super().__init__(f"{reason}: {seen} {remedy}".strip())
        self.reason, self.seen, self.remedy = reason, seen, remedy


class InvalidArgument(GatewayError):
    """An invalid argument."""

    def __init__(self, parameter: str, seen: str, remedy: str) -> None:
        super().__init__("InvalidArgument", f"{parameter}: {seen}", remedy)


class NotFound(GatewayError):
    """The caller's workspace has nothing of that name."""


class Denied(GatewayError):
    """The caller's key may not do this."""


class PartUnavailable(GatewayError):
    """A part of the platform does not answer; the same call may work later."""

    def __init__(self, part: str, seen: str) -> None:
        super().__init__("Unavailable", f"{part} does not answer ({seen}).", "Retry the same call in a moment.")
        self.part = part


class WriteConflict(GatewayError):
    """The object was changed concurrently."""


class WriteRefused(GatewayError):
    """The API server refused the object: a rule of the schema, a quota or an admission policy."""
