"""Which pack a repository needs."""

from ink_api.reasons import Reason

from ink_builder.errors import BuildError
from ink_builder.planner import node, python, static
from ink_builder.planner.files import Files
from ink_builder.planner.model import CannotPlan, Overrides, Plan

_EXPECTED = (
    "a Dockerfile, index.html (static site), requirements.txt, pyproject.toml or main.py (Python),"
    " or package.json (Node)"
)
_SHOWN_NAMES = 15


def detect(files: Files, overrides: Overrides) -> Plan | None:
    """The plan for what is recognised, else None. Raises CannotPlan when it is recognised and something is missing."""
    if static.detects(files):
        return static.plan(files, overrides)
    first, second = (python, node) if "manage.py" in files else (node, python)
    if first.detects(files):
        planned: Plan = first.plan(files, overrides)
        return planned
    return second.plan(files, overrides) if second.detects(files) else None


def choose(files: Files, pack: str, overrides: Overrides) -> Plan:
    """The plan for a repository that is not built by its own Dockerfile. Raises BuildError (PackNotDetected, …)."""
    if pack == "Railpack":
        raise BuildError(Reason.PACK_UNAVAILABLE, "this platform has no Railpack frontend: use pack Auto or Dockerfile")
    try:
        plan = static.plan(files, overrides) if pack == "Static" else detect(files, overrides)
    except CannotPlan as error:
        raise BuildError(Reason.PACK_NOT_DETECTED, str(error)) from error
    if plan is None:
        raise BuildError(Reason.PACK_NOT_DETECTED, f"nothing here can be built: {seen(files)}; add {_EXPECTED}")
    return plan


def seen(files: Files) -> str:
    """The names at the top, for a message."""
    names = files.top()
    if not names:
        return "the directory is empty"
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return f"the files are {', '.join(names[:_SHOWN_NAMES])}{more}"
