"""A plan as the text of a Dockerfile."""

import json
import re
import shlex
from collections.abc import Sequence

from ink_planner.model.plan import RUN_UID, ImagePlan, Run

_HEREDOC = "INK_END_OF_FILE"
_SCRATCH = "/tmp"  # noqa: S108 - a home that any user may write to, whatever the root file system allows
_COMPOUND = re.compile(r"[;&|\n]|^\s*(?:cd|export|exec|set|if|for|while|until|case|[({!]|\w+\(\))")
"""Shell text that is more than one simple command, so that `exec` in front would change its meaning."""
_ASSIGNMENT = re.compile(r"^\s*\w+=")
_PLAIN = re.compile(r"[A-Za-z0-9_./:,@%+=-]*")
_NOT_A_LINE = re.compile(r"[^\x20-\x7e]|\\|<<|^\s*(?:\[|--|$)")
"""Commands that the Dockerfile's own syntax would read otherwise: lines, continuations, heredocs, arrays, flags."""


def dockerfile(plan: ImagePlan) -> str:
    """The Dockerfile; the same plan gives the same bytes."""
    return "\n".join([*_build_stage(plan), "", *_final_stage(plan), ""])


def dockerignore(own: str) -> str:
    """What stays out of the build: what no image needs, then what the repository says itself.

    One that excludes everything was written for a Dockerfile that copies the output of an earlier build.
    """
    if any(line.strip().strip("/") in {"*", "**", "**/*"} for line in own.splitlines()):
        own = ""
    return "\n".join([".git", "**/__pycache__", "**/.venv", "**/node_modules", "**/.DS_Store", own.strip(), ""])


def _build_stage(plan: ImagePlan) -> list[str]:
    lines = [f"FROM {plan.image} AS build", *_packages(plan.build_packages)]
    lines += [f"COPY --from={tool.image} {_words(tool.source, tool.target)}" for tool in plan.tools]
    lines += [*_environment(plan.build_environment), "WORKDIR /app"]
    lines += [_run(step) for step in plan.setup]
    # only names that need no quoting: a manifest with another is copied with everything else
    manifests = plan.manifests if all(_PLAIN.fullmatch(m) and m for m in plan.manifests) else ()
    if plan.install and manifests:
        lines += [_copy_manifests(manifests)]
    elif plan.install:
        lines += ["COPY . ."]
    lines += [_run(step) for step in plan.install]
    if manifests or not plan.install:
        lines += ["COPY . ."]
    return lines + [_run(step) for step in plan.build]


def _final_stage(plan: ImagePlan) -> list[str]:
    owner = f"{RUN_UID}:{RUN_UID}"
    environment = (*plan.run_environment, ("HOME", _SCRATCH), ("PORT", str(plan.port)))
    lines = [f"FROM {plan.run_image}", *_packages(plan.run_packages)]
    lines += [*(_run(step) for step in plan.run_setup), *_environment(environment)]
    # before WORKDIR: the directories that COPY makes belong to the application, which may write beside its files
    lines += [f"COPY --from=build --chown={owner} {_words(source, to)}" for source, to in plan.artifacts]
    for path, text in plan.texts:
        lines += [f"COPY --chmod=0644 <<'{_HEREDOC}' {path}", text.rstrip("\n"), _HEREDOC]
    lines += [f"WORKDIR {_words(plan.workdir)}", f"USER {owner}", f"EXPOSE {plan.port}"]
    lines += ["ENTRYPOINT []"]  # some base images wrap every command in a script of theirs
    return [*lines, f"CMD {_array('/bin/sh', '-c', _first_process(plan.start))}"]


def with_arguments(start: str, arguments: Sequence[str]) -> str | None:
    """The start command with more words; None when it is several commands, and it is not clear which would get them."""
    return None if _COMPOUND.search(start) else f"{start} {shlex.join(arguments)}"


def _first_process(start: str) -> str:
    """`exec`, where it can be: the application itself must receive the signal that asks it to stop."""
    if _COMPOUND.search(start):
        return start
    return f"exec env {start}" if _ASSIGNMENT.search(start) else f"exec {start}"


def _packages(names: tuple[str, ...]) -> list[str]:
    if not names:
        return []
    install = f"apt-get install --yes --no-install-recommends {' '.join(names)}"
    return [f"RUN apt-get update && {install} && rm -rf /var/lib/apt/lists/*"]


def _copy_manifests(manifests: tuple[str, ...]) -> str:
    """One COPY when all are at the top; a manifest in a directory keeps its place."""
    top = [m for m in manifests if "/" not in m]
    deep = [m for m in manifests if "/" in m]
    copies = [f"COPY {_words(*top, './')}"] if top else []
    return "\n".join([*copies, *(f"COPY {_words(m, f'./{m}')}" for m in deep)])


def _run(step: Run) -> str:
    mounts = "".join(f"--mount=type=cache,sharing=locked,target={path} " for path in step.caches)
    # the exec form holds any text
    special = _NOT_A_LINE.search(step.command)
    command = _array("/bin/sh", "-c", step.command) if special else step.command
    return f"RUN {mounts}{command}"


def _array(*words: str) -> str:
    """The exec form; nothing in it looks like a heredoc."""
    return json.dumps(words).replace("<<", "\\u003c\\u003c")


def _environment(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    return [f"ENV {name}={_quoted(value)}" for name, value in pairs]


def _quoted(value: str) -> str:
    """A value of ENV; `$` stays special, so that PATH can be extended."""
    return value if _PLAIN.fullmatch(value) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _words(*paths: str) -> str:
    return " ".join(paths) if all(_PLAIN.fullmatch(p) for p in paths) else json.dumps(list(paths))
