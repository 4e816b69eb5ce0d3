"""Pack Elixir: a mix release, which brings its own Erlang; Phoenix or any other application."""

import re

from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import CannotPlan
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan, Run
from ink_planner.toolkit import shared_files, versions
from ink_planner.toolkit.tools import NPM_LINKS, node_tool
from ink_planner.toolkit.versions import VersionConstraint, VersionRules

RULES = VersionRules("Elixir", "ruby", majors=False)
_CACHES = ("/root/.hex", "/root/.cache")


def detect(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    """A mix.exs. Raises CannotPlan."""
    if "mix.exs" not in files:
        return None
    mix = files.read("mix.exs")
    name = re.search(r"\bapp:\s*:(\w+)", mix)
    if name is None:
        raise CannotPlan("mix.exs names no application: its project needs `app: :name`")
    release = re.search(r"\breleases:\s*\[\s*(\w+):", mix)
    program = release[1] if release else name[1]
    base, version = versions.choose(images, "elixir", RULES, _constraints(files, mix))
    phoenix = re.search(r"\{:phoenix\s*,", mix) is not None
    assets = "assets/package.json" in files
    return ImagePlan(
        pack="Elixir",
        image=base.build,
        run_image=base.run,
        why="mix.exs",
        versions=(version,),
        manager="mix",
        tools=node_tool(images) if assets else (),
        build_packages=("build-essential", "git"),
        run_packages=("ca-certificates", "libncurses6", "libstdc++6", "openssl"),
        setup=((NPM_LINKS,) if assets else ()) + (Run("mix local.hex --force && mix local.rebar --force"),),
        manifests=() if "path:" in mix else tuple(f for f in ("mix.exs", "mix.lock") if f in files),
        install=(Run(overrides.install or _get(files), _CACHES),),
        build=_build(mix, overrides, assets=assets),
        build_environment=(("MIX_ENV", "prod"), ("LANG", "C.UTF-8")),
        run_environment=(("LANG", "C.UTF-8"), *((("PHX_SERVER", "true"),) if phoenix else ())),
        artifacts=((f"/app/_build/prod/rel/{program}", "/app"),),
        start=overrides.start or f"/app/bin/{program} start",
        start_why="the start command given" if overrides.start else f"the release {program}",
        notes=("SECRET_KEY_BASE must be set on the service",) if phoenix else (),
    )


def _constraints(files: Files, mix: str) -> list[VersionConstraint]:
    found = [
        VersionConstraint(w.text.partition("-")[0], w.source, pin=True)
        for w in shared_files.tool_version(files, "elixir")
    ]
    required = re.search(r"\belixir:\s*\"([^\"]+)\"", mix)
    return [*found, VersionConstraint(required[1], "elixir in mix.exs", strict=True)] if required else found


def _get(files: Files) -> str:
    return "mix deps.get --only prod" + (" --check-locked" if "mix.lock" in files else "")


def _build(mix: str, overrides: Overrides, *, assets: bool) -> tuple[Run, ...]:
    if overrides.build:
        return (Run(overrides.build, _CACHES),)
    steps = [Run("mix deps.compile && mix compile", _CACHES)]
    if assets:
        steps.append(Run("npm --prefix assets install --no-audit --no-fund", ("/root/.npm",)))
    if '"assets.deploy"' in mix:
        steps.append(Run("mix assets.deploy", _CACHES))
    return (*steps, Run("mix release --overwrite", _CACHES))
