"""InkResource: this version cannot serve it, and says so where people look."""

from ink_api.inkresource import InkResourceStatus

from ink_operator import unserved
from ink_operator.core import kinds
from ink_operator.core.objects import Key
from ink_operator.core.result import Result
from ink_operator.ports import Ports
from ink_operator.settings import Settings


async def reconcile(key: Key, failures: int, ports: Ports, settings: Settings) -> Result:
    """Report NotImplemented once a generation."""
    return await unserved.report(kinds.INK_RESOURCE, InkResourceStatus, key, ports)
