"""Names and configurations of images. Pure."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ink_api.group import LABEL_INKFILE

from ink_builder.settings import Source


def repository(reference: str) -> str:
    """`host:port/path` of `host:port/path:tag`."""
    head, _, name = reference.rpartition("/")
    return f"{head}/{name.split('@', 1)[0].split(':', 1)[0]}"


def labels(source: Source, build_id: str, config: Mapping[str, Any] | None = None) -> dict[str, str]:
    """What an image says of its origin, and of how it is run."""
    parts = urlsplit(source.url)
    plain = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return {
        "org.opencontainers.image.revision": source.commit,
        "org.opencontainers.image.source": plain,
        "ml.ink/build": build_id,
        # Also when there is none: a base image may have one of its own.
        LABEL_INKFILE: json.dumps(config or {}, sort_keys=True),
    }


def has_command(config: bytes) -> bool:
    """Whether an image configuration says what to run; True when it cannot be read."""
    process = _process(config)
    return process is None or bool(process.get("Entrypoint") or process.get("Cmd"))


def _process(config: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(config).get("config")
    except (ValueError, AttributeError):
        return None
    return found if isinstance(found, dict) else {}


def exposed_ports(config: bytes) -> tuple[int, ...]:
    """The TCP ports of an OCI image configuration, sorted; empty when it names none."""
    ports = (_process(config) or {}).get("ExposedPorts") or {}
    found = set()
    for port in ports:
        number, _, protocol = str(port).partition("/")
        if protocol in {"", "tcp"} and number.isdecimal():
            found.add(int(number))
    return tuple(sorted(found))
