"""Formats answers for people at a terminal. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

FIELDS = (
    ("state", "state"), ("url", "url"), ("reason", "reason"), ("message", "message"), ("remedy", "remedy"),
    ("next_step", "next"), ("repo", "repo"), ("branch", "branch"), ("commit", "commit"), ("image", "image"),
    ("replicas", "replicas"), ("port", "port"), ("memory", "memory"), ("cpu", "cpu"), ("private_url", "private url"),
)  # fmt: skip


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their longest cell; the first row is the heading."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def services(answer: Mapping[str, Any]) -> str:
    """list_services."""
    columns = ("name", "project", "state", "url", "commit", "reason")
    rows = [[str(service.get(column) or "-") for column in columns] for service in answer["services"]]
    return (
        table([[column.upper() for column in columns], *rows])
        if rows
        else "no services yet: run 'ink deploy REPO NAME' to create one"
    )


def service(answer: Mapping[str, Any]) -> str:
    """get_service, create_service."""
    lines = [f"{answer['name']} (project {answer['project']})"]
    lines += [f"  {label + ':':<13}{answer[key]}" for key, label in FIELDS if answer.get(key) not in (None, "")]
    if answer.get("env_names"):
        lines.append(f"  {'env:':<13}{', '.join(answer['env_names'])}")
    if answer["state"] == "failed" and answer.get("serving"):
        lines.append("  an older revision still serves traffic")
    for key, title in (("deploy_log", "build"), ("runtime_log", "application")):
        if answer.get(key):
            lines += [f"  --- log of the {title} ---", *(f"  {line}" for line in answer[key])]
    return "\n".join(lines)


def plain(answer: Mapping[str, Any]) -> str:
    """Any small answer, one field per line."""
    width = max(len(key) for key in answer) + 2
    return "\n".join(f"{key + ':':<{width}}{_text(value)}" for key, value in answer.items())


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
