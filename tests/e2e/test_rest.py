"""When nothing happens, nothing is written."""

from __future__ import annotations

from support.cluster.audit import AuditTail
from support.outside.platform import SYSTEM, Deployed, Platform
from support.waiting import stays

OPERATOR = f"system:serviceaccount:{SYSTEM}:operator"
GATEWAY = f"system:serviceaccount:{SYSTEM}:gateway"
SECONDS = 20


def test_a_settled_platform_writes_nothing(
    platform: Platform, hello: Deployed, neighbour: Deployed, stranger: Deployed
) -> None:
    """Services that are live, visitors that come: no status, no annotation, no re-apply. The Lease aside."""
    tail = AuditTail(platform.cluster.paths.audit_log)

    def quiet() -> bool:
        hello.visit()
        written = [*tail.writes(OPERATOR), *tail.writes(GATEWAY)]
        assert written == []
        return True

    stays(quiet, seconds=SECONDS, every=2, what="no writes of the operator and the gateway")
