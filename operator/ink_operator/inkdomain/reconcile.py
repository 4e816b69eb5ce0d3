"""InkDomain: this version does not support it, and its status says so."""

from datetime import datetime
from typing import Any, ClassVar

from ink_api.inkdomain import InkDomain, InkDomainStatus
from ink_api.reasons import Reason

from ink_operator.core import kinds
from ink_operator.core.plan import Plan, refusal
from ink_operator.runtime.controller import Controller

MESSAGE = "This version of Ink does not support InkDomain yet."


class InkDomainController(Controller[InkDomain, InkDomain, None]):
    """Reports NotImplemented once per generation."""

    kind = kinds.INK_DOMAIN
    model = InkDomain
    status_model = InkDomainStatus
    unreadable_spec: ClassVar[dict[str, Any]] = {"zone": "unreadable.invalid"}

    async def observe(self, context: InkDomain, now: datetime) -> None:
        """Nothing to read."""

    def decide(self, context: InkDomain, seen: None, now: datetime) -> Plan:
        """Pure."""
        return refusal(Reason.NOT_IMPLEMENTED, MESSAGE)
