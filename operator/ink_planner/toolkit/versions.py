"""Which version of a language is used: the one asked for, of those that the platform has."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ink_planner.model.base_images import BaseImage, BaseImages
from ink_planner.model.errors import NoBaseImage, Unsatisfiable
from ink_planner.model.plan import Version
from ink_planner.toolkit.quoting import shown

Number = tuple[int, ...]
Dialect = Literal["npm", "python", "ruby"]
"""How `~` and `<=` are meant: npm's ranges; PEP 440; Ruby, Elixir and Composer."""

_NEWEST = 10**9
_OPERATOR = r"(?:===|==|=|~=|~>|!=|<=|>=|<|>|\^|~)"
_CLAUSE = re.compile(
    rf"(?P<op>{_OPERATOR})?\s*v?(?P<number>\d+(?:\.(?:\d+|[xX*]))*|[xX*])(?P<rest>[-+a-zA-Z][\w.+-]*)?"
)
_HYPHEN = re.compile(r"(\d[\w.]*)\s+-\s+(\d[\w.]*)")
MAX_TEXT = 200


@dataclass(frozen=True)
class VersionConstraint:
    """A version that a file asks for. `pin`: one version, of which a near one will do; else a range.

    `strict`: the language's own tools refuse to work outside the range.
    """

    text: str
    source: str
    pin: bool = False
    strict: bool = False


@dataclass(frozen=True)
class VersionRules:
    """How versions of a language are compared. `majors`: a newer major version runs what an older one did."""

    label: str
    dialect: Dialect = "npm"
    majors: bool = True
    behind: int = 0
    """By how many major versions an older one may still stand in for one that is not available."""


def number_of(text: str) -> Number | None:
    """The first version number in a text: `v20.11.1` is (20, 11, 1)."""
    found = re.search(r"\d+(?:\.\d+)*", text[:MAX_TEXT])
    return tuple(int(part) for part in found[0].split(".")[:4] if len(part) < 9) or None if found else None


def choose(
    images: BaseImages, tool: str, rules: VersionRules, constraints: Sequence[VersionConstraint]
) -> tuple[BaseImage, Version]:
    """The base images to use and the words for it. Raises NoBaseImage, Unsatisfiable."""
    bases = images.of(tool)
    default = images.default(tool)
    if default is None:
        raise NoBaseImage(f"this platform has no base image for {rules.label}: add a Dockerfile")
    for constraint in constraints:
        if not constraint.pin and constraint.strict:
            bases = tuple(base for base in bases if allows(constraint.text, base.number, rules.dialect))
            if not bases:
                raise _unsatisfiable(rules, constraint, images.of(tool))
    pin = next((constraint for constraint in constraints if constraint.pin and number_of(constraint.text)), None)
    if pin is not None:
        return _pinned(bases, default, rules, pin, images.of(tool))
    ranged = next((constraint for constraint in constraints if not constraint.pin), None)
    if ranged is not None:
        return _ranged(bases, default, rules, ranged, images.of(tool))
    return exactly(default, ()), Version(rules.label, default.version, "the default")


def _pinned(
    bases: tuple[BaseImage, ...],
    default: BaseImage,
    rules: VersionRules,
    constraint: VersionConstraint,
    all_: tuple[BaseImage, ...],
) -> tuple[BaseImage, Version]:
    wanted = number_of(constraint.text) or ()
    why = f"{constraint.source} asks for {shown(constraint.text)}"
    if same := [base for base in bases if _agree(base.number, wanted)]:
        vague = default in same and len(wanted) < len(default.number)
        base = default if vague else max(same, key=lambda b: (min(len(b.number), len(wanted)), b.number))
        return exactly(base, wanted), Version(rules.label, base.version, why)
    related = [b for b in bases if b.number[0] == wanted[0]] if not rules.majors else list(bases)
    newer = [b for b in related if b.number > wanted]
    older = [b for b in related if b.number < wanted and wanted[0] - b.number[0] <= rules.behind]
    if not newer and not older:
        raise _unsatisfiable(rules, constraint, all_)
    base = newer[0] if newer else older[-1]
    note = f"{rules.label} {base.version} is used: {why}, which is not available; {_available(all_)}"
    return exactly(base, ()), Version(rules.label, base.version, why, note)


def _ranged(
    bases: tuple[BaseImage, ...],
    default: BaseImage,
    rules: VersionRules,
    constraint: VersionConstraint,
    all_: tuple[BaseImage, ...],
) -> tuple[BaseImage, Version]:
    why = f"{constraint.source} asks for {shown(constraint.text)}"
    fitting = [base for base in bases if allows(constraint.text, base.number, rules.dialect)]
    if fitting:
        base = default if default in fitting else fitting[-1]
        return exactly(base, ()), Version(rules.label, base.version, why)
    named = number_of(constraint.text)
    newer = [b for b in bases if named is not None and b.number > named and (rules.majors or b.number[0] == named[0])]
    older = [b for b in bases if named is not None and 0 < named[0] - b.number[0] <= rules.behind]
    if not newer and not older:
        raise _unsatisfiable(rules, constraint, all_)
    base = newer[0] if newer else older[-1]
    note = f"{rules.label} {base.version} is used: {why}, which is not available; {_available(all_)}"
    return exactly(base, ()), Version(rules.label, base.version, why, note)


def exactly(base: BaseImage, wanted: Number) -> BaseImage:
    """`{version}` in the names of images replaced by the exact version, if that is more exact than the base's."""
    text = ".".join(map(str, wanted)) if len(wanted) > len(base.number) else base.version
    return BaseImage(base.version, base.build.replace("{version}", text), base.run.replace("{version}", text))


def allows(text: str, number: Number, dialect: Dialect) -> bool:
    """Whether a range allows the newest release of a version. What cannot be read allows everything."""
    text = _HYPHEN.sub(r">=\1 <=\2", text[:MAX_TEXT].strip())
    return any(
        all(_clause_allows(clause, number, dialect) for clause in _CLAUSE.finditer(part))
        for part in re.split(r"\|\|?|\bor\b", text)
    )


def _clause_allows(clause: re.Match[str], number: Number, dialect: Dialect) -> bool:
    parts = [part for part in clause["number"].split(".") if part.isdecimal()]
    wanted = tuple(int(part) for part in parts if len(part) < 9)
    if not wanted:
        return True
    operator = clause["op"] or "="
    if operator == "~":
        operator = "~>" if dialect == "ruby" else "~npm"
    return _COMPARE[operator](number, wanted, dialect)


def _agree(number: Number, wanted: Number) -> bool:
    """Whether one is the beginning of the other: 22 is 22.11 as far as is known."""
    length = min(len(number), len(wanted))
    return number[:length] == wanted[:length]


def _last(number: Number) -> Number:
    return (*number, _NEWEST)


def _compatible(number: Number, wanted: Number) -> bool:
    """`~> 3.3` allows 3.4 and not 4; `~> 3.3.1` not 3.4."""
    kept = max(len(wanted) - 1, 1)
    return _agree(number, wanted[:kept]) and _last(number) >= wanted


_COMPARE: dict[str, Callable[[Number, Number, Dialect], bool]] = {
    "=": lambda n, w, _: _agree(n, w),
    "==": lambda n, w, _: _agree(n, w),
    "===": lambda n, w, _: _agree(n, w),
    "!=": lambda n, w, _: len(w) > len(n) or not _agree(n, w),
    ">=": lambda n, w, _: _last(n) >= w,
    "<=": lambda n, w, d: _last(n) <= w or (_agree(n, w) and (d != "python" or len(w) > len(n))),
    ">": lambda n, w, d: _last(n) > w and (d == "python" or len(w) > len(n) or not _agree(n, w)),
    "<": lambda n, w, _: _last(n) < w,
    "^": lambda n, w, _: n[0] == w[0] and _last(n) >= w,
    "~>": lambda n, w, _: _compatible(n, w),
    "~=": lambda n, w, _: _compatible(n, w),
    "~npm": lambda n, w, _: _agree(n, w[:2]) and _last(n) >= w,
}


def _available(bases: Sequence[BaseImage]) -> str:
    return f"this platform has {', '.join(base.version for base in bases)}"


def _unsatisfiable(rules: VersionRules, constraint: VersionConstraint, bases: Sequence[BaseImage]) -> Unsatisfiable:
    return Unsatisfiable(
        f"{constraint.source} asks for {rules.label} {shown(constraint.text)}, and {_available(bases)}: change"
        f" {constraint.source} to one of these, or add a Dockerfile"
    )
