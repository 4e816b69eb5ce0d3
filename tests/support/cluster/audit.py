"""The API server's audit log: who wrote what."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Write:
    """One write that the API server was asked for."""

    user: str
    verb: str
    resource: str
    name: str


class AuditTail:
    """The writes that are logged from now on."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._from = log.stat().st_size

    def writes(self, user: str = "") -> list[Write]:
        """Every write since, of one user or of all; leases, and what is only tried (a dry run), left out."""
        with self._log.open("rb") as log:
            log.seek(self._from)
            text = log.read()
        found = []
        for line in text[: text.rfind(b"\n") + 1].splitlines():
            event = json.loads(line)
            target = event.get("objectRef", {})
            resource = "/".join(part for part in (target.get("resource", ""), target.get("subresource", "")) if part)
            who = event.get("impersonatedUser", event["user"])["username"]
            tried = "dryRun=All" in event["requestURI"]
            if resource != "leases" and not tried and user in {"", who}:
                found.append(Write(who, event["verb"], resource, target.get("name", "")))
        return found
