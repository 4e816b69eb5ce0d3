"""Quantities, durations and schedules as validated strings."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from ink_api.schema import cel, pattern_message, rules

QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
DURATION_PATTERN = r"^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"
SCHEDULE_PATTERN = (
    r"^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[0-9A-Za-z*,/?-]+( [0-9A-Za-z*,/?-]+){4})$"
)


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Quantity = Annotated[
    str,
    Field(
        pattern=QUANTITY_PATTERN,
        max_length=20,
        json_schema_extra={
            "x-kubernetes-int-or-string": True,
            **pattern_message("write a quantity such as 2, 500m, 256Mi or 1Gi"),
        },
    ),
    BeforeValidator(_as_text),
]
"""As in a Pod, a whole number needs no quotes: `cpu: 2`."""
_DURATION_MESSAGE = pattern_message("write a duration such as 90s, 15m or 1h30m")
Duration = Annotated[
    str, Field(pattern=DURATION_PATTERN, max_length=20, min_length=2, json_schema_extra=_DURATION_MESSAGE)
]


def _where_readable(rule: str) -> str:
    """The pattern rejects a value that is not a duration; the rule must not fail on it as well."""
    return f"!self.matches(r'{DURATION_PATTERN}') || {rule}"


def between(least: str, most: str) -> dict[str, Any]:
    """Schema extension: the shortest and the longest duration that a field accepts."""
    rule = f"(duration(self) >= duration('{least}') && duration(self) <= duration('{most}'))"
    return rules(cel(_where_readable(rule), f"must be from {least} to {most}"))


def _cron_field(value: str) -> str:
    item = rf"(([*?]|{value}(-{value})?)(/[0-9]+)?)"
    return f"{item}(,{item})*"


_CRON_FIELDS = (
    "[0-5]?[0-9]",
    "([01]?[0-9]|2[0-3])",
    "(0?[1-9]|[12][0-9]|3[01])",
    "(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)",
    "([0-6]|SUN|MON|TUE|WED|THU|FRI|SAT)",
)
_CRON_RULE = "^(@.*|" + " ".join(_cron_field(value) for value in _CRON_FIELDS) + ")$"
Schedule = Annotated[
    str,
    Field(
        pattern=SCHEDULE_PATTERN,
        max_length=100,
        json_schema_extra={
            **pattern_message(
                "write five fields, such as '*/15 * * * *', or one of @hourly, @daily, @weekly, @monthly, @yearly"
            ),
            **rules(
                cel(
                    f"!self.matches(r'{SCHEDULE_PATTERN}') || self.upperAscii().matches(r'{_CRON_RULE}')",
                    "the five fields are minute (0-59), hour (0-23), day (1-31), month (1-12 or JAN-DEC) and weekday "
                    "(0-6 or SUN-SAT)",
                )
            ),
        },
    ),
]


_UNITS = {"": Decimal(1), "m": Decimal("0.001"), **{unit: Decimal(1000) ** n for n, unit in enumerate("kMGT", 1)}}
_UNITS |= {f"{unit}i": Decimal(1024) ** n for n, unit in enumerate("KMGT", 1)}


def amount(quantity: str) -> Decimal:
    """The number behind a quantity such as `500m`, `2` or `1.5Gi`."""
    number = quantity.rstrip("mkMGTKi")
    return Decimal(number) * _UNITS[quantity[len(number) :]]


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
