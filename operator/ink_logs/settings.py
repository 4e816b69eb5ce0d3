"""Settings of the reader of stored build logs, read once from `INK_…` environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from ink_common.environ import Port, Secret32, Url, Variable, read


@dataclass(frozen=True)
class Settings:
    """What the reader must know."""

    registry_url: Url
    """The port that is read with a password."""
    username: Annotated[str, Variable("INK_REGISTRY_USERNAME")]
    password: Annotated[str, Variable("INK_REGISTRY_PASSWORD")] = field(repr=False)
    token: Annotated[Secret32, Variable("INK_BUILD_LOGS_TOKEN")] = field(repr=False)
    """What callers must present."""
    host: Annotated[str, Variable("INK_LISTEN_HOST")] = "0.0.0.0"
    port: Port = 8080


def parse_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from the environment. Raises SettingsError naming every variable that is wrong."""
    return read(Settings, environ)
