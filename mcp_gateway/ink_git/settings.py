"""Settings from the environment, parsed once into a frozen object."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIN_KEY_LENGTH = 32
"""Minimum length of a secret: HS256 needs 32 bytes, and shorter tokens could be guessed."""


class SettingsError(Exception):
    """Invalid environment; the text names every wrong variable and the problem."""


@dataclass(frozen=True)
class Settings:
    """The settings of the process. Secrets are left out of repr()."""

    data: Path
    signing_key: str
    admin_token: str
    internal_token: str
    push_events_url: str
    """Where push events are sent; empty: none are stored or sent."""
    repo_max_bytes: int = 1 << 30
    push_max_bytes: int = 512 << 20
    listen_host: str = "0.0.0.0"
    public_port: int = 8080
    internal_port: int = 8081
    request_timeout_seconds: float = 1800
    """A whole clone or push."""
    idle_timeout_seconds: float = 60
    """A client that neither sends nor reads for this long is disconnected."""
    max_processes: int = 12
    max_processes_per_workspace: int = 6

    def __repr__(self) -> str:
        return f"Settings(data={self.data!s}, ports={self.public_port},{self.internal_port})"

    @property
    def repositories(self) -> Path:
        """Directory that holds `<workspace>/<repo>.git`."""
        return self.data / "repos"

    @property
    def database(self) -> Path:
        """SQLite file: tokens, recorded refs, undelivered events."""
        return self.data / "git.db"


NUMBERS = {
    "INK_REPO_MAX_BYTES": "repo_max_bytes",
    "INK_PUSH_MAX_BYTES": "push_max_bytes",
    "INK_PUBLIC_PORT": "public_port",
    "INK_INTERNAL_PORT": "internal_port",
    "INK_REQUEST_TIMEOUT_SECONDS": "request_timeout_seconds",
    "INK_IDLE_TIMEOUT_SECONDS": "idle_timeout_seconds",
    "INK_MAX_PROCESSES": "max_processes",
    "INK_MAX_PROCESSES_PER_WORKSPACE": "max_processes_per_workspace",
}
"""Optional variables: positive whole numbers."""

SECRETS = {
    "INK_GIT_SIGNING_KEY": "signing_key",
    "INK_GIT_ADMIN_TOKEN": "admin_token",
    "INK_INTERNAL_TOKEN": "internal_token",
}


def from_environment(env: Mapping[str, str]) -> Settings:
    """Settings from `INK_…` variables. Raises SettingsError naming everything that is wrong at once."""
    problems: list[str] = []
    values: dict[str, Any] = {}
    for variable, field in NUMBERS.items():
        text = env.get(variable, "")
        if text and not (text.isdecimal() and int(text) > 0):
            problems.append(f"{variable}={text!r} is not a positive whole number")
        elif text:
            values[field] = int(text)
    secrets: dict[str, Any] = {field: env.get(variable, "").strip() for variable, field in SECRETS.items()}
    problems += [
        f"{variable} is missing or shorter than {MIN_KEY_LENGTH} characters"
        for variable, field in SECRETS.items()
        if len(secrets[field].encode()) < MIN_KEY_LENGTH
    ]
    url = env.get("INK_PUSH_EVENTS_URL", "").strip()
    if url and not url.startswith(("http://", "https://")):
        problems.append("INK_PUSH_EVENTS_URL is not an http:// or https:// address")
    if problems:
        raise SettingsError("; ".join(problems))
    return Settings(
        data=Path(env.get("INK_DATA", "/data")),
        push_events_url=url,
        listen_host=env.get("INK_LISTEN_HOST", "0.0.0.0"),
        **secrets,
        **values,
    )
