"""Expected failures, by what the queue does with them.

InkError
├── Transient        the same call may work later: back off
│   ├── Conflict     someone else wrote in between (409)
│   ├── Forbidden    the API server refused the operator (403); new RoleBindings take a moment
│   ├── RateLimited  a provider wants fewer calls (429); it says when to come back
│   ├── Missing      what a call needs does not exist, or is not visible yet (404)
│   └── NotRenewed   this process may not write just now; says nothing about the object
└── Terminal         only a new spec or a person helps
    ├── Rejected     the API server or a provider found the object invalid (400, 422)
    ├── OverQuota    a ResourceQuota or a provider's plan refused it (402, 403)
    ├── NotOurs      something with that name exists and belongs to someone else
    └── Unauthorized a provider refuses the platform's own key (401, 403): wrong, expired or revoked
AlreadyExists and LeaseLost are separate: the first is an answer, the second ends the process.
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
    """The operator lacks a right, perhaps only temporarily."""


class RateLimited(Transient):
    """A provider wants fewer calls. `retry_after_seconds` is always set."""

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)


class Missing(Transient):
    """What the call needs does not exist, or is not visible yet.

    Transient, because many providers show a new object only after a while. Observing it decides
    whether it was deleted outside; no call recreates it as a side effect.
    """


class NotRenewed(Transient):
    """The lease is not renewed yet: the write was not even tried."""


class Terminal(InkError):
    """Only a new spec or a person helps."""


class Rejected(Terminal):
    """The API server, or a provider, refuses the object as it is."""

    reason = Reason.INVALID_SPEC


class OverQuota(Terminal):
    """A quota of the namespace, or of the platform's account at a provider, is used up."""

    reason = Reason.QUOTA_EXCEEDED


class NotOurs(Terminal):
    """Something with that name exists outside and belongs to someone else: it is neither changed nor deleted."""

    reason = Reason.NAME_CONFLICT


class Unauthorized(Terminal):
    """A provider refuses the platform's own key. Trying again would lock the account; an administrator must act."""


class AlreadyExists(Exception):
    """An object with that name already exists."""


class LeaseLost(BaseException):
    """Another operator may be active: end the process without another write."""
