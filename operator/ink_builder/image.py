"""Names and configurations of images. Pure."""

import json
from urllib.parse import urlsplit, urlunsplit

from ink_builder.settings import Source


def repository(reference: str) -> str:
    """`host:port/path` of `host:port/path:tag`."""
    head, _, name = reference.rpartition("/")
    return f"{head}/{name.split('@', 1)[0].split(':', 1)[0]}"


def labels(source: Source, build_id: str) -> dict[str, str]:
    """What an image says of its origin."""
    parts = urlsplit(source.url)
    plain = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return {
        "org.opencontainers.image.revision": source.commit,
        "org.opencontainers.image.source": plain,
        "ml.ink/build": build_id,
    }


def exposed_ports(config: bytes) -> tuple[int, ...]:
    """The TCP ports of an OCI image configuration, sorted; empty when it names none."""
    try:
        ports = (json.loads(config).get("config") or {}).get("ExposedPorts") or {}
    except (ValueError, AttributeError):
        return ()
    found = set()
    for port in ports:
        number, _, protocol = str(port).partition("/")
        if protocol in {"", "tcp"} and number.isdecimal():
            found.add(int(number))
    return tuple(sorted(found))
