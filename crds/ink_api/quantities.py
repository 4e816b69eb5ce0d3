"""Kubernetes quantities and durations as validated strings."""

from typing import Annotated

from pydantic import Field

QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
DURATION_PATTERN = r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?$"

Quantity = Annotated[str, Field(pattern=QUANTITY_PATTERN, max_length=20)]
Duration = Annotated[str, Field(pattern=DURATION_PATTERN, max_length=20, min_length=2)]


def seconds(duration: str) -> int:
    """Length of a duration such as `90s`, `10m` or `1h30m`, in whole seconds."""
    total, number = 0, ""
    for character in duration:
        if character.isdigit():
            number += character
        else:
            total += int(number) * {"h": 3600, "m": 60, "s": 1}[character]
            number = ""
    return total
