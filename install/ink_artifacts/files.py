"""Files that another run reads after this one was killed."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, data: str | bytes, *, mode: int = 0o600) -> None:
    """Write the whole file or, when killed or out of room, leave the old one as it was.

    Nothing is written when the content is the same: a component restarts when its files change. `mode` is that of a new
    file and of a changed one.
    """
    content = data.encode() if isinstance(data, str) else data
    if path.exists() and path.read_bytes() == content:
        return
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    draft.replace(path)
