"""Pure: what the spec means once defaults are filled in."""

from dataclasses import dataclass

from ink_api.inkservice import EffectiveSettings, Health, InkService, Port, ResourceAmounts, Resources
from ink_api.inkservice.workload import DEFAULT_CPU, DEFAULT_MEMORY
from ink_api.names import ServiceIdentity
from ink_api.quantities import seconds

from ink_operator.core import canonical
from ink_operator.inkservice import model
from ink_operator.settings import Settings

DRAIN_SECONDS = 5
"""How long a pod that is being removed keeps serving, until the ingress has noticed."""
TERMINATION_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Probe:
    """How a pod's readiness is checked."""

    type: str
    port: int
    path: str
    interval_seconds: int
    timeout_seconds: int
    failure_threshold: int
    startup_grace_seconds: int
    restarts: bool = False
    """Restart a pod that was ready and fails."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """How a pod is removed: it keeps serving, then it is asked to stop, then it is killed."""

    drain_seconds: int
    grace_seconds: int
    """From the removal to the kill, including the drain."""


def host_of(service: InkService, identity: ServiceIdentity, settings: Settings) -> str:
    """The public host."""
    return f"{service.spec.subdomain or identity.name}.{settings.apps_domain}"


def default_port(exposed: tuple[int, ...]) -> int:
    """The port an image most likely listens on."""
    if not exposed or model.DEFAULT_PORT in exposed:
        return model.DEFAULT_PORT
    return min(exposed)


def ports_of(service: InkService, port: int) -> list[Port]:
    """The effective ports; `port` counts when the spec names none."""
    if service.spec.cron is not None:
        return []
    if service.spec.ports is None:
        return [Port(name="http", port=port)]
    return list(service.spec.ports)


def public_port(ports: list[Port]) -> Port | None:
    """The port behind the public host."""
    return next((p for p in ports if p.protocol == "HTTP" and p.visibility == "Public"), None)


def is_worker(service: InkService) -> bool:
    """A service without ports."""
    return service.spec.cron is not None or service.spec.ports == []


def wants_host(service: InkService) -> bool:
    """A service with a public URL."""
    return public_port(ports_of(service, model.DEFAULT_PORT)) is not None


def probe_of(service: InkService, ports: list[Port], settings: Settings) -> Probe | None:
    """The readiness check; None for a worker without one.

    The default is a connection once a second, so that a start is noticed at once; 15 failures make the pod unready. An
    HTTP path is requested every five seconds, because a request may be expensive, and is logged.
    """
    health = service.spec.health
    light = health is None or (health.type == "TCP" and not health.restart_on_failure)
    chosen = health is not None and (health.interval or health.failure_threshold)
    interval, failures = (1, 15) if light and not chosen else (5, 3)
    port = (health.port if health else None) or (ports[0].port if ports else None)
    if port is None:
        return None
    return Probe(
        type=health.type if health else "TCP",
        port=port,
        path=(health.path if health else None) or "/",
        interval_seconds=max(1, seconds(health.interval)) if health and health.interval else interval,
        timeout_seconds=max(1, seconds(health.timeout)) if health and health.timeout else 2,
        failure_threshold=(health.failure_threshold if health else None) or failures,
        startup_grace_seconds=grace_seconds(service, settings),
        restarts=bool(health and health.restart_on_failure),
    )


def grace_seconds(service: InkService, settings: Settings) -> int:
    """How long a start may take before it counts as failed."""
    health = service.spec.health
    return seconds(health.startup_grace) if health and health.startup_grace else settings.startup_grace_seconds


def shutdown_of(service: InkService, ports: list[Port]) -> Shutdown:
    """Without ports nothing is drained, unless the spec says so."""
    drain = service.spec.drain
    stop = seconds(drain.termination_grace_period) if drain and drain.termination_grace_period else TERMINATION_SECONDS
    before = seconds(drain.pre_stop) if drain and drain.pre_stop else DRAIN_SECONDS if ports else 0
    return Shutdown(before, before + stop)


def effective_settings(service: InkService, port: int | None, settings: Settings) -> EffectiveSettings | None:
    """The effective settings for the status. `port`: the application's; None if there is none or it is not known yet.

    None for a spec that could not be read.
    """
    spec = service.spec
    if spec.source.git is None and spec.source.image is None:
        return None
    known = is_worker(service) or spec.ports is not None or port is not None
    ports = ports_of(service, port or model.DEFAULT_PORT) if known else None
    probe = probe_of(service, ports, settings) if ports is not None else None
    resources = resources_of(service)
    return EffectiveSettings(
        command=spec.command,
        args=spec.args,
        ports=ports,
        health=_health(probe) if probe is not None else None,
        resources=Resources(
            requests=ResourceAmounts(**resources["requests"]), limits=ResourceAmounts(**resources["limits"])
        ),
    )


def _health(probe: Probe) -> Health:
    return Health.model_validate(
        {
            "type": probe.type,
            "path": probe.path if probe.type != "TCP" else None,
            "port": probe.port,
            "interval": f"{probe.interval_seconds}s",
            "timeout": f"{probe.timeout_seconds}s",
            "failureThreshold": probe.failure_threshold,
            "startupGrace": f"{probe.startup_grace_seconds}s",
            "restartOnFailure": probe.restarts,
        }
    )


def resources_of(service: InkService) -> dict[str, dict[str, str]]:
    """Container resources: limits from the spec or by default, requests from the spec or a tenth of the limits."""
    spec = service.spec.resources
    limits = (spec.limits if spec else None) or ResourceAmounts()
    requests = (spec.requests if spec else None) or ResourceAmounts()
    cpu = limits.cpu or _larger(DEFAULT_CPU, requests.cpu)
    memory = limits.memory or _larger(DEFAULT_MEMORY, requests.memory)
    tenth = default_requests(cpu, memory)
    return {
        "limits": {"cpu": cpu, "memory": memory},
        "requests": {"cpu": requests.cpu or tenth["cpu"], "memory": requests.memory or tenth["memory"]},
    }


def default_requests(cpu: str, memory: str) -> dict[str, str]:
    """A tenth of these limits."""
    return {
        "cpu": f"{max(1, int(canonical.parse_quantity(cpu) * 100))}m",
        "memory": f"{max(1, int(canonical.parse_quantity(memory) / 10 / 1024**2))}Mi",
    }


def _larger(default: str, asked: str | None) -> str:
    """A default limit must not be below the request."""
    return (
        asked if asked is not None and canonical.parse_quantity(asked) > canonical.parse_quantity(default) else default
    )


def first_replicas(service: InkService) -> int:
    """The initial number of pods."""
    wanted, scaling = wanted_replicas(service), service.spec.autoscaling
    return max(scaling.min_replicas, min(wanted, scaling.max_replicas)) if scaling and wanted else wanted


def enough_replicas(service: InkService) -> int | None:
    """How many pods make the newest revision live; None: all. Changing load must not make it unready."""
    return service.spec.autoscaling.min_replicas if service.spec.autoscaling is not None else None


def wanted_replicas(service: InkService) -> int:
    """Zero while suspended."""
    return 0 if service.spec.suspend else service.spec.replicas
