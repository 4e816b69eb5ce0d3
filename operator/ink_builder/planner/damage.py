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
_CONFLICT = re.compile(r"^<{7} .*?^={7}$.*?^>{7} ", re.MULTILINE | re.DOTALL)


def sentence(files: Files) -> str | None:
    """What is wrong with a file at the top, and what to do; None when nothing is."""
    for path in filter(files.__contains__, (*_MANIFESTS, *_LOCKS)):
        if trouble := files.trouble(path):
            return f"{path} {trouble}: commit the file itself"
        if path in _MANIFESTS and files.is_utf16(path):
            return f"{path} is saved as UTF-16, which the tools that read it do not understand: save it as UTF-8"
        if _CONFLICT.search(files.read(path)):
            return f"{path} holds the marks of an unfinished merge (<<<<<<<): resolve it, and commit the result"
    return None
