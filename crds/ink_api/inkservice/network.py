"""Ports, public hosts, and when a pod counts as ready."""

from typing import Literal

from pydantic import ConfigDict, Field

from ink_api.model import ApiModel
from ink_api.quantities import Duration, between
from ink_api.schema import cel, rules, says

HOST_PATTERN = r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"
HOST_SAYS = says("write a host name such as www.example.com: lower case, no scheme, no path, no final dot")


class Port(ApiModel):
    """A port that the application listens on."""

    name: str = Field(
        default="http",
        description="Name of the port.",
        pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$",
        max_length=15,
        json_schema_extra=says("a name of a port begins with a letter and has a-z, 0-9 and '-'"),
    )
    port: int = Field(description="Port number in the container.", ge=1, le=65535)
    protocol: Literal["HTTP", "TCP"] = Field(default="HTTP", description="HTTP (also WebSocket) or TCP.")
    visibility: Literal["Public", "Private"] = Field(
        default="Public", description="Public: has a URL. Private: reachable inside the project only."
    )


class Domain(ApiModel):
    """A host of the tenant's own under which the service answers."""

    host: str = Field(
        description="Host below the zone of an InkDomain of this tenant, such as `www.example.com`.",
        pattern=HOST_PATTERN,
        max_length=253,
        json_schema_extra=HOST_SAYS,
    )
    redirect_to: str | None = Field(
        default=None,
        description="Answer with a permanent redirect to this host instead.",
        pattern=HOST_PATTERN,
        max_length=253,
        json_schema_extra=HOST_SAYS,
    )
    hsts: bool | None = Field(
        default=None, description="Send Strict-Transport-Security, so that browsers never ask without TLS again."
    )

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel("!has(self.redirectTo) || self.redirectTo != self.host", "redirectTo must be another host")
        )
    )


class Health(ApiModel):
    """When the application counts as ready. Without it: as soon as its port accepts connections."""

    type: Literal["HTTP", "TCP", "MCP"] = Field(
        default="HTTP", description="HTTP asks for `path`; TCP only connects; MCP initialises a session at `path`."
    )
    path: str | None = Field(
        default=None,
        description="Path that answers 2xx or 3xx; default `/`.",
        pattern=r"^/[^\s]*$",
        max_length=1024,
        json_schema_extra=says("write a path that begins with '/', such as /healthz"),
    )
    port: int | None = Field(default=None, description="Port to ask; default the first port.", ge=1, le=65535)
    interval: Duration | None = Field(
        default=None,
        description="Time between two checks; default `5s`, where only a connection is asked for `1s`.",
        json_schema_extra=between("1s", "1h"),
    )
    timeout: Duration | None = Field(
        default=None, description="Limit of one check; default `2s`.", json_schema_extra=between("1s", "5m")
    )
    failure_threshold: int | None = Field(
        default=None, description="Failures in a row that count; default 3, of checks once a second 15.", ge=1, le=100
    )
    startup_grace: Duration | None = Field(
        default=None,
        description="How long a start may take before it has failed; default `1m`.",
        json_schema_extra=between("0s", "24h"),
    )
    restart_on_failure: bool | None = Field(
        default=None,
        description="Restart a pod that was ready and fails its checks. Off by default: a slow dependency must not "
        "restart every pod.",
    )

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel("!has(self.path) || self.type != 'TCP'", "path is not used by type TCP: remove path or use type HTTP")
        )
    )
