"""The build log: readable lines on stdout, bounded, without control characters and without secrets."""

import base64
import json
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import quote, quote_plus

MAX_LINE_CHARS = 2_000
MAX_BYTES = 1024 * 1024
RESERVED_BYTES = 32 * 1024
"""Reserved for the lines that say how the build ended, however much a step has printed."""

_MIN_SECRET_CHARS = 6
_MIN_ENCODED_CHARS = 8
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What would move the cursor, forge a line or reverse the direction of text."""
_USERINFO = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)(?:[^\s/@:]*:[^\s/@]+|[^\s/@:]{16,})@", re.IGNORECASE)
_FIELDS = re.compile(
    r"(?P<head>(?i:authorization:\s*(?:bearer|basic|token)\s+"
    r"|[?&](?:access_|auth_|private_)?(?:token|key|secret|password)=|_(?:authToken|password|auth)\s*=\s*))[^\s&'\"]{6,}"
)
_TOKENS = re.compile(
    r"\b(?P<head>gh[pousr]_|github_pat_|glpat-|npm_|pypi-|xox[abprs]-|sk_live_|dk_live_|mlg_|dckr_pat_|AKIA)"
    r"[A-Za-z0-9_-]{16,}"
)
"""Prefixes by which services mark their tokens."""


class Sink(Protocol):
    """Where lines go."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...


def clean(text: str) -> str:
    """One printable line: what a terminal would still show of it (the text after the last carriage return)."""
    text = _ESCAPES.sub("", text).rstrip("\r")
    text = text.rsplit("\r", 1)[-1]
    return _CONTROLS.sub("", text.replace("\t", "    ").replace("\n", " ")).rstrip()


class Mask:
    """Replaces secrets by `***`: the given ones, plain and encoded, and whatever looks like a token."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        parts = {line.strip() for secret in secrets for line in secret.splitlines()}
        known = {part for part in parts if len(part) >= _MIN_SECRET_CHARS and "-----" not in part}
        forms = sorted({form for part in known for form in _forms(part)}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, forms))) if forms else None

    def __call__(self, text: str) -> str:
        """`text` without the secrets, and without credentials in URLs and headers."""
        if self._known is not None:
            text = self._known.sub("***", text)
        if "://" in text:
            text = _USERINFO.sub(r"\g<scheme>***@", text)
        return _TOKENS.sub(r"\g<head>***", _FIELDS.sub(r"\g<head>***", text))


def _forms(secret: str) -> Iterable[str]:
    """The forms in which programs print a secret."""
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    data = secret.encode()
    for shift in range(3):
        # Base64 of a longer text (`user:secret`) holds the secret's middle in one of three forms.
        encoded = base64.b64encode(b"\0" * shift + data)
        inner = encoded[4 if shift else 0 : len(encoded) - 4 if (shift + len(data)) % 3 else None].decode()
        if len(inner) >= _MIN_ENCODED_CHARS:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


class BuildLog:
    """Writes lines with the time of day in UTC, and stores them; drops what exceeds the limit, and says so once."""

    def __init__(self, mask: Mask, sink: Sink | None = None, *, max_bytes: int = MAX_BYTES) -> None:
        self.mask = mask
        self._sink: Sink = sink if sink is not None else sys.stdout
        self._left = max_bytes - RESERVED_BYTES
        self._reserve = RESERVED_BYTES
        self._cut = False
        self._written: list[str] = []

    def line(self, text: str, *, important: bool = False) -> None:
        """Print one line; `important` lines are printed even when the limit is reached."""
        text = self.tidy(text)
        stamped = f"{datetime.now(UTC).strftime('%H:%M:%S.%f')[:12]} {text}\n"
        size = len(stamped.encode())
        if size <= self._left:
            self._left -= size
        elif important and size <= self._reserve:
            self._reserve -= size
        else:
            if self._cut:
                return
            self._cut = True
            stamped = "… the log has reached its size limit: further lines are omitted\n"
        self._written.append(stamped)
        self._sink.write(stamped)
        self._sink.flush()

    def text(self) -> str:
        """Everything that was printed."""
        return "".join(self._written)

    def tidy(self, text: str) -> str:
        """Cleaned, masked and truncated to the length of a line."""
        text = self.mask(clean(text))
        return text if len(text) <= MAX_LINE_CHARS else text[: MAX_LINE_CHARS - 1] + "…"
