"""Expected failures, by what the queue does with them.

InkError
├── Transient        the same call may work later: back off
│   ├── Conflict     somebody else wrote in between (409)
│   ├── Forbidden    the API server refused the operator itself (403); fresh RoleBindings need a moment to be seen
│   └── NotRenewed   this process may not write just now; says nothing about the object
└── Terminal         only a new spec or a person helps
    ├── Rejected     the API server found the object invalid (400, 422)
    └── OverQuota    a ResourceQuota refused it (403)
AlreadyExists and LeaseLost stand beside them: the first is an answer, the second ends the process.
"""

from ink_api.reasons import Reason


class InkError(Exception):
    """`reason` becomes the condition's reason, the text its message. Never holds a secret."""

    reason = Reason.INTERNAL_ERROR

    def __init__(self, message: str, *, reason: Reason | None = None, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class Transient(InkError):
    """The same call may work later (5xx, timeout, no connection)."""


class Conflict(Transient):
    """The object changed since it was read."""


class Forbidden(Transient):
    """The operator lacks a right, perhaps only for the moment."""


class NotRenewed(Transient):
    """The lease is not renewed yet: nobody refused anything, the write was not even tried."""


class Terminal(InkError):
    """Only a new spec or a person helps."""


class Rejected(Terminal):
    """The API server refuses the object as it is."""

    reason = Reason.INVALID_SPEC


class OverQuota(Terminal):
    """A quota of the namespace is used up."""

    reason = Reason.QUOTA_EXCEEDED


class AlreadyExists(Exception):
    """A create met an object of that name."""


class LeaseLost(BaseException):
    """Another operator may be active: end the process without another write."""
