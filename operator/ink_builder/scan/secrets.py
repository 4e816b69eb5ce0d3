"""Finds committed secrets, with the expressions of detect-secrets."""

import re
import time
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from ink_planner.model.files import Files

from ink_builder.scan.model import SecretFinding, Severity

_DETECTORS = (
    "aws", "azure_storage_key", "discord", "github_token", "gitlab_token", "mailchimp", "npm", "openai", "private_key",
    "pypi_token", "sendgrid", "slack", "square_oauth", "stripe", "telegram_token", "twilio",
)  # fmt: skip
"""Only detectors for the token formats of services: guesses by entropy or variable names give false alarms."""
_MAX_FILE_BYTES = 512 * 1024
_MAX_TOTAL_BYTES = 64 * 1024 * 1024
_MAX_SECONDS = 20.0
_MAX_FINDINGS = 50
_SKIPPED = re.compile(
    r"(?:^|/)(?:vendor|third_party|dist|\.yarn)/|\.(?:lock|min\.js|map|svg|png|jpe?g|gif|webp|ico|woff2?|ttf|pdf|zip|gz|jar|wasm)$"
    r"|(?:^|/)(?:package-lock\.json|pnpm-lock\.yaml|go\.sum|poetry\.lock|uv\.lock)$",
    re.IGNORECASE,
)
_PRACTICE = re.compile(
    r"(?:^|[/_.-])(?:tests?|specs?|fixtures?|examples?|samples?|docs?|mocks?|testdata)(?:[/_.-]|$)", re.IGNORECASE
)
_EXAMPLE = re.compile(r"EXAMPLE|XXXX|0{12}|1234567890|abcdefghij|placeholder|your[_-]", re.IGNORECASE)
_ALLOWED = re.compile(r"pragma: ?allowlist secret")


@cache
def _expressions() -> Sequence[tuple[str, re.Pattern[str]]]:
    """The names of the kinds of secrets, and their expressions."""
    found: list[tuple[str, re.Pattern[str]]] = []
    for name in _DETECTORS:
        module = import_module(f"detect_secrets.plugins.{name}")
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__ and hasattr(value, "denylist"):
                detector: Any = value()
                found += [(str(detector.secret_type), expression) for expression in detector.denylist]
    return found


def find(root: Path, files: Files) -> list[SecretFinding]:
    """Whatever looks like a secret, by file and line. Bounded in findings, bytes and time."""
    findings: list[SecretFinding] = []
    deadline = time.monotonic() + _MAX_SECONDS
    left = _MAX_TOTAL_BYTES
    for path in sorted(files.paths):
        if _SKIPPED.search(path):
            continue
        content = text(root, path, _MAX_FILE_BYTES)
        left -= len(content)
        for line, what in look(content):
            severity = Severity.LOW if _PRACTICE.search(path) else Severity.HIGH
            message = f"committed secret: {what} in {path!r} line {line}"
            findings.append(SecretFinding(severity, message, path, line, what))
        if left < 0 or time.monotonic() > deadline or len(findings) >= _MAX_FINDINGS:
            break
    return findings


def look(content: str) -> Iterator[tuple[int, str]]:
    """Line and kind of each secret in a text; each line is reported once."""
    reported: set[int] = set()
    for what, expression in _expressions():
        for match in expression.finditer(content):
            number = content.count("\n", 0, match.start()) + 1
            begin = content.rfind("\n", 0, match.start()) + 1
            end = content.find("\n", match.end())
            whole = content[begin : end if end >= 0 else len(content)]
            if number not in reported and not _EXAMPLE.search(match[0]) and not _ALLOWED.search(whole):
                reported.add(number)
                yield number, what


def text(root: Path, path: str, most_bytes: int) -> str:
    """The text of a file; empty for binary ones, large ones, links out of the tree."""
    place = root / path
    try:
        if place.is_symlink() or not place.is_file() or place.stat().st_size > most_bytes:
            return ""
        data = place.read_bytes()
    except OSError:
        return ""
    return "" if b"\0" in data[:8192] else data.decode(errors="replace")
