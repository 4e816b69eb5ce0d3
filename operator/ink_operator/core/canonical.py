"""Whether a live object is as wanted, decided locally, so that a steady state costs no write.

Two checks together: the hash of what was last applied (detects our own changes, removals included), and a comparison
of each desired field with the live one (detects changes by others). Fields that only others set are ignored.
"""

import hashlib
import json
from decimal import Decimal
from typing import Any

from ink_api.group import GROUP

from ink_operator.core.objects import Manifest, annotations_of

ANNOTATION_APPLIED = f"{GROUP}/applied"
"""Hash of the manifest as it was last applied."""

QUANTITY_FIELDS = frozenset({"limits", "requests", "hard", "default", "defaultRequest", "max", "min", "sizeLimit"})
SUFFIXES = {
    "m": Decimal("0.001"), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "": Decimal(1),
}  # fmt: skip


def parse_quantity(text: str) -> Decimal:
    """The number behind `500m`, `2` or `1.5Gi`. Raises ValueError for anything else."""
    number = text.rstrip("mkMGTi")
    suffix = text[len(number) :]
    if suffix not in SUFFIXES or not number.replace(".", "", 1).isdigit():
        raise ValueError(f"not a quantity: {text!r}")
    return Decimal(number) * SUFFIXES[suffix]


def fingerprint(value: Any) -> str:
    """16 hex digits naming a JSON value; the order of keys is irrelevant."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stamped(manifest: Manifest) -> Manifest:
    """The manifest with its own hash among its annotations."""
    meta = manifest["metadata"]
    annotations = {**(meta.get("annotations") or {}), ANNOTATION_APPLIED: fingerprint(manifest)}
    return {**manifest, "metadata": {**meta, "annotations": annotations}}


def settled(live: Manifest | None, wanted: Manifest) -> bool:
    """True when applying the `stamped` manifest would change nothing."""
    if live is None:
        return False
    if annotations_of(live).get(ANNOTATION_APPLIED) != annotations_of(wanted).get(ANNOTATION_APPLIED):
        return False
    return covers(live, wanted)


def covers(live: Any, wanted: Any, *, quantities: bool = False) -> bool:
    """True when `live` has everything in `wanted`; lists must agree in length and order.

    An empty or absent map or list in `live` equals an empty one in `wanted`, as the API server drops both.
    """
    if isinstance(wanted, dict):
        if not isinstance(live, dict):
            return not wanted and live is None
        return all(covers(live.get(k), v, quantities=quantities or k in QUANTITY_FIELDS) for k, v in wanted.items())
    if isinstance(wanted, list):
        if live is None:
            return not wanted
        return (
            isinstance(live, list)
            and len(live) == len(wanted)
            and all(covers(a, b, quantities=quantities) for a, b in zip(live, wanted, strict=True))
        )
    if live == wanted:
        return True
    if live is None:
        return wanted in (False, 0, "")
    return quantities and same_quantity(str(live), str(wanted))


def merge_patch_between(old: Any, new: Any) -> Any:
    """The JSON merge patch that turns `old` into `new`: fields missing from `new` are removed, at any depth."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    gone = {key: None for key in old if key not in new}
    return {**gone, **{key: merge_patch_between(old.get(key), value) for key, value in new.items()}}


def same_quantity(one: str, other: str) -> bool:
    """Whether two quantities are equal, such as `1000m` and `1`."""
    try:
        return parse_quantity(one) == parse_quantity(other)
    except ValueError:
        return False
