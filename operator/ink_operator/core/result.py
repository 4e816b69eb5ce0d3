"""What a reconcile asks of the queue."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """`requeue_after_seconds`: look again by then; None: only when something happens."""

    requeue_after_seconds: float | None = None
