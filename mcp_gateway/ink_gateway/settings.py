"""Settings of the process, read once from `INK_…` environment variables into a frozen object."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

PREFIX = "INK_"


class SettingsError(Exception):
    """A setting is missing or invalid; the text names the variable but never its value."""


class Settings(BaseModel):
    """The gateway's settings. Every field is set by the variable of its name with the prefix `INK_`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tenants_namespace: str = "ink-tenants"
    builds_namespace: str = "dp-builds"
    system_namespace: str = "dp-system"
    database_url: SecretStr = SecretStr("sqlite+aiosqlite:////data/gateway.db")
    bootstrap_api_key: SecretStr | None = None
    bootstrap_workspace: str = "default"
    internal_token: SecretStr
    git_admin_token: SecretStr
    env_digest_key: SecretStr = Field(min_length=32)
    git_internal_api: str = "http://git.dp-system.svc.cluster.local:8081"
    git_internal_url: str = "http://git.dp-system.svc.cluster.local:8080"
    git_public_url: str = "https://git.localhost:8443"
    build_logs_url: str = ""
    build_logs_token: SecretStr = SecretStr("")
    resolver_url: str = "http://resolver.dp-system.svc.cluster.local:8080"
    public_url: str = "https://localhost:8443"
    allowed_hosts: tuple[str, ...] = ()
    port: int = Field(default=8080, ge=0, le=65535)
    internal_port: int = Field(default=8081, ge=0, le=65535)
    listen: str = "0.0.0.0"
    log_level: str = "INFO"
    wait_seconds_max: int = Field(default=600, ge=0)

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(h.strip().lower() for h in value.split(",") if h.strip()) if isinstance(value, str) else value

    @field_validator(
        "git_internal_api", "git_internal_url", "git_public_url", "resolver_url", "build_logs_url", "public_url"
    )
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @property
    def own_hosts(self) -> frozenset[str]:
        """The gateway's own host names, without port and in lower case."""
        return frozenset({*self.allowed_hosts, (urlsplit(self.public_url).hostname or "").lower()} - {""})


def load(environment: Mapping[str, str]) -> Settings:
    """Settings from an environment; an empty variable counts as unset. Raises SettingsError naming all invalid ones."""
    values = {
        key.removeprefix(PREFIX).lower(): value
        for key, value in environment.items()
        if key.startswith(PREFIX) and value != ""
    }
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(f"{PREFIX}{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"set these environment variables: {wrong}") from None
