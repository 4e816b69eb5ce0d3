"""The result of a build as one JSON object, small enough for a termination message."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ink_builder.errors import BuildError

MAX_BYTES = 4_096
EXIT_OK, EXIT_USER, EXIT_INFRASTRUCTURE = 0, 1, 75
_MAX_MESSAGE_CHARS = 700
_LINE_CHARS = (400, 240, 160, 100)
"""Limits for a line of the log: the longest with which all lines fit is taken."""
_LISTED = (5, 3, 1, 0)
"""Limits for the findings of each kind: the highest that fits is taken."""


@dataclass(frozen=True)
class Success:
    """An image that was pushed. Timings are in seconds; `ports` are those that the image exposes."""

    repository: str
    digest: str
    pack: str
    ports: tuple[int, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
    config: dict[str, Any] | None = None
    """What ink.yaml sets beyond the build: command, args, ports, health, resources."""
    scan: dict[str, Any] | None = None
    finished: str = ""
    """RFC 3339, in UTC, without fractions of a second."""


def success(done: Success) -> dict[str, Any]:
    """The verdict of a successful build."""
    verdict = {
        "ok": True,
        "image": f"{done.repository}@{done.digest}",
        "digest": done.digest,
        "pack": done.pack,
        "ports": list(done.ports),
        "timings": {name: round(seconds, 3) for name, seconds in done.timings.items()},
        **({"config": done.config} if done.config else {}),
        **({"finished": done.finished} if done.finished else {}),
    }
    return verdict | ({"scan": done.scan} if done.scan is not None else {})


def failure(error: BuildError) -> dict[str, Any]:
    """The verdict of a failed build."""
    return {
        "ok": False,
        "reason": str(error.reason),
        "message": _shorten(str(error), _MAX_MESSAGE_CHARS),
        "log": [_shorten(line, _LINE_CHARS[0]) for line in error.lines],
        "infrastructure": error.infrastructure,
    } | ({"scan": dict(error.scan)} if error.scan is not None else {})


def exit_code(verdict: dict[str, Any]) -> int:
    """0, 1 (the user has to fix something) or 75 (worth a retry)."""
    if verdict["ok"]:
        return EXIT_OK
    return EXIT_INFRASTRUCTURE if verdict["infrastructure"] else EXIT_USER


def encode(verdict: dict[str, Any]) -> bytes:
    """At most MAX_BYTES bytes. Findings and log lines are shortened first; then the earliest lines are dropped."""
    for smaller in _smaller(verdict):
        if len(data := _json(smaller)) <= MAX_BYTES:
            return data
    return _encode_message_only(verdict)


def _smaller(verdict: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Shorter and shorter versions, the fullest first."""
    lines: Sequence[str] = verdict.get("log", ())
    scan: Mapping[str, Any] | None = verdict.get("scan")
    for limit in _LINE_CHARS:
        cut = {**verdict, "log": [_shorten(line, limit) for line in lines]} if lines else verdict
        for listed in _LISTED:
            yield cut if scan is None else {**cut, "scan": fewer(scan, listed)}
    for first in range(1, len(lines)):
        yield {**cut, "log": cut["log"][first:], **({"scan": fewer(scan, 0)} if scan is not None else {})}


def fewer(scan: Mapping[str, Any], listed: int) -> dict[str, Any]:
    """The scan with at most `listed` findings of each kind; the others are counted."""
    shown = {kind: scan[kind][:listed] for kind in ("worst", "secrets") if scan.get(kind)}
    more = scan.get("more", 0) + sum(len(scan[kind]) - len(shown[kind]) for kind in shown)
    inside = {"image": fewer(scan["image"], listed)} if scan.get("image") else {}
    return {**scan, **shown, **inside, **({"more": more} if more else {})}


def _json(verdict: dict[str, Any]) -> bytes:
    return json.dumps(verdict, ensure_ascii=False, separators=(",", ":")).encode()


def write(verdict: dict[str, Any], path: Path) -> None:
    """Write the verdict to where the kubelet, and so the operator, reads it."""
    path.write_bytes(encode(verdict))


def _encode_message_only(verdict: dict[str, Any]) -> bytes:
    bare = {
        **verdict,
        "message": _shorten(str(verdict.get("message", "")), 200),
        "ports": verdict.get("ports", [])[:20],
    }
    bare.pop("log", None)
    bare.pop("scan", None)
    return _json(bare)


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
