"""A plan as the text of a Dockerfile."""

import json
import re

from ink_builder.planner.model import RUN_UID, Plan, Run

_HEREDOC = "INK_END_OF_FILE"
_SCRATCH = "/tmp"  # noqa: S108 - a home that any user may write to, whatever the root file system allows
_COMPOUND = re.compile(r"[;&|\n]|^\s*(?:cd|export|exec|set|if|for|while)\b|^\s*\w+=")
"""Shell text that is more than one simple command, so that `exec` in front would change its meaning."""
_PLAIN = re.compile(r"[A-Za-z0-9_./:,@%+=-]*")


def dockerfile(plan: Plan) -> str:
    """The Dockerfile; the same plan gives the same bytes."""
    return "\n".join([*_build_stage(plan), "", *_final_stage(plan), ""])


def dockerignore(own: str) -> str:
    """What stays out of the build: what no image needs, then what the repository says itself."""
    return "\n".join([".git", "**/__pycache__", "**/.venv", "**/node_modules", "**/.DS_Store", own.strip(), ""])


def _build_stage(plan: Plan) -> list[str]:
    lines = [f"FROM {plan.image} AS build", *_environment(plan.build_environment), "WORKDIR /app"]
    lines += [_run(step) for step in plan.setup]
    if plan.install and plan.manifests:
        lines += [_copy_manifests(plan.manifests)]
    elif plan.install:
        lines += ["COPY . ."]
    lines += [_run(step) for step in plan.install]
    if plan.manifests or not plan.install:
        lines += ["COPY . ."]
    return lines + [_run(step) for step in plan.build]


def _final_stage(plan: Plan) -> list[str]:
    owner = f"{RUN_UID}:{RUN_UID}"
    environment = (*plan.run_environment, ("HOME", _SCRATCH), ("PORT", str(plan.port)))
    lines = [f"FROM {plan.run_image}", *_environment(environment)]
    # before WORKDIR: the directories that COPY makes belong to the application, which may write beside its files
    lines += [f"COPY --from=build --chown={owner} {_words(source, to)}" for source, to in plan.artifacts]
    for path, text in plan.texts:
        lines += [f"COPY --chmod=0644 <<'{_HEREDOC}' {path}", text.rstrip("\n"), _HEREDOC]
    lines += ["WORKDIR /app", f"USER {owner}", f"EXPOSE {plan.port}"]
    # exec: the application itself must receive the signal that asks it to stop
    command = plan.start if _COMPOUND.search(plan.start) else f"exec {plan.start}"
    return [*lines, f"CMD {json.dumps(['/bin/sh', '-c', command])}"]


def _copy_manifests(manifests: tuple[str, ...]) -> str:
    """One COPY when all lie at the top; a manifest in a directory keeps its place."""
    top = [m for m in manifests if "/" not in m]
    deep = [m for m in manifests if "/" in m]
    copies = [f"COPY {_words(*top, './')}"] if top else []
    return "\n".join([*copies, *(f"COPY {_words(m, f'./{m}')}" for m in deep)])


def _run(step: Run) -> str:
    mounts = "".join(f"--mount=type=cache,sharing=locked,target={path} " for path in step.caches)
    # a newline would end the instruction: the exec form holds any text
    command = json.dumps(["/bin/sh", "-c", step.command]) if "\n" in step.command else step.command
    return f"RUN {mounts}{command}"


def _environment(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    return [f"ENV {name}={_quoted(value)}" for name, value in pairs]


def _quoted(value: str) -> str:
    """A value of ENV; `$` stays special, so that PATH can be extended."""
    return value if _PLAIN.fullmatch(value) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _words(*paths: str) -> str:
    return " ".join(paths) if all(_PLAIN.fullmatch(p) for p in paths) else json.dumps(list(paths))
