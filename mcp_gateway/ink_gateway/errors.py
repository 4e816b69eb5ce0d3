"""The failures a caller can act on: a reason, what was seen, and the way out."""


class GatewayError(Exception):
    """A failure Ink foresaw. `str(error)` is the whole text an agent or a person reads; it never holds a secret."""

    def __init__(self, reason: str, seen: str, remedy: str) -> None:
        super().__init__(f"{reason}: {seen} {remedy}".strip())
        self.reason, self.seen, self.remedy = reason, seen, remedy


class InvalidArgument(GatewayError):
    """An argument that cannot be what was meant."""

    def __init__(self, parameter: str, seen: str, remedy: str) -> None:
        super().__init__("InvalidArgument", f"{parameter}: {seen}", remedy)


class NotFound(GatewayError):
    """Nothing of that name in the caller's workspace."""


class Denied(GatewayError):
    """The caller's key may not do this."""


class Unavailable(GatewayError):
    """A part of the platform does not answer; the same call may work later."""

    def __init__(self, part: str, seen: str) -> None:
        super().__init__("Unavailable", f"{part} does not answer ({seen}).", "Try the same call again in a moment.")
        self.part = part


class Conflict(GatewayError):
    """Somebody else changed the same object in the meantime."""


class Refused(GatewayError):
    """The API server refused the object: a rule of the schema, a quota or an admission policy."""
