"""Ports, public hosts, and when a pod counts as ready."""

from typing import Literal

from pydantic import ConfigDict, Field

from ink_api.model import ApiModel
from ink_api.quantities import Duration, between
from ink_api.schema import cel, pattern_message, rules

HOST_PATTERN = r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"
HOST_MESSAGE = pattern_message(
    "write a host name such as www.example.com: lower case, without scheme, path or trailing dot"
)


class Port(ApiModel):
    """A port that the application listens on."""

    name: str = Field(
        default="http",
        description="Name of the port.",
        pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$",
        max_length=15,
        json_schema_extra=pattern_message(
            "a port name begins with a letter, has only a-z, 0-9 and '-', and does not end with '-'"
        ),
    )
    port: int = Field(description="Port number in the container.", ge=1, le=65535)
    protocol: Literal["HTTP", "TCP"] = Field(default="HTTP", description="HTTP (including WebSocket) or TCP.")
    visibility: Literal["Public", "Private"] = Field(
        default="Public", description="Public: has a URL. Private: reachable only inside the project."
    )


class Domain(ApiModel):
    """A host of the tenant's own domain at which the service answers."""

    host: str = Field(
        description="Host in the zone of one of the tenant's InkDomains, such as `www.example.com`.",
        pattern=HOST_PATTERN,
        max_length=253,
        json_schema_extra=HOST_MESSAGE,
    )
    redirect_to: str | None = Field(
        default=None,
        description="Redirect permanently to this host instead of serving.",
        pattern=HOST_PATTERN,
        max_length=253,
        json_schema_extra=HOST_MESSAGE,
    )
    hsts: bool | None = Field(
        default=None, description="Send Strict-Transport-Security, so that browsers always use TLS from then on."
    )

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel("!has(self.redirectTo) || self.redirectTo != self.host", "redirectTo must differ from host")
        )
    )


class Health(ApiModel):
    """When the application counts as ready. Without it, as soon as its port accepts connections."""

    type: Literal["HTTP", "TCP", "MCP"] = Field(
        default="HTTP", description="HTTP requests `path`; TCP only connects; MCP initialises a session at `path`."
    )
    path: str | None = Field(
        default=None,
        description="Path that must answer with 2xx or 3xx. Defaults to `/`.",
        pattern=r"^/[^\s]*$",
        max_length=1024,
        json_schema_extra=pattern_message("write a path that begins with '/', such as /healthz"),
    )
    port: int | None = Field(default=None, description="Port to check. Defaults to the first port.", ge=1, le=65535)
    interval: Duration | None = Field(
        default=None,
        description="Time between two checks. Defaults to `5s`, or to `1s` for a plain TCP check.",
        json_schema_extra=between("1s", "1h"),
    )
    timeout: Duration | None = Field(
        default=None, description="Time limit of one check. Defaults to `2s`.", json_schema_extra=between("1s", "5m")
    )
    failure_threshold: int | None = Field(
        default=None,
        description="Consecutive failures before a pod counts as not ready. Defaults to 3, or to 15 for a plain TCP "
        "check with the default interval.",
        ge=1,
        le=100,
    )
    startup_grace: Duration | None = Field(
        default=None,
        description="How long the application may take to start before the start counts as failed. Defaults to `1m`.",
        json_schema_extra=between("0s", "24h"),
    )
    restart_on_failure: bool | None = Field(
        default=None,
        description="Restart a pod that was ready and then fails its checks. Off by default, so that a slow dependency "
        "does not restart every pod.",
    )

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel("!has(self.path) || self.type != 'TCP'", "type TCP does not use path: remove path, or use type HTTP")
        )
    )
