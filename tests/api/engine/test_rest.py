"""At rest the operator writes nothing: counted in the API server's audit log, its lease aside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.cluster.audit import AuditTail
from support.operating.engine import OPERATOR, Engine, Surroundings
from support.waiting import eventually, stays

FEW, MANY = 20, 200
REST_SECONDS = 600


@pytest.fixture(scope="module")
def world(around: Surroundings) -> Iterator[Engine]:
    with around.engine(INK_RESYNC_SECONDS="60") as engine:
        yield engine


def converged(engine: Engine, count: int, **spec: object) -> str:
    """So many services of an image, all ready and nothing left to write."""
    namespace = engine.namespace("rest")
    for number in range(count):
        engine.create(namespace, f"w{number}", **{"subdomain": f"{namespace}-{number}", **spec})
    engine.wait_all_ready(namespace, count, within=60 + count)
    engine.rest(quiet=3)
    return namespace


def workspaces(engine: Engine) -> frozenset[str]:
    """Namespaces that tests before this one have left empty: each is deleted when it has been empty for ten minutes."""
    names = (item["metadata"]["name"] for item in engine.api.get("/api/v1/namespaces")["items"])
    return frozenset(name for name in names if name.startswith("ink-t-"))


def no_write_since(audit: AuditTail, left: frozenset[str] = frozenset()) -> bool:
    found = [
        w for w in audit.writes(OPERATOR) if (w.verb, w.resource) != ("delete", "namespaces") or w.name not in left
    ]
    assert found == []
    return True


def test_a_settled_platform_is_not_written_to_even_when_all_of_it_is_looked_at(
    engine: Engine, around: Surroundings
) -> None:
    """A new process has seen nothing: it looks at every service, and finds nothing to do."""
    converged(engine, FEW)
    audit = AuditTail(around.plane.audit_log)
    engine.operator.stop()
    engine.operator.start()
    eventually(
        lambda: engine.operator.metric("ink_reconcile_seconds_count") >= FEW,
        within=60,
        what="it has looked at everything",
        state=engine.operator.tail,
    )
    stays(lambda: no_write_since(audit), seconds=3, what="no write")


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_ten_minutes_of_rest_with_many_services(engine: Engine, around: Surroundings) -> None:
    converged(engine, MANY, ports=[])
    looked = engine.operator.metric("ink_reconcile_seconds_count")
    left = workspaces(engine)
    audit = AuditTail(around.plane.audit_log)
    stays(lambda: no_write_since(audit, left), seconds=REST_SECONDS, every=5, what="no write")
    passes = engine.operator.metric("ink_reconcile_seconds_count") - looked
    print(f"{MANY} services, {REST_SECONDS} s: {passes:.0f} passes, no write")
    assert passes >= MANY, "they were looked at"
