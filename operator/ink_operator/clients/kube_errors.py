"""Maps errors of the API server to ours."""

import json

from ink_api.reasons import Reason

from ink_operator.core.errors import AlreadyExists, Conflict, Forbidden, OverQuota, Rejected, Terminal, Transient

GONE = 410


def failure(status: int, body: str, what: str) -> Exception:
    """The exception for an answer >= 400. It has the server's own message, which names the invalid field."""
    try:
        answer = json.loads(body)
        message, reason = str(answer.get("message", "")), str(answer.get("reason", ""))
    except (ValueError, AttributeError):
        message, reason = body[:300], ""
    message = message or f"{what}: status {status}"
    if status == 409:
        return AlreadyExists(message) if reason == "AlreadyExists" else Conflict(message, retry_after_seconds=0.1)
    if status == 403:
        return _refused(message)
    if status in (400, 413, 422):
        return Rejected(message)
    if status == GONE:
        return Conflict(message)
    return Transient(f"{what}: {status} {message}")


def _refused(message: str) -> Exception:
    if "exceeded quota" in message or "maximum" in message:
        return OverQuota(message)
    if "must support resize" in message:
        return Terminal(message, reason=Reason.VOLUME_NOT_EXPANDABLE)
    if "is being terminated" in message:
        return Terminal(message, reason=Reason.NAMESPACE_TERMINATING)
    if "ValidatingAdmissionPolicy" in message or "violates PodSecurity" in message:
        return Rejected(message)
    return Forbidden(message, retry_after_seconds=0.3)
