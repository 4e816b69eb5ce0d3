"""What a reconcile asks of the queue."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """`requeue_after_seconds`: reconcile again after this time at the latest; None: only on an event."""

    requeue_after_seconds: float | None = None
