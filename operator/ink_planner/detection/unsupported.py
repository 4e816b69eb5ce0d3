"""Languages and layouts that are recognised but not planned: the sentence says what it is and what to do instead."""

import re

from ink_planner.model.files import Files
from ink_planner.toolkit import quoting

LANGUAGES = {
    "build.sbt": "Scala (sbt)",
    "build.sc": "Scala (Mill)",
    "project.clj": "Clojure (Leiningen)",
    "deps.edn": "Clojure",
    "Package.swift": "Swift",
    "pubspec.yaml": "Dart",
    "gleam.toml": "Gleam",
    "rebar.config": "Erlang",
    "stack.yaml": "Haskell",
    "shard.yml": "Crystal",
    "build.zig": "Zig",
    "dub.json": "D",
    "Project.toml": "Julia",
    "CMakeLists.txt": "C or C++ (CMake)",
    "meson.build": "C or C++ (Meson)",
    "cpanfile": "Perl",
    "main.swift": "Swift",
}
"""Manifest -> language."""
_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")


def sentence(files: Files) -> str | None:
    """A sentence for what a person would recognise here, else None."""
    if (dockerfiles := _dockerfiles(files)) and not files.first(*_COMPOSE):
        found, below = ", ".join(dockerfiles[:3]), "/" in dockerfiles[0]
        remedy = "set build.dockerfile to it" + (", or source.git.rootDirectory to its directory" if below else "")
        return f"there is no Dockerfile at the top, but there is {found}: {remedy}"
    if (path := files.first(*LANGUAGES)) is not None:
        return f"this is {LANGUAGES[path]} ({path}), which Ink builds only with a Dockerfile: add one"
    if files.has_directory("content") and re.search(r"^[ \t]*base_url\s*=", files.read("config.toml"), re.MULTILINE):
        return "this is a site for Zola (config.toml), which Ink builds only with a Dockerfile: add one"
    if made_from := template(files):
        return made_from
    if files.with_suffix(".cabal"):
        return "this is Haskell, which Ink builds only with a Dockerfile: add one"
    if (path := files.first(*_COMPOSE)) is not None:
        return (
            f"{path} describes several containers, but Ink builds one service at a time: create a service for each one"
            " built from this repository (source.git.rootDirectory), and use images or resources for the others"
        )
    if files.with_suffix(".ipynb"):
        return "there are only notebooks here: add a program that serves (main.py) and a requirements.txt"
    if "_config.yml" in files and (
        files.has_directory("_posts") or files.first("index.md", "index.markdown", "index.html")
    ):
        return "this is a Jekyll site without a Gemfile: add one that names jekyll (or github-pages) and its plugins"
    return None


def template(files: Files) -> str | None:
    """A sentence for a repository from which projects are made first."""
    if any("{{" in name for name in files.top()):
        return "this is a template for new projects: generate one from it, and deploy that"
    return None


def _dockerfiles(files: Files) -> list[str]:
    others = [p for p in files.top() if p.lower().startswith("dockerfile.") or p.lower().endswith(".dockerfile")]
    found = [p for p in (*others, *files.named("Dockerfile", depth=3)) if quoting.is_plain(p)]
    return [p for p in found if not p.startswith((".devcontainer/", "vendor/"))]
