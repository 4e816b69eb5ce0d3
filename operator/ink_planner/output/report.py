"""A plan as text that a person reads, and as plain data."""

from collections.abc import Iterator
from typing import Any

from ink_planner.model.plan import ImagePlan, Run

_WIDTH = 10


def text(plan: ImagePlan) -> str:
    """One fact a line."""
    return "\n".join(f"{label:<{_WIDTH}}{_one_line(value)}".rstrip() for label, value in _facts(plan))


def notes(plan: ImagePlan) -> list[str]:
    """What the log of a build says: versions, packages, the start command, and what differs from what was asked for."""
    versions = ", ".join(f"{v.tool} {v.used} ({v.why})" for v in plan.versions)
    about = [part for part in (versions, plan.manager) if part]
    started = f"started by {plan.start}" + (f" ({plan.start_why})" if plan.start_why else "")
    return [_one_line(line) for line in (", ".join(about), started, *_remarks(plan)) if line]


def data(plan: ImagePlan) -> dict[str, Any]:
    """The same facts for programs."""
    return {
        "pack": plan.pack,
        "recognisedBy": plan.why,
        "directory": plan.directory or "",
        "versions": [
            {"tool": v.tool, "version": v.used, "why": v.why, **({"note": v.note} if v.note else {})}
            for v in plan.versions
        ],
        "images": {"build": plan.image, "run": plan.run_image},
        "manager": plan.manager,
        "install": [step.command for step in (*plan.setup, *plan.install)],
        "build": [step.command for step in plan.build],
        "final": [step.command for step in plan.run_setup],
        "start": {"command": plan.start, "why": plan.start_why, "directory": plan.workdir},
        "caches": _caches(plan),
        "copied": [{"from": source, "to": to} for source, to in plan.artifacts],
        "port": plan.port,
        "notes": list(_remarks(plan)),
    }


def _facts(plan: ImagePlan) -> Iterator[tuple[str, str]]:
    yield "pack", f"{plan.pack} ({plan.why})" if plan.why else plan.pack
    if plan.directory:
        yield "directory", plan.directory
    for version in plan.versions:
        yield "version", f"{version.tool} {version.used}: {version.why}"
    yield "images", plan.image if plan.image == plan.run_image else f"{plan.image}, then {plan.run_image}"
    if plan.build_packages or plan.run_packages:
        yield "packages", f"build: {' '.join(plan.build_packages) or '-'}; run: {' '.join(plan.run_packages) or '-'}"
    yield from (("tool", f"{tool.source} of {tool.image}") for tool in plan.tools)
    if plan.manager:
        yield "manager", plan.manager
    yield from _commands("install", (*plan.setup, *plan.install))
    yield from _commands("build", plan.build)
    yield from _commands("final", plan.run_setup)
    yield "start", plan.start + (f" ({plan.start_why})" if plan.start_why else "")
    if plan.workdir != "/app":
        yield "in", plan.workdir
    yield "port", str(plan.port)
    for source, to in plan.artifacts:
        yield "copied", source if source == to else f"{source} to {to}"
    if caches := _caches(plan):
        yield "caches", " ".join(caches)
    for note in _remarks(plan):
        yield "note", note


def _commands(label: str, steps: tuple[Run, ...]) -> Iterator[tuple[str, str]]:
    return ((label, step.command) for step in steps)


def _caches(plan: ImagePlan) -> list[str]:
    return sorted({path for step in (*plan.setup, *plan.install, *plan.build) for path in step.caches})


def _remarks(plan: ImagePlan) -> tuple[str, ...]:
    return (*(v.note for v in plan.versions if v.note), *plan.notes)


def _one_line(value: str) -> str:
    """No control characters: names and commands come out of the repository, and end in terminals and logs."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in value)
