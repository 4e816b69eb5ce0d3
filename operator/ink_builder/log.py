"""The build log: readable lines on stdout, bounded, without control characters and without secrets."""

import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol

MAX_LINE_CHARS = 2_000
MAX_BYTES = 1024 * 1024
RESERVED_BYTES = 32 * 1024
"""Kept back for the lines that say how the build ended, however much a step has printed."""

_MIN_SECRET_CHARS = 6
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_USERINFO = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/@:]*:[^\s/@]+@", re.IGNORECASE)


class Sink(Protocol):
    """Where lines go."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...


def clean(text: str) -> str:
    """One printable line: what a terminal would still show of it (the text after the last carriage return)."""
    text = _ESCAPES.sub("", text).rstrip("\r")
    text = text.rsplit("\r", 1)[-1]
    return _CONTROLS.sub("", text.replace("\t", "    ")).rstrip()


class Mask:
    """Replaces secrets by `***`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        parts = {line.strip() for secret in secrets for line in secret.splitlines()}
        known = sorted((p for p in parts if len(p) >= _MIN_SECRET_CHARS and "-----" not in p), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """`text` without the secrets, and without credentials in URLs."""
        if self._known is not None:
            text = self._known.sub("***", text)
        return _USERINFO.sub(r"\g<scheme>***@", text) if "://" in text else text


class BuildLog:
    """Writes lines with the time of day in UTC; drops what exceeds the limit and says so once."""

    def __init__(self, mask: Mask, sink: Sink | None = None, *, max_bytes: int = MAX_BYTES) -> None:
        self.mask = mask
        self._sink: Sink = sink if sink is not None else sys.stdout
        self._left = max_bytes - RESERVED_BYTES
        self._reserve = RESERVED_BYTES
        self._cut = False

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
            stamped = "… the log is longer than it may be: further lines are left out\n"
        self._sink.write(stamped)
        self._sink.flush()

    def tidy(self, text: str) -> str:
        """Cleaned, masked and cut to the length of a line."""
        text = self.mask(clean(text))
        return text if len(text) <= MAX_LINE_CHARS else text[: MAX_LINE_CHARS - 1] + "…"
