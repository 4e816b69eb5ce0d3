"""Frameworks for Node: what each one builds, and how that is served."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ink_builder.planner.model import PORT
from ink_builder.planner.node_package import Package

_ANYWHERE = (("HOST", "0.0.0.0"),)
OWN_SERVERS = re.compile(
    r"^\s*(?:cross-env\s+)?(?:\w+=\S*\s+)*(?:npx\s+)?(?:react-scripts start|vite(?: dev| serve| preview)?\b"
    r"|vue-cli-service serve|astro\b|parcel\b|next(?: dev| start)?\b|nuxt? (?:dev|start|preview)\b|nuxi\b|ng serve"
    r"|gatsby\b|nest start|docusaurus\b|eleventy\b|webpack(?:-dev-server| serve)|serve\b|http-server\b"
    r"|live-server\b|svelte-kit\b|react-router dev|remix(?: vite:)?dev)"
)
"""Start scripts that serve to a developer, or that the framework's own entry here replaces."""


@dataclass(frozen=True)
class Kind:
    """What a framework leaves behind: a directory of static files, or a server."""

    label: str
    start: str = ""
    site: str = ""
    build: str = ""
    """The build command, when package.json has no script of that name."""
    artifacts: tuple[tuple[str, str], ...] | None = None
    """What the server needs, relative to the application; None: all of it, packages included."""
    environment: tuple[tuple[str, str], ...] = ()
    after: str = ""
    """A command after the build."""
    build_environment: tuple[tuple[str, str], ...] = ()
    prunes: bool = False


def of(package: Package) -> Kind | None:
    """The framework, if it is a known one."""
    return next((kind for find in _FINDERS if (kind := find(package)) is not None), None)


def _has(package: Package, *names: str) -> bool:
    return any(name in package.tools for name in names)


def _custom(package: Package) -> bool:
    """A start script of the repository's own, such as a server around the framework."""
    script = package.scripts.get("start", "")
    return bool(script) and OWN_SERVERS.search(script) is None


def _next(package: Package) -> Kind | None:
    if not _has(package, "next") or _custom(package):
        return None
    text = package.config("next")
    if re.search(r"output\s*:\s*[\"'`]export[\"'`]", text):
        return Kind("Next, exported", site="out", build="next build")
    if re.search(r"output\s*:\s*[\"'`]standalone[\"'`]", text):
        kept = [(".next/standalone", "."), (".next/static", ".next/static")]
        kept += [("public", "public")] if package.files.has_directory("public") else []
        start = f"env HOSTNAME=0.0.0.0 PORT={PORT} node server.js"
        return Kind("Next, standalone", start, build="next build", artifacts=tuple(kept))
    start = f"next start --hostname 0.0.0.0 --port {PORT}"
    return Kind("Next", start, build="next build", after="rm -rf .next/cache")


def _nuxt(package: Package) -> Kind | None:
    if not _has(package, "nuxt", "nuxt3") or _custom_but(package, ".output/server"):
        return None
    if "generate" in package.scripts.get("build", ""):
        return Kind("Nuxt, generated", site=".output/public")
    start = f"env HOST=0.0.0.0 PORT={PORT} node .output/server/index.mjs"
    return Kind("Nuxt", start, build="nuxt build", artifacts=((".output", ".output"),))


def _custom_but(package: Package, usual: str) -> bool:
    return _custom(package) and usual not in package.scripts["start"]


def _sveltekit(package: Package) -> Kind | None:
    if not _has(package, "@sveltejs/kit", "@sveltejs/adapter-node") or _custom_but(package, "node build"):
        return None
    if _has(package, "@sveltejs/adapter-static") and not _has(package, "@sveltejs/adapter-node"):
        return Kind("SvelteKit, static", site="build", build="vite build")
    automatic = _has(package, "@sveltejs/adapter-auto") and not _has(package, "@sveltejs/adapter-node")
    return Kind(
        "SvelteKit",
        "node build",
        build="vite build",
        environment=_ANYWHERE,
        # adapter-auto then fetches the adapter for Node, as it does on another platform
        build_environment=(("GCP_BUILDPACKS", "1"),) if automatic else (),
        prunes=not automatic,
    )


def _astro(package: Package) -> Kind | None:
    if not _has(package, "astro") or _custom_but(package, "dist/server"):
        return None
    if _has(package, "@astrojs/node"):
        start = f"env HOST=0.0.0.0 PORT={PORT} node ./dist/server/entry.mjs"
        return Kind("Astro, server", start, build="astro build", prunes=True)
    return Kind("Astro", site="dist", build="astro build")


def _router(package: Package) -> Kind | None:
    """Remix, and React Router as a framework."""
    for label, server, tool in (
        ("React Router", "react-router-serve", "@react-router/serve"),
        ("Remix", "remix-serve", "@remix-run/serve"),
    ):
        if _has(package, tool) and "start" not in package.scripts:
            build = "react-router build" if label == "React Router" else "remix vite:build"
            return Kind(label, f"{server} ./build/server/index.js", build=build, prunes=True)
    framework = _has(package, "@react-router/dev", "@remix-run/dev")
    if framework and re.search(r"\bssr\s*:\s*false", package.config("react-router") + package.config("vite")):
        return Kind("React Router, without a server", site="build/client", build="react-router build")
    return None


def _angular(package: Package) -> Kind | None:
    if not _has(package, "@angular/cli", "@angular/build") or _custom(package):
        return None
    config = package.files.read("angular.json")
    if "dist/" not in config and '"outputPath"' in config:
        return None
    named = re.search(r'"outputPath"\s*:\s*"([\w./-]+)"', config)
    project = re.search(r'"projects"\s*:\s*\{\s*"([\w.@/-]+)"', config)
    output = named[1] if named else f"dist/{project[1]}" if project else "dist"
    modern = "@angular/build:application" in config or "angular-devkit/build-angular:application" in config
    return Kind("Angular", site=f"{output}/browser" if modern else output, build="ng build")


def _site(package: Package) -> Kind | None:
    """Tools that leave nothing but files."""
    if _custom(package):
        return None
    for tool, label, directory, build in (
        ("gatsby", "Gatsby", "public", "gatsby build"),
        ("@docusaurus/core", "Docusaurus", "build", "docusaurus build"),
        ("@11ty/eleventy", "Eleventy", "_site", "eleventy"),
        ("react-scripts", "Create React App", "build", "react-scripts build"),
        ("@vue/cli-service", "Vue CLI", "dist", "vue-cli-service build"),
        ("parcel", "Parcel", "dist", ""),
    ):
        if tool in package.tools:
            return Kind(label, site=directory, build=build)
    return None


def _vite_output(package: Package) -> str:
    named = re.search(r"outDir\s*:\s*[\"'`](?:\./)?([\w-][\w./-]*)[\"'`]", package.config("vite"))
    return named[1].rstrip("/") if named and ".." not in named[1] else "dist"


def _vite(package: Package) -> Kind | None:
    """A site, unless a server of the repository's own is there as well."""
    if "vite" not in package.tools or _custom(package):
        return None
    served = _has(package, *_SERVERS) and "start" not in package.scripts
    return None if served else Kind("Vite", site=_vite_output(package), build="vite build")


_SERVERS = ("express", "fastify", "koa", "hono", "@hono/node-server", "@nestjs/core", "@hapi/hapi", "polka", "h3")
_FINDERS: tuple[Callable[[Package], Kind | None], ...] = (
    _next, _nuxt, _sveltekit, _astro, _router, _angular, _site, _vite,
)  # fmt: skip
