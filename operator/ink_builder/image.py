"""Names and configurations of images. Pure."""

import json


def repository(reference: str) -> str:
    """`host:port/path` of `host:port/path:tag`."""
    head, _, name = reference.rpartition("/")
    return f"{head}/{name.split('@', 1)[0].split(':', 1)[0]}"


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
