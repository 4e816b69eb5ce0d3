"""What is wanted of a service."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ink_api.inkservice.environment import EnvFromSource, EnvVar
from ink_api.inkservice.network import Domain, Health, Port
from ink_api.inkservice.source import Build, Source
from ink_api.inkservice.workload import Autoscaling, Cron, Drain, Release, Resources, Volume
from ink_api.model import ApiModel
from ink_api.names import DNS_LABEL
from ink_api.quantities import Duration, between
from ink_api.schema import atomic_list, cel, list_map, rules, says

ALONE = "!has(self.volumes) || self.volumes.size() == 0 || "
RULES = (
    cel(
        "!has(self.source.image) || !has(self.build)",
        "an image is not built: remove build, or use source.git",
    ),
    cel(
        "!has(self.health) || !has(self.ports) || self.ports.size() > 0 || has(self.health.port)",
        "a worker (`ports: []`) has no port to ask for its health: set health.port, or remove health",
    ),
    cel(
        "!has(self.cron) || !has(self.ports) || self.ports.size() == 0",
        "a cron job serves no ports: remove ports, or remove cron",
    ),
    cel("!has(self.cron) || !has(self.health)", "a cron job is not asked for its health: remove health"),
    cel("!has(self.cron) || !has(self.autoscaling)", "a cron job does not scale: remove autoscaling"),
    cel(
        "!has(self.cron) || self.mode == 'Persistent'",
        "a cron job sleeps between its runs anyway: remove mode OnDemand",
    ),
    cel("!has(self.cron) || !has(self.domains)", "a cron job has no host: remove domains"),
    cel("!has(self.idleAfter) || self.mode == 'OnDemand'", "idleAfter belongs to mode OnDemand"),
    cel(
        "self.mode != 'OnDemand' || !has(self.ports) || self.ports.exists(p, p.protocol == 'HTTP' && "
        "p.visibility == 'Public')",
        "mode OnDemand needs a public HTTP port: only a request can wake the service",
    ),
    cel(
        "!has(self.ports) || self.ports.filter(p, p.protocol == 'HTTP' && p.visibility == 'Public').size() <= 1",
        "only one port can be public HTTP: make the others Private, or use a service for each",
    ),
    cel(
        "!has(self.ports) || self.ports.all(p, self.ports.exists_one(q, q.port == p.port))",
        "two ports have the same number: keep one of them",
    ),
    cel(
        "!has(self.domains) || !has(self.ports) || self.ports.exists(p, p.protocol == 'HTTP' && "
        "p.visibility == 'Public')",
        "domains need a public HTTP port",
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
    """What is wanted of the service."""

    source: Source = Field(description="Where the application comes from.")
    subdomain: str | None = Field(
        default=None,
        description="First label of the public host; default: the service's name.",
        pattern=DNS_LABEL,
        max_length=63,
        json_schema_extra=says("write one label of a host name: a-z, 0-9 and '-', no dot"),
    )
    build: Build | None = Field(
        default=None,
        description="How the repository becomes an image. Everything is optional: Ink detects what it can.",
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
        description="Ports the application listens on; default one public HTTP port, the image's EXPOSE or 8080. "
        "`[]`: a worker.",
        json_schema_extra=list_map("name"),
        max_length=10,
    )
    cron: Cron | None = Field(default=None, description="Run at given times instead of serving.")
    mode: Literal["Persistent", "OnDemand"] = Field(
        default="Persistent", description="OnDemand sleeps at zero pods and wakes on a request."
    )
    idle_after: Duration | None = Field(
        default=None,
        description="Time without a request after which an OnDemand service sleeps; default `15m`.",
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
        description="Whole Secrets and ConfigMaps as variables; later ones win, and `env` wins over all.",
        json_schema_extra=atomic_list(),
        max_length=20,
    )
    resources: Resources | None = Field(default=None, description="CPU and memory.")
    volumes: list[Volume] | None = Field(
        default=None,
        description="Disks of the service's own. With one, a new revision starts after the old one has stopped.",
        json_schema_extra=list_map("name"),
        max_length=8,
    )
    replicas: Annotated[int, Field(ge=0, le=100)] = Field(
        default=1, description="Number of pods; with autoscaling only the number to begin with."
    )
    autoscaling: Autoscaling | None = Field(default=None, description="Scale by load.")
    health: Health | None = Field(default=None, description="When a pod counts as ready.")
    release: Release | None = Field(default=None, description="Command before traffic moves to a new revision.")
    drain: Drain | None = Field(default=None, description="How a pod leaves; a rollout drops no request.")
    domains: list[Domain] | None = Field(
        default=None, description="Own hosts.", json_schema_extra=list_map("host"), max_length=50
    )
    isolation: Literal["Standard", "GVisor"] = Field(
        default="Standard", description="GVisor runs the pods in a sandbox with a kernel of their own."
    )
    ttl: Duration | None = Field(
        default=None,
        description="Lifetime from the service's creation, such as `72h`: then all that it runs is removed.",
        json_schema_extra=between("1m", "87600h"),
    )
    suspend: bool = Field(default=False, description="Scale to zero until set to false again.")
    rebuild_token: str | None = Field(
        default=None, description="Any new value forces a new build without cache.", max_length=64
    )
    restarted_at: str | None = Field(default=None, description="Any new value rolls the pods.", max_length=64)

    model_config = ConfigDict(json_schema_extra=rules(*RULES))
