"""What an image says of itself: labels, command, exposed ports. Pure."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ink_api.group import LABEL_INKFILE

from ink_builder.settings import BuildSource


def labels(source: BuildSource, build_id: str, config: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The labels of an image: where it comes from, and how it is run."""
    parts = urlsplit(source.url)
    plain = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return {
        "org.opencontainers.image.revision": source.commit,
        "org.opencontainers.image.source": plain,
        "ml.ink/build": build_id,
        # Set even when empty: the base image may have one of its own.
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
