"""InkResource: this version does not support it, and its status says so."""

from datetime import datetime

from ink_api.inkresource import InkResource, InkResourceStatus
from ink_api.reasons import Reason

from ink_operator.core import kinds
from ink_operator.core.plan import Plan, refusal
from ink_operator.runtime.controller import Controller

MESSAGE = "This version of Ink does not support InkResource yet."


class InkResourceController(Controller[InkResource, InkResource, None]):
    """Reports NotImplemented once per generation."""

    kind = kinds.INK_RESOURCE
    model = InkResource
    status_model = InkResourceStatus

    async def observe(self, context: InkResource, now: datetime) -> None:
        """Nothing to read."""

    def decide(self, context: InkResource, seen: None, now: datetime) -> Plan:
        """Pure."""
        return refusal(Reason.NOT_IMPLEMENTED, MESSAGE)
