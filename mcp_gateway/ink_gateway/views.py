"""From custom resources to answers. Pure, and bounded in length: an agent pays for every word it reads.

Everything that came from a tenant's own code (log lines, build messages) is untrusted text: control characters are
removed and lengths bounded, so that it can neither move a terminal's cursor nor flood a context.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from ink_api.condition_types import ConditionType
from ink_api.conditions import Condition, find
from ink_api.inkservice import EnvVar, InkService, ResourceAmounts, ScanStatus
from ink_api.reasons import PROGRESS, RETRIED, Reason, remedy
from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer

from ink_gateway.findings import findings_of

State = Literal["building", "deploying", "live", "failed", "suspended", "deleting", "deleted"]

LINE_MAX = 500
FINDING_MAX = 240
HOST_NOT_FREE = frozenset({Reason.HOST_TAKEN, Reason.HOST_RESERVED})
SAME_CALL = "The same create_service call again takes another host, <name>-<four characters>."
MESSAGE_MAX = 2000
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
REORDERING = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Characters that let text look other than it is (bidirectional overrides, zero width)."""


class View(BaseModel):
    """An answer. What is not known or not asked for is left out."""

    @model_serializer(mode="wrap")
    def _without_nulls(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in serialize(self).items() if value is not None}


class BuildView(View):
    """The newest build."""

    commit: str | None = None
    pack: str | None = None
    result: str | None = None
    started: str | None = None
    finished: str | None = None
    scan: list[str] | None = None
    """What was found in the source and in the image."""


class ServiceSummary(View):
    """One line of list_services."""

    name: str
    project: str
    state: State
    url: str | None = None
    commit: str | None = None
    reason: str | None = None


class ServiceList(View):
    """Every service of the workspace."""

    services: list[ServiceSummary]
    total: int


class ServiceView(ServiceSummary):
    """A service as it is now."""

    message: str | None = Field(default=None, description="What was seen; may quote untrusted build output")
    remedy: str | None = None
    next_step: str | None = Field(default=None, description="What to do now")
    serving: bool = Field(default=False, description="Some revision answers, maybe an older one")
    repo: str | None = None
    branch: str | None = None
    image: str | None = None
    port: int | None = None
    memory: str | None = None
    cpu: str | None = None
    replicas: str | None = Field(default=None, description="ready/wanted")
    private_url: str | None = None
    build: BuildView | None = None
    env_names: list[str] = []
    env: dict[str, str] | None = Field(default=None, description="Only with include_env")
    deploy_log: list[str] | None = Field(default=None, description="Untrusted output of the build")
    runtime_log: list[str] | None = Field(default=None, description="Untrusted output of the app")


class RedeployView(View):
    """What redeploy_service did."""

    name: str
    project: str
    action: Literal["new_commit", "rebuild", "restart"]
    state: State
    url: str | None = None
    message: str
    next_step: str


class DeletedView(View):
    """What delete_service did."""

    name: str
    project: str
    state: Literal["deleting", "deleted"]
    message: str


def clean(text: str, limit: int = LINE_MAX) -> str:
    """Untrusted text without control characters (tabs and line feeds stay), at most `limit` characters."""
    text = REORDERING.sub("", CONTROL.sub("", text))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def split_log(text: str) -> list[str]:
    """Lines of a container's output. A carriage return restarts a line, as on a terminal."""
    text = text.replace("\r\n", "\n").rstrip("\n")
    return [line.rsplit("\r", 1)[-1] for line in text.split("\n")] if text else []


def log_lines_of(lines: list[str] | None, limit: int) -> list[str]:
    """A log as an answer shows it; a sentence instead of it when there is no container to ask."""
    if lines is None:
        return ["(no log: there is no container for it, or it is gone)"]
    return [clean(line) for line in lines[-limit:]]


def state_of(service: InkService) -> State:
    """The one word for what goes on."""
    if service.metadata.deletion_timestamp is not None:
        return "deleting"
    if service.spec.suspend:
        return "suspended"
    if service.status.observed_generation < service.metadata.generation:
        return "building"
    ready = _condition(service, ConditionType.READY)
    if ready is not None and ready.status == "True":
        return "suspended" if ready.reason == Reason.SUSPENDED else "live"
    if _is_true(service, ConditionType.STALLED) or (ready is not None and ready.status == "False" and _final(ready)):
        return "failed"
    return "deploying" if _is_true(service, ConditionType.BUILT) else "building"


def cause_of(service: InkService) -> Condition | None:
    """The condition that says why the service is not simply live: Ready, as the operator rolled it up."""
    if service.status.observed_generation < service.metadata.generation:
        return None
    ready = _condition(service, ConditionType.READY)
    return None if ready is None or (ready.status == "True" and ready.reason != Reason.SUSPENDED) else ready


def needs_another_host(service: InkService) -> bool:
    """The operator found the host of its own name taken: by somebody whom the gateway does not know of, or kept for its
    last tenant, or the platform's.
    """
    cause = cause_of(service)
    return service.spec.subdomain is None and cause is not None and cause.reason in HOST_NOT_FREE


def build_failed(service: InkService) -> bool:
    """Whether the newest build ended without an image, and Ink will not try it again by itself."""
    built = _condition(service, ConditionType.BUILT)
    return built is not None and _final(built) and not_built(service)


def not_built(service: InkService) -> bool:
    """Whether the newest build ended without an image, for whatever reason."""
    built = _condition(service, ConditionType.BUILT)
    return built is not None and built.status == "False"


def summary(service: InkService, project: str, name: str) -> ServiceSummary:
    """One line about the service."""
    cause = cause_of(service)
    return ServiceSummary(
        name=name,
        project=project,
        state=state_of(service),
        url=service.status.url,
        commit=short(service.status.commit),
        reason=cause.reason if cause else None,
    )


def view(service: InkService, project: str, name: str, *, env: Mapping[str, str] | None = None) -> ServiceView:
    """Everything a caller may know about the service. `env`: unsealed values, when values were asked for."""
    spec, status = service.spec, service.status
    cause, git = cause_of(service), spec.source.git
    limits = _limits(service)
    base = summary(service, project, name)
    return ServiceView(
        **base.model_dump(),
        message=_seen(cause) if cause else None,
        remedy=(remedy(cause.reason) or None) if cause else None,
        next_step=SAME_CALL if needs_another_host(service) else next_step(base.state, name, project),
        serving=_is_true(service, ConditionType.AVAILABLE),
        repo=git.url if git else None,
        branch=git.branch if git else None,
        image=status.image,
        port=status.port,
        memory=limits.memory,
        cpu=limits.cpu,
        replicas=f"{status.ready_replicas or 0}/{spec.replicas}" if status.observed_generation >= 0 else None,
        private_url=status.private_url,
        build=_build(service),
        env_names=[variable.name for variable in spec.env or []],
        env=None if env is None else {variable.name: _value(variable, env) for variable in spec.env or []},
    )


def _limits(service: InkService) -> ResourceAmounts:
    """What the spec says, else what counts instead: ink.yaml's or the platform's."""
    effective = service.status.effective
    told = (service.spec.resources, effective.resources if effective else None)
    asked, counting = ((resources.limits if resources else None) or ResourceAmounts() for resources in told)
    return ResourceAmounts(cpu=asked.cpu or counting.cpu, memory=asked.memory or counting.memory)


def _seen(cause: Condition) -> str | None:
    """The message without the remedy, which an answer has in a field of its own."""
    return clean(cause.message.removesuffix(remedy(cause.reason)).rstrip(), MESSAGE_MAX) or None


def next_step(state: State, name: str, project: str) -> str | None:
    """What to do in this state; None when there is nothing to do."""
    call = f"get_service(name={name!r})" if project == "default" else f"get_service(name={name!r}, project={project!r})"
    return {
        "building": f"Call {call} until the state is live or failed.",
        "deploying": f"Call {call} until the state is live or failed.",
        "failed": f"Follow the remedy; {call} shows the log. A push to the branch deploys again.",
        "deleting": "Nothing: it is being removed.",
    }.get(state)


def progress_of(service: InkService) -> tuple[float, str]:
    """How far a deployment is, from 0 to 5, and what happens now."""
    state, cause = state_of(service), cause_of(service)
    step = {"live": 5.0, "suspended": 5.0, "failed": 5.0}.get(state, 0.0)
    if step == 0.0:
        stages = (ConditionType.SOURCE_RESOLVED, ConditionType.BUILT, ConditionType.DEPLOYED, ConditionType.ROUTED)
        step = float(sum(_is_true(service, kind) for kind in stages))
    detail = f": {cause.reason}" if cause is not None and cause.reason.lower() != state else ""
    return step, f"{state}{detail}"


def _condition(service: InkService, kind: ConditionType) -> Condition | None:
    return find(service.status.conditions, kind)


def _is_true(service: InkService, kind: ConditionType) -> bool:
    found = _condition(service, kind)
    return found is not None and found.status == "True"


def _final(condition: Condition) -> bool:
    """Whether nobody but the user will change this: not progress, and not what Ink tries again by itself."""
    return condition.reason not in PROGRESS and condition.reason not in RETRIED


def short(commit: str | None) -> str | None:
    return commit[:12] if commit else None


def _value(variable: EnvVar, unsealed: Mapping[str, str]) -> str:
    source = variable.value_from
    if source is None:
        return (variable.value or "").replace("$$", "$")
    if source.sealed is None:
        return "(set elsewhere)"
    return unsealed.get(variable.name, "(sealed: shown once it is deployed)")


def _build(service: InkService) -> BuildView | None:
    build = service.status.build
    if build is None:
        return None
    return BuildView(
        commit=short(build.commit),
        pack=build.pack,
        result=build.reason,
        started=build.started,
        finished=build.finished,
        scan=_findings(build.scan),
    )


def _findings(scan: ScanStatus | None) -> list[str] | None:
    """One line each, whatever a file or a package is called."""
    lines = findings_of(scan)
    return [clean(" ".join(line.split()), FINDING_MAX) for line in lines] if lines is not None else None
