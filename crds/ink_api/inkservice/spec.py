"""The spec of an InkService."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ink_api.inkservice.environment import EnvFromSource, EnvVar
from ink_api.inkservice.network import Domain, Health, Port
from ink_api.inkservice.source import Build, Source
from ink_api.inkservice.workload import Autoscaling, Cron, Drain, Release, Resources, Volume
from ink_api.model import ApiModel
from ink_api.names import DNS_LABEL
from ink_api.quantities import Duration, between
from ink_api.schema import atomic_list, cel, list_map, pattern_message, rules

ALONE = "!has(self.volumes) || self.volumes.size() == 0 || "
RULES = (
    cel(
        "!has(self.source.image) || !has(self.build)",
        "source.image is deployed without a build: remove build, or use source.git",
    ),
    cel(
        "!has(self.health) || !has(self.ports) || self.ports.size() > 0 || has(self.health.port)",
        "a worker (`ports: []`) has no port to check: set health.port, or remove health",
    ),
    cel(
        "!has(self.cron) || !has(self.ports) || self.ports.size() == 0",
        "a cron job cannot have ports: remove ports, or remove cron",
    ),
    cel("!has(self.cron) || !has(self.health)", "a cron job cannot have a health check: remove health"),
    cel("!has(self.cron) || !has(self.autoscaling)", "a cron job cannot scale: remove autoscaling"),
    cel(
        "!has(self.cron) || self.mode == 'Persistent'",
        "a cron job only runs on schedule: remove mode OnDemand",
    ),
    cel("!has(self.cron) || !has(self.domains)", "a cron job cannot have domains: remove domains"),
    cel(
        "!has(self.idleAfter) || self.mode == 'OnDemand'",
        "idleAfter is only used with mode OnDemand: set that mode, or remove idleAfter",
    ),
    cel(
        "self.mode != 'OnDemand' || !has(self.ports) || self.ports.exists(p, p.protocol == 'HTTP' && "
        "p.visibility == 'Public')",
        "mode OnDemand needs a public HTTP port, because only a request can wake the service",
    ),
    cel(
        "!has(self.ports) || self.ports.filter(p, p.protocol == 'HTTP' && p.visibility == 'Public').size() <= 1",
        "only one port can be public HTTP: make the others Private, or split the service",
    ),
    cel(
        "!has(self.ports) || self.ports.all(p, self.ports.exists_one(q, q.port == p.port))",
        "two ports have the same number: keep one of them",
    ),
    cel(
        "!has(self.domains) || !has(self.ports) || self.ports.exists(p, p.protocol == 'HTTP' && "
        "p.visibility == 'Public')",
        "domains need a public HTTP port: add one, or remove domains",
    ),
    cel(
        f"{ALONE}(self.replicas <= 1 && !has(self.autoscaling))",
        "a service with volumes runs as one pod: set replicas to 1 and remove autoscaling, or remove volumes",
    ),
    cel(
        f"{ALONE}self.volumes.all(v, self.volumes.exists_one(w, w.mountPath == v.mountPath))",
        "two volumes have the same mountPath: change one of them",
    ),
)


class InkServiceSpec(ApiModel):
    """Desired state of the service."""

    source: Source = Field(description="Where the application comes from.")
    subdomain: str | None = Field(
        default=None,
        description="First label of the public host. Defaults to the service's name.",
        pattern=DNS_LABEL,
        max_length=63,
        json_schema_extra=pattern_message("write a single DNS label: a-z, 0-9 and '-', without dots"),
    )
    build: Build | None = Field(
        default=None,
        description="How to build the image from the repository. Every field is optional: Ink detects what it can.",
    )
    command: list[str] | None = Field(
        default=None,
        description="Replaces the image's entrypoint, as in a Pod.",
        json_schema_extra=atomic_list(),
        max_length=64,
    )
    args: list[str] | None = Field(
        default=None,
        description="Replaces the image's arguments, as in a Pod.",
        json_schema_extra=atomic_list(),
        max_length=64,
    )
    ports: list[Port] | None = Field(
        default=None,
        description="Ports the application listens on. Defaults to one public HTTP port: the one the image exposes "
        "(EXPOSE), or 8080. An empty list (`[]`) makes the service a worker.",
        json_schema_extra=list_map("name"),
        max_length=10,
    )
    cron: Cron | None = Field(default=None, description="Run on a schedule instead of serving.")
    mode: Literal["Persistent", "OnDemand"] = Field(
        default="Persistent", description="OnDemand scales to zero when idle and wakes on the next request."
    )
    idle_after: Duration | None = Field(
        default=None,
        description="Time without requests after which an OnDemand service scales to zero. Defaults to `15m`.",
        json_schema_extra=between("1m", "24h"),
    )
    env: list[EnvVar] | None = Field(
        default=None,
        description="Environment variables. PORT is always set.",
        json_schema_extra=list_map("name"),
        max_length=200,
    )
    env_from: list[EnvFromSource] | None = Field(
        default=None,
        description="Secrets and ConfigMaps whose keys become variables. Later entries override earlier ones; `env` "
        "overrides them all.",
        json_schema_extra=atomic_list(),
        max_length=20,
    )
    resources: Resources | None = Field(default=None, description="CPU and memory of each pod.")
    volumes: list[Volume] | None = Field(
        default=None,
        description="Persistent disks. With a disk, a new revision only starts after the old one has stopped.",
        json_schema_extra=list_map("name"),
        max_length=8,
    )
    replicas: Annotated[int, Field(ge=0, le=100)] = Field(
        default=1, description="Number of pods. With autoscaling, only the initial number."
    )
    autoscaling: Autoscaling | None = Field(default=None, description="Scale the number of pods by load.")
    health: Health | None = Field(default=None, description="When a pod counts as ready.")
    release: Release | None = Field(default=None, description="Command to run before traffic moves to a new revision.")
    drain: Drain | None = Field(default=None, description="How pods shut down, so that a rollout drops no requests.")
    domains: list[Domain] | None = Field(
        default=None,
        description="Hosts of the tenant's own domains.",
        json_schema_extra=list_map("host"),
        max_length=50,
    )
    isolation: Literal["Standard", "GVisor"] = Field(
        default="Standard", description="GVisor runs each pod in a sandbox with its own kernel."
    )
    ttl: Duration | None = Field(
        default=None,
        description="Lifetime, counted from the service's creation, such as `72h`. After that, everything it runs is "
        "removed.",
        json_schema_extra=between("1m", "87600h"),
    )
    suspend: bool = Field(default=False, description="Scale to zero until this is false again.")
    rebuild_token: str | None = Field(
        default=None, description="Any new value starts a new build without cache.", max_length=64
    )
    restarted_at: str | None = Field(default=None, description="Any new value restarts the pods.", max_length=64)

    model_config = ConfigDict(json_schema_extra=rules(*RULES))
