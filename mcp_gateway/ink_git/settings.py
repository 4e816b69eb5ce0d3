"""Settings of the git server, read once from `INK_…` environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from ink_common.environ import Port, Positive, Secret32, Url, Variable, read


@dataclass(frozen=True)
class Settings:
    """What the git server must know. HS256 wants secrets of 32 bytes, and shorter tokens can be guessed."""

    signing_key: Annotated[Secret32, Variable("INK_GIT_SIGNING_KEY")] = field(repr=False)
    admin_token: Annotated[Secret32, Variable("INK_GIT_ADMIN_TOKEN")] = field(repr=False)
    internal_token: Secret32 = field(repr=False)
    push_events_url: Url = ""
    """Where push events go; empty: nobody listens, none are stored."""
    data: Path = Path("/data")
    repo_max_bytes: Positive = 1 << 30
    push_max_bytes: Positive = 512 << 20
    listen_host: str = "0.0.0.0"
    public_port: Port = 8080
    internal_port: Port = 8081
    request_timeout_seconds: Positive = 1800
    """A whole clone or push."""
    idle_timeout_seconds: Positive = 60
    """A client that neither sends nor receives for this long is disconnected."""
    max_processes: Positive = 12
    max_processes_per_workspace: Positive = 6

    @property
    def repositories(self) -> Path:
        """Directory that holds `<workspace>/<repo>.git`."""
        return self.data / "repos"

    @property
    def database(self) -> Path:
        """SQLite file: tokens, refs that were announced, events on their way."""
        return self.data / "git.db"


def parse_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from the environment. Raises SettingsError naming every variable that is wrong."""
    return read(Settings, environ)
