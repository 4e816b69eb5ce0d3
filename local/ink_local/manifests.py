"""The manifests of the node's own pods: YAML files with a few places to fill in."""

from __future__ import annotations

import string
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "manifests"


def rendered(file: str, **values: str) -> str:
    """A manifest with its `${NAME}` places filled in. Raises KeyError for a place without a value."""
    return string.Template((FOLDER / file).read_text()).substitute(values)
