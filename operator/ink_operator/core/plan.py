"""What one pass over an object will do and report: `Plan`, and the builder that decisions write into. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ink_api.condition_types import ConditionType
from ink_api.conditions import ConditionStatus
from ink_api.reasons import Reason

from ink_operator.core.canonical import settled
from ink_operator.core.effects import Apply, Delete, Effect
from ink_operator.core.objects import Manifest, ref_of

REFUSED_RETRY_SECONDS = 60.0
"""The cause of a refusal may go away without an event: a claim, a label of a namespace, a quota."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step cannot be done."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One condition to report."""

    type: ConditionType
    status: ConditionStatus
    reason: Reason
    message: str = ""


@dataclass(frozen=True)
class Plan:
    """The writes of one pass, in order, and what to report."""

    effects: tuple[Effect, ...] = ()
    facts: tuple[Fact, ...] = ()
    """At most one per condition type."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of the status, by their Python names."""
    requeue_after_seconds: float | None = None


@dataclass
class PlanBuilder:
    """Collects what the steps of a decision want. Lives for one decision."""

    effects: list[Effect] = field(default_factory=list, kw_only=True)
    facts: dict[ConditionType, Fact] = field(default_factory=dict, kw_only=True)
    fields: dict[str, Any] = field(default_factory=dict, kw_only=True)
    requeue_seconds: float | None = field(default=None, kw_only=True)
    refused: bool = field(default=False, kw_only=True)

    def set_condition(self, kind: ConditionType, status: ConditionStatus, reason: Reason, message: str = "") -> None:
        """Report a condition; a later one of the same type replaces it."""
        self.facts[kind] = Fact(kind, status, reason, message)

    def refuse(self, failure: Failure, kind: ConditionType = ConditionType.READY) -> None:
        """Stop: the object is refused as a whole."""
        self.set_condition(kind, "False", failure.reason, failure.message)
        self.set_condition(ConditionType.READY, "False", failure.reason, failure.message)
        self.refused = True
        self.requeue_after(REFUSED_RETRY_SECONDS)

    def apply(self, live: Manifest | None, wanted: Manifest) -> bool:
        """Apply if something differs. Returns whether it does."""
        if settled(live, wanted):
            return False
        self.effects.append(Apply(wanted))
        return True

    def remove(self, *children: Manifest | None) -> None:
        """Delete those that exist."""
        self.effects += [Delete(ref_of(live), live["metadata"]["uid"]) for live in children if live is not None]

    def requeue_after(self, seconds: float) -> None:
        """Start another pass after this many seconds at the latest."""
        self.requeue_seconds = seconds if self.requeue_seconds is None else min(self.requeue_seconds, seconds)

    def finish(self) -> Plan:
        """The finished plan."""
        return Plan(tuple(self.effects), tuple(self.facts.values()), self.fields, self.requeue_seconds)


def refusal(reason: Reason, message: str) -> Plan:
    """A plan that does nothing except report why."""
    return Plan(facts=(Fact(ConditionType.READY, "False", reason, message),))
