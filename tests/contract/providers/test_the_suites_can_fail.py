"""A suite that nothing fails proves nothing: each check finds the mistake that it is there for."""

from __future__ import annotations

from typing import Any

import pytest
from contract.providers import faults_contract
from contract.providers.broken import BROKEN_DATABASES, BROKEN_ZONES
from contract.providers.database_contract import DATABASE_CHECKS
from contract.providers.dns_contract import DNS_CHECKS
from contract.providers.faults_contract import World
from contract.providers.worlds import FakeDatabases, FakeZones
from ink_operator.core.errors import InkError

CASES: list[tuple[Any, type[Any], Any]] = [
    *((FakeDatabases, kind, check) for kind, check in BROKEN_DATABASES),
    *((FakeZones, kind, check) for kind, check in BROKEN_ZONES),
]


@pytest.mark.parametrize(
    ("start", "kind", "check"), CASES, ids=[f"{kind.__name__}-{check.__name__}" for _, kind, check in CASES]
)
async def test_a_mistake_is_found(start: Any, kind: type[Any], check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults_contract, "PATIENCE_SECONDS", 0.1)
    world: World = start(kind)
    with pytest.raises((AssertionError, InkError)):
        await check(world)


def test_no_check_is_idle() -> None:
    for checks, broken in ((DATABASE_CHECKS, BROKEN_DATABASES), (DNS_CHECKS, BROKEN_ZONES)):
        idle = {check.__name__ for check in checks} - {check.__name__ for _, check in broken}
        assert not idle, f"nothing shows that these can fail: {sorted(idle)}"
