"""InkResource: this version does not serve it, and says so where people look."""

from datetime import datetime

from ink_api.inkresource import InkResource, InkResourceStatus
from ink_api.reasons import Reason

from ink_operator.core import kinds
from ink_operator.core.plan import Plan, refusal
from ink_operator.runtime.controller import Controller

MESSAGE = "This version of Ink does not serve InkResource yet. Delete the resource, or wait for a version that does."


class InkResourceController(Controller[InkResource, InkResource, None]):
    """Reports NotImplemented once a generation."""

    kind = kinds.INK_RESOURCE
    model = InkResource
    status_model = InkResourceStatus

    async def observe(self, context: InkResource, now: datetime) -> None:
        """There is nothing to read."""

    def decide(self, context: InkResource, seen: None, now: datetime) -> Plan:
        """Pure."""
        return refusal(Reason.NOT_IMPLEMENTED, MESSAGE)
