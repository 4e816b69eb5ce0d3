"""Settings of the resolver, read once from `INK_…` environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from ink_common.environ import Parsed, Port, Variable, read, url
from ink_common.public_addresses import Network, parse_networks
from yarl import URL


def _internal(text: str) -> URL:
    try:
        found = URL(url(text))
    except ValueError:
        found = URL()
    if not found.host:
        raise ValueError("an http:// or https:// URL")
    return found


@dataclass(frozen=True)
class Settings:
    """What the resolver must know."""

    internal: Annotated[URL | None, Variable("INK_GIT_INTERNAL_URL"), Parsed(_internal)] = None
    """Ink's own git server: the only address that may be private."""
    denied: Annotated[tuple[Network, ...], Variable("INK_DENIED_CIDRS"), Parsed(parse_networks)] = ()
    """Refused as well: the cluster's own public addresses."""
    host: Annotated[str, Variable("INK_LISTEN_HOST")] = "0.0.0.0"
    port: Port = 8080


def parse_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from the environment. Raises SettingsError naming every variable that is wrong."""
    return read(Settings, environ)
