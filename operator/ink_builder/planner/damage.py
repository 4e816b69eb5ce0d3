"""Manifests that no tool could read: told before a build spends its time on them."""

import re

from ink_builder.planner.files import Files

_MANIFESTS = (
    "package.json", "pyproject.toml", "Pipfile", "go.mod", "Cargo.toml", "pom.xml", "build.gradle", "build.gradle.kts",
    "Gemfile", "composer.json", "mix.exs", "deno.json", "Procfile", "config.ru", "manage.py", "hugo.toml",
)  # fmt: skip
_LOCKS = (
    "requirements.txt", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "uv.lock", "poetry.lock",
    "Pipfile.lock", "go.sum", "Cargo.lock", "Gemfile.lock", "composer.lock", "mix.lock", "index.html",
)  # fmt: skip
_CONFLICT = tuple(re.compile(mark, re.MULTILINE) for mark in (r"^<{7} ", r"^={7}\r?$", r"^>{7} "))


def sentence(files: Files) -> str | None:
    """What is wrong with a file at the top, and what to do; None when nothing is."""
    for path in filter(files.__contains__, (*_MANIFESTS, *_LOCKS)):
        if trouble := files.trouble(path):
            return f"{path} {trouble}: commit the file itself"
        if path in _MANIFESTS and files.is_utf16(path):
            return f"{path} is saved as UTF-16, which the tools that read it do not understand: save it as UTF-8"
        if _in_a_merge(files.read(path)):
            return f"{path} holds the marks of an unfinished merge (<<<<<<<): resolve it, and commit the result"
    return None


def _in_a_merge(text: str) -> bool:
    """All three marks, one after the other."""
    place = 0
    for mark in _CONFLICT:
        found = mark.search(text, place)
        if found is None:
            return False
        place = found.end()
    return True
