"""How every kind is reconciled. A kind defines what it observes and decides; the rest is the same for all.

One pass: deletion or finalizer -> observe -> decide -> still there? -> carry out -> report. It never waits inside, and
may end between any two calls: the next pass starts from the state that it finds.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from ink_api.condition_types import ConditionType
from ink_api.group import ANNOTATION_PAUSED, FINALIZER
from ink_api.metadata import ObjectMeta
from ink_api.reasons import Reason
from pydantic import ValidationError

from ink_operator.core.canonical import merge_patch_between
from ink_operator.core.conditions import conditions_of, deleting_conditions
from ink_operator.core.effects import Effect
from ink_operator.core.errors import Forbidden, InkError, Terminal
from ink_operator.core.keys import Result
from ink_operator.core.kinds import Kind
from ink_operator.core.memo import Memo
from ink_operator.core.objects import Key, Manifest, Ref
from ink_operator.core.plan import REFUSED_RETRY_SECONDS, Fact, Failure, Plan, refusal
from ink_operator.ports import Ports
from ink_operator.runtime.effects import carry_out

log = logging.getLogger(__name__)
MAX_FAILED_PASSES = 5
"""Failed passes in a row before the status reports it: nothing stays "in progress" forever."""
MAX_FORBIDDEN_PASSES = 8
"""The same if a right is missing: rights in a new namespace take a moment to become effective."""
UNREPORTED_SECONDS = 600.0
"""Longer than any delay of a report."""


class KindObject(Protocol):
    """A custom resource as parsed by its model."""

    @property
    def metadata(self) -> ObjectMeta:
        """The part of metadata that Ink reads."""
        ...

    @property
    def status(self) -> Any:
        """A frozen model with `observed_generation` and `conditions`."""
        ...


Obj = TypeVar("Obj", bound=KindObject)
Context = TypeVar("Context")
Seen = TypeVar("Seen")


class Controller(ABC, Generic[Obj, Context, Seen]):
    """Reconciles one kind. Obj: its model, Context: what a pass knows, Seen: what it observed.

    Subclasses name `kind`, `model` and `status_model`, and write `observe` and `decide`; the other methods are for what
    a kind does differently.
    """

    kind: ClassVar[Kind]
    model: ClassVar[type[Any]]
    status_model: ClassVar[type[Any]]
    chain: ClassVar[tuple[ConditionType, ...]] = ()
    """The steps of its life, in order; Ready is computed from them."""
    cleans_up: ClassVar[bool] = False
    """Its deletion needs work, so a finalizer is added before anything else."""
    unreadable_spec: ClassVar[dict[str, Any]] = {}
    """A valid spec that replaces an unreadable one: a deletion still needs the rest of the object."""

    deletion_message: ClassVar[str] = "The resource and everything created for it are being deleted."

    def __init__(self, ports: Ports, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.ports = ports
        self._now = now
        self.unreported: Memo[datetime] = Memo(UNREPORTED_SECONDS)
        """Uid of an object -> since when its status is outdated."""

    # what a kind defines --------------------------------------------------------------------------------------------

    def context(self, obj: Obj) -> Context | Failure:
        """What a pass knows besides the object. A Failure: the object's name is unusable."""
        return obj  # type: ignore[return-value]

    @abstractmethod
    async def observe(self, context: Context, now: datetime) -> Seen:
        """Reads only. Raises InkError when something cannot be read: then the old status is kept."""

    @abstractmethod
    def decide(self, context: Context, seen: Seen, now: datetime) -> Plan:
        """Pure: one step forward from any state; no effects when everything is as it should be."""

    async def carry_out(self, context: Context, plan: Plan) -> Plan:
        """The plan's effects in order; returns the plan with what is known only after them."""
        for effect in plan.effects:
            await self.carry_out_one(context, effect)
        return plan

    async def carry_out_one(self, context: Context, effect: Effect) -> Manifest | None:
        """One effect; a kind with its own effects overrides this. Returns the object that a Create made or found."""
        return await carry_out(effect, self.ports.cluster)

    def status(self, obj: Obj, seen: Seen | None, plan: Plan, now: datetime) -> Any:
        """The whole status. `seen` is None while nothing could be observed."""
        meta = obj.metadata
        conditions = conditions_of(self.chain, plan.facts, obj.status.conditions, meta.generation, now)
        return self.status_model(observed_generation=meta.generation, conditions=conditions, **plan.fields)

    def report_delay(self, before: Any, after: Any) -> float:
        """Seconds for which that difference need not be reported yet."""
        return 0.0

    def reported(self, obj: Obj, seen: Seen | None, status: Any, now: datetime) -> None:
        """Called after the status was written, for metrics."""

    async def clean_up(self, obj: Obj, context: Context | None, failures: int, now: datetime) -> float | None:
        """One step of the deletion. Returns the seconds until the next step, None when nothing is left."""
        return None

    def released(self, context: Context | None) -> None:
        """Called once the finalizer is removed, to wake other reconcilers."""

    # a pass -----------------------------------------------------------------------------------------------------------

    async def reconcile(self, key: Key, failures: int) -> Result:
        """Move one object towards its spec. `failures`: failed passes in a row before this one."""
        raw = await self.ports.cluster.get(Ref(self.kind, key.namespace, key.name))
        if raw is None:
            self.ports.references.follow(key, frozenset())
            return Result()
        now = self._now()
        obj, wrong = self.parse(raw)
        context = self.context(obj)
        if obj.metadata.deletion_timestamp:
            self.ports.references.follow(key, frozenset())
            return await self._delete(raw, obj, None if isinstance(context, Failure) else context, failures, now)
        if obj.metadata.annotations.get(ANNOTATION_PAUSED) == "true":
            return Result()
        if wrong or isinstance(context, Failure):
            message = wrong or (context.message if isinstance(context, Failure) else "")
            await self._report(raw, obj, None, refusal(Reason.INVALID_SPEC, message), now)
            return Result()
        return await self._pass(raw, obj, context, failures, now)

    def parse(self, raw: Manifest) -> tuple[Obj, str]:
        """The typed object and what is wrong with its spec.

        An unreadable spec does not hide the rest: the object's deletion still has to clean up. An unreadable status
        counts as empty.
        """
        body: dict[str, Any] = {"metadata": raw["metadata"], "spec": raw.get("spec") or {}}
        try:
            body["status"] = self.status_model.model_validate(raw.get("status") or {})
        except ValidationError:
            log.info("the status of %s/%s is unreadable", raw["metadata"]["namespace"], raw["metadata"]["name"])
        try:
            return self.model.model_validate(body), ""
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            readable = self.model.model_validate({**body, "spec": self.unreadable_spec})
            return readable, f"{where}: {first['msg']}."

    async def _pass(self, raw: Manifest, obj: Obj, context: Context, failures: int, now: datetime) -> Result:
        exists = await self._ensure_finalizer(obj.metadata) if self.cleans_up else None
        if exists is False:
            return Result()
        seen: Seen | None = None
        try:
            seen = await self.observe(context, now)
            plan = self.decide(context, seen, now)
            creates = any(effect.creates for effect in plan.effects)
            if not exists and creates and not await self._is_there(obj.metadata):
                return Result()
            plan = await self._carry_out_plan(context, plan)
        except InkError as error:
            if failures >= (MAX_FORBIDDEN_PASSES if isinstance(error, Forbidden) else MAX_FAILED_PASSES):
                await self._report(raw, obj, seen, refusal(error.reason, str(error)), now)
            raise
        except Exception:
            if failures >= MAX_FAILED_PASSES:
                message = "The operator failed with an unexpected error."
                await self._report(raw, obj, seen, refusal(Reason.INTERNAL_ERROR, message), now)
            raise
        return Result(await self._report(raw, obj, seen, plan, now))

    async def _carry_out_plan(self, context: Context, plan: Plan) -> Plan:
        """A failure that only a person can fix becomes Ready=False; others raise."""
        try:
            return await self.carry_out(context, plan)
        except Terminal as error:
            facts = tuple(fact for fact in plan.facts if fact.type != ConditionType.READY)
            failed = Fact(ConditionType.READY, "False", error.reason, str(error))
            # The API server would refuse it again at once; a quota may be freed without an event.
            return replace(plan, facts=(*facts, failed), requeue_after_seconds=REFUSED_RETRY_SECONDS)

    # the finalizer ----------------------------------------------------------------------------------------------------

    async def _ensure_finalizer(self, meta: ObjectMeta) -> bool | None:
        """Add the finalizer before anything that it must clean up. Whether the object exists; None: unknown."""
        if FINALIZER in meta.finalizers:
            return None
        return await self._patch_finalizers(meta, [*meta.finalizers, FINALIZER])

    async def _remove_finalizer(self, meta: ObjectMeta) -> None:
        await self._patch_finalizers(meta, [name for name in meta.finalizers if name != FINALIZER])

    async def _patch_finalizers(self, meta: ObjectMeta, finalizers: list[str]) -> bool:
        patch = {"metadata": {"finalizers": finalizers, "resourceVersion": meta.resource_version}}
        return await self.ports.cluster.merge_patch(Ref(self.kind, meta.namespace, meta.name), patch) is not None

    async def _is_there(self, meta: ObjectMeta) -> bool:
        """Whether the object still exists. Nothing is created for a deleted object: nobody would clean it up."""
        live = await self.ports.cluster.get_fresh(Ref(self.kind, meta.namespace, meta.name))
        return live is not None and live["metadata"]["uid"] == meta.uid

    async def _delete(self, raw: Manifest, obj: Obj, context: Context | None, failures: int, now: datetime) -> Result:
        meta = obj.metadata
        if FINALIZER not in meta.finalizers:
            return Result()
        # A status that cannot be written does not block the deletion.
        if not failures and await self._write(raw, obj, self._deleting_status(obj, now)):
            # The finalizer is removed at the version that was read, which is out of date now.
            return Result(0.0)
        remaining = await self.clean_up(obj, context, failures, now)
        if remaining is not None:
            return Result(remaining)
        await self._remove_finalizer(meta)
        self.released(context)
        return Result()

    def _deleting_status(self, obj: Obj, now: datetime) -> Any:
        meta, message = obj.metadata, self.deletion_message
        conditions = deleting_conditions(obj.status.conditions, message, meta.generation, now)
        return obj.status.model_copy(update={"observed_generation": meta.generation, "conditions": conditions})

    # the report -------------------------------------------------------------------------------------------------------

    async def _report(self, raw: Manifest, obj: Obj, seen: Seen | None, plan: Plan, now: datetime) -> float | None:
        """One status patch, only when something changed, and events for its transitions.

        Returns the seconds until the next pass.
        """
        status = self.status(obj, seen, plan, now)
        delay = self._remaining_delay(obj, status, now)
        if delay > 0:
            return delay if plan.requeue_after_seconds is None else min(delay, plan.requeue_after_seconds)
        if await self._write(raw, obj, status):
            self.reported(obj, seen, status, now)
        return plan.requeue_after_seconds

    def _remaining_delay(self, obj: Obj, status: Any, now: datetime) -> float:
        """Seconds for which this difference is not reported yet, counted from when it first appeared."""
        uid, longest = obj.metadata.uid, self.report_delay(obj.status, status)
        since = self.unreported.get(uid, now)
        if since is None and longest:
            self.unreported.put(uid, now, now)
        left = longest - (now - since).total_seconds() if since is not None else longest
        if left <= 0:
            self.unreported.forget(uid)
        return max(0.0, left)

    async def _write(self, raw: Manifest, obj: Obj, status: Any) -> bool:
        """Write the status if it changed. Returns whether it did."""
        if status == obj.status:
            return False
        patch = merge_patch_between(raw.get("status") or {}, status.to_wire())
        ref = Ref(self.kind, obj.metadata.namespace, obj.metadata.name)
        await self.ports.cluster.merge_patch(ref, {"status": patch}, subresource="status")
        self.ports.events.record(self.kind, raw, obj.status.conditions, status.conditions)
        return True
