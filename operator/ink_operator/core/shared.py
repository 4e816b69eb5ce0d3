"""What the passes of one process share. Losing it costs reads, never correctness."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from ink_operator.core.memo import Memo
from ink_operator.core.objects import Manifest


@dataclass(frozen=True, slots=True)
class Shared:
    """One per process, created when it starts."""

    tenancy: Memo[tuple[str, dict[tuple[str, str], Manifest]]]
    """Namespace -> its uid and what the operator created in it, by kind and name."""
    without_env: Memo[bool]
    """Uids of services without sealed values and without an old Secret of them."""
    build_gate: AbstractAsyncContextManager[Any]
    """Held while deciding whether another build may start, so that two never take the last slot."""
