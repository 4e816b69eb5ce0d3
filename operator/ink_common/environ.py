"""Typed settings from environment variables: a frozen dataclass says what there is, `read` fills it.

A field `apps_port: int = 443` is the variable `INK_APPS_PORT`. Its annotation says how the text is parsed, its default
what an unset variable means (an empty one counts as unset), and a field without a default is required. What the type
does not say stands in `Annotated`: another variable (`Variable`), another parser (`Parsed`). A field that is itself a
dataclass is read in the same way. Fields with `repr=False` are secrets: they are taken as they are, unstripped, and no
error shows their value.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

PREFIX = "INK_"
MAX_SHOWN_CHARS = 80
"""Of a wrong value in an error."""
TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")

Parser = Callable[[str], Any]
"""Raises ValueError saying what it expected, such as `a whole number`; anything else it raises is a mistake of ours."""
T = TypeVar("T")


class SettingsError(ValueError):
    """The environment cannot be used: the text names every variable that is wrong, and what was expected."""


class Variable:
    """In `Annotated`: the variable's name, where it is not the field's."""

    def __init__(self, name: str) -> None:  # by hand: making a dataclass takes a millisecond of a builder's start
        self.name = name


class Parsed:
    """In `Annotated`: how the text is parsed."""

    def __init__(self, parser: Parser) -> None:
        self.parser = parser


def read(kind: type[T], environ: Mapping[str, str]) -> T:
    """The settings `kind` from an environment. Raises SettingsError with all that is wrong with it."""
    problems: list[str] = []
    settings = _read(kind, environ, problems)
    if problems:
        raise SettingsError("; ".join(problems))
    return settings  # type: ignore[no-any-return]


def variables(kind: type) -> tuple[str, ...]:
    """The names of all variables that `read` looks at for `kind`."""
    names: list[str] = []
    for each in fields(kind):
        target, name, parser = _plan(each)
        names += [name] if parser else variables(target)
    return tuple(names)


def _read(kind: Any, environ: Mapping[str, str], problems: list[str]) -> Any:
    known = len(problems)
    values: dict[str, Any] = {}
    for each in fields(kind):
        target, name, parser = _plan(each)
        if parser is None:
            values[each.name] = _read(target, environ, problems)
            continue
        text = environ.get(name, "")
        text = text.strip() if each.repr else text
        if text:
            try:
                values[each.name] = parser(text)
            except ValueError as expected:
                shown = f" is {text[:MAX_SHOWN_CHARS]!r}" if each.repr else ""
                problems.append(f"{name}{shown}: expected {expected}")
        elif each.default is MISSING and each.default_factory is MISSING:
            problems.append(f"{name} is not set")
    return kind(**values) if len(problems) == known else None


def _plan(each: Field[Any]) -> tuple[Any, str, Parser | None]:
    """Type, variable and parser of a field; without a parser it is a dataclass to be read in its turn."""
    target: Any = each.type
    marks: tuple[Any, ...] = ()
    while True:
        if get_origin(target) is Annotated:
            target, *more = get_args(target)
            marks = (*more, *marks)
        elif get_origin(target) in (Union, UnionType):
            (target,) = (part for part in get_args(target) if part is not NoneType)
        else:
            break
    name = next((mark.name for mark in marks if isinstance(mark, Variable)), f"{PREFIX}{each.name.upper()}")
    parser = next((mark.parser for mark in reversed(marks) if isinstance(mark, Parsed)), None)
    return target, name, parser or (None if is_dataclass(target) else parser_of(target))


def parser_of(target: Any) -> Parser:
    """How text becomes a value of this type. Raises KeyError for a type that needs a parser of its own."""
    if get_origin(target) is Literal:
        return one_of(*get_args(target))
    return PARSERS[target]


# Parsers, and makers of parsers
def whole(least: int = 0, most: int | None = None) -> Parser:
    """A whole number within bounds."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least or (most is not None and number > most):
            raise ValueError(f"a whole number from {least} to {most}" if most else f"a whole number, {least} or more")
        return number

    return parse


def number(text: str) -> float:
    """A finite number that is not negative."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError("a number, 0 or more")
    return value


def flag(text: str) -> bool:
    """Yes or no."""
    if text.lower() not in TRUE + FALSE:
        raise ValueError("true or false")
    return text.lower() in TRUE


def words(text: str) -> tuple[str, ...]:
    """`a,b, c`."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def pairs(text: str) -> dict[str, str]:
    """`key=value,key=value`."""
    split = [word.partition("=") for word in words(text)]
    if not all(separator for _, separator, _ in split):
        raise ValueError("key=value,key=value")
    return {key.strip(): value.strip() for key, _, value in split}


def json_object(text: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValueError("a JSON object")
    return value


def url(text: str) -> str:
    """An http:// or https:// URL, without a slash at its end."""
    if not text.startswith(("http://", "https://")):
        raise ValueError("an http:// or https:// URL")
    return text.rstrip("/")


def at_least(chars: int) -> Parser:
    """Text of so many characters, for secrets that must not be guessed."""

    def parse(text: str) -> str:
        if len(text) < chars:
            raise ValueError(f"at least {chars} characters")
        return text

    return parse


def one_of(*allowed: str) -> Parser:
    """One of these words."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return text

    return parse


PARSERS: dict[Any, Parser] = {
    str: str,
    int: whole(),
    float: number,
    bool: flag,
    Path: Path,
    tuple[str, ...]: words,
    frozenset[str]: lambda text: frozenset(words(text)),
    dict[str, str]: pairs,
    dict[str, Any]: json_object,
}
Url = Annotated[str, Parsed(url)]
Port = Annotated[int, Parsed(whole(0, 65535))]
Positive = Annotated[int, Parsed(whole(1))]
Secret32 = Annotated[str, Parsed(at_least(32))]
