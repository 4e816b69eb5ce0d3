"""What the passes of one process share. Losing it costs reads, never correctness."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from ink_operator.core.memo import Memo
from ink_operator.core.objects import Manifest


@dataclass(frozen=True, slots=True)
class Shared:
    """One a process, made when it starts."""

    tenancy: Memo[tuple[str, dict[tuple[str, str], Manifest]]]
    """Namespace -> its uid and what the operator set up in it, by kind and name."""
    without_env: Memo[bool]
    """Uids of services that have no sealed values, and of which no Secret was left behind."""
    build_gate: AbstractAsyncContextManager[Any]
    """Held while it is decided whether one more build may start, so that two never take the last place."""
