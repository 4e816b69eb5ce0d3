"""The gateway's address and the API key: from flags, else the environment, else the file saved by `ink connect`."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ink_cli.errors import UsageError


@dataclass(frozen=True)
class Connection:
    """How to reach a gateway."""

    url: str
    key: str = field(repr=False)
    ca: str | None = None

    @property
    def mcp_url(self) -> str:
        """Address of the MCP endpoint."""
        return self.url.rstrip("/").removesuffix("/mcp") + "/mcp"


def path(environment: Mapping[str, str]) -> Path:
    """The file saved by `ink connect`."""
    base = environment.get("XDG_CONFIG_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".config")
    return Path(base) / "ink" / "config.json"


def resolve(url: str | None, key: str | None, ca: str | None, environment: Mapping[str, str]) -> Connection:
    """The connection to use. Raises UsageError naming what is missing."""
    saved = _saved(path(environment))
    url = url or environment.get("INK_URL") or saved.get("url")
    key = key or environment.get("INK_API_KEY") or saved.get("key")
    ca = ca or environment.get("INK_CA") or saved.get("ca")
    if not url:
        raise UsageError("no gateway is set: pass --url, set INK_URL, or run 'ink connect' once")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise UsageError(f"{url!r} is not a URL: pass one such as https://ink.example.com")
    if not key:
        raise UsageError("no API key is set: set INK_API_KEY, pass --key-file, or run 'ink connect' once")
    if ca and not Path(ca).is_file():
        raise UsageError(f"the CA file {ca!r} does not exist: pass the path of a PEM file")
    return Connection(url, key, ca)


def save(connection: Connection, environment: Mapping[str, str]) -> Path:
    """Write the file, readable only by its owner."""
    target = path(environment)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    ca = str(Path(connection.ca).resolve()) if connection.ca else None
    text = json.dumps({"url": connection.url, "key": connection.key, "ca": ca}, indent=2) + "\n"
    partial = target.with_suffix(".new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(target)
    return target


def _saved(file: Path) -> dict[str, str]:
    try:
        values = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read ({type(error).__name__}): run 'ink connect' again") from error
    return {key: value for key, value in values.items() if isinstance(value, str)}
