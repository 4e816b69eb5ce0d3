"""Settings of the gateway, read once from `INK_…` environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

from ink_common.environ import Parsed, Port, Secret32, Url, read, words


def _hosts(text: str) -> tuple[str, ...]:
    return words(text.lower())


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the gateway must know about the platform."""

    tenants_namespace: str = "ink-tenants"
    builds_namespace: str = "dp-builds"
    system_namespace: str = "dp-system"
    database_url: str = field(default="sqlite+aiosqlite:////data/gateway.db", repr=False)
    bootstrap_api_key: str | None = field(default=None, repr=False)
    bootstrap_workspace: str = "default"
    internal_token: str = field(repr=False)
    git_admin_token: str = field(repr=False)
    env_digest_key: Secret32 = field(repr=False)
    git_internal_api: Url = "http://git.dp-system.svc.cluster.local:8081"
    git_internal_url: Url = "http://git.dp-system.svc.cluster.local:8080"
    git_public_url: Url = "https://git.localhost:8443"
    build_logs_url: Url = ""
    build_logs_token: str = field(default="", repr=False)
    resolver_url: Url = "http://resolver.dp-system.svc.cluster.local:8080"
    public_url: Url = "https://localhost:8443"
    allowed_hosts: Annotated[tuple[str, ...], Parsed(_hosts)] = ()
    port: Port = 8080
    internal_port: Port = 8081
    listen: str = "0.0.0.0"
    log_level: str = "INFO"
    wait_seconds_max: int = 600

    @property
    def own_hosts(self) -> frozenset[str]:
        """Host names, without port and in lower case, under which the gateway itself is asked."""
        return frozenset({*self.allowed_hosts, (urlsplit(self.public_url).hostname or "").lower()} - {""})


def parse_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from the environment. Raises SettingsError naming every variable that is wrong."""
    return read(Settings, environ)
