"""Frameworks for Node: what each one builds, and how that is served."""

import re
from collections.abc import Callable

from ink_planner.model.errors import CannotPlan, NothingToStart
from ink_planner.model.plan import PORT
from ink_planner.node import backends, scripts
from ink_planner.node.framework import Framework
from ink_planner.node.package_json import PackageJson
from ink_planner.toolkit import quoting

_ANYWHERE = (("HOST", "0.0.0.0"),)
OWN_SERVERS = re.compile(
    r"^[ \t]*(?:cross-env\s+)?(?:\w+=\S*\s+)*(?:npx\s+(?:-y\s+)?)?(?:@11ty/)?"
    r"(?:react-scripts start|vite(?: dev| serve| preview)?\b|vue-cli-service serve|astro\b|parcel\b"
    r"|next(?: dev| start)?\b|nuxt? (?:dev|start|preview)\b|nuxi\b|ng serve"
    r"|gatsby\b|vitepress\b|vuepress\b|hexo\b|ember serve|slidev\b|nest start|docusaurus\b|eleventy\b"
    r"|webpack(?:-dev-server| serve)|nx (?:run-many|serve|run \S+:serve)\b|serve\b|http-server\b"
    r"|live-server\b|sirv\b|svelte-kit\b|react-router dev|remix(?: vite:)?dev)"
)
"""Start scripts that serve to a developer, or that the framework's own entry here replaces."""


def of(package: PackageJson) -> Framework | None:
    """The framework, if it is a known one."""
    return next((kind for find in _FINDERS if (kind := find(package)) is not None), None)


def _has(package: PackageJson, *names: str) -> bool:
    return any(name in package.tools for name in names)


def _custom(package: PackageJson) -> bool:
    """A start script of the repository's own, such as a server around the framework."""
    script = package.script("start")
    return bool(script) and OWN_SERVERS.search(script) is None


def _next(package: PackageJson) -> Framework | None:
    if not _has(package, "next") or _custom(package):
        return None
    if not any(map(package.files.has_directory, _NEXT_PAGES)):
        raise NothingToStart(
            "Next is in package.json, but there is no directory app or pages (nor one below src): add it"
        )
    text = package.config("next")
    if re.search(r"output\s*:\s*[\"'`]export[\"'`]", text):
        return Framework("Next, exported", site="out", build="next build")
    if re.search(r"output\s*:\s*[\"'`]standalone[\"'`]", text):
        kept = [(".next/standalone", "."), (".next/static", ".next/static")]
        kept += [("public", "public")] if package.files.has_directory("public") else []
        start = f"env HOSTNAME=0.0.0.0 PORT={PORT} node server.js"
        return Framework("Next, standalone", start, build="next build", artifacts=tuple(kept))
    start = f"next start --hostname 0.0.0.0 --port {PORT}"
    return Framework("Next", start, build="next build", after="rm -rf .next/cache")


_NEXT_PAGES = ("app", "pages", "src/app", "src/pages")


def _nuxt(package: PackageJson) -> Framework | None:
    if not _has(package, "nuxt", "nuxt3") or _custom_but(package, ".output/server"):
        return None
    if "generate" in package.scripts.get("build", ""):
        return Framework("Nuxt, generated", site=".output/public")
    start = f"env HOST=0.0.0.0 PORT={PORT} node .output/server/index.mjs"
    return Framework("Nuxt", start, build="nuxt build", artifacts=((".output", ".output"),))


def _custom_but(package: PackageJson, usual: str) -> bool:
    return _custom(package) and usual not in package.scripts["start"]


def _sveltekit(package: PackageJson) -> Framework | None:
    if not _has(package, "@sveltejs/kit", "@sveltejs/adapter-node") or _custom_but(package, "node build"):
        return None
    _refuse_foreign(package, "SvelteKit", "@sveltejs/adapter-", "svelte", "@sveltejs/adapter-node")
    if _has(package, "@sveltejs/adapter-static") and not _has(package, "@sveltejs/adapter-node"):
        return Framework("SvelteKit, static", site="build", build="vite build")
    automatic = _has(package, "@sveltejs/adapter-auto") and not _has(package, "@sveltejs/adapter-node")
    return Framework(
        "SvelteKit",
        "node build",
        build="vite build",
        environment=_ANYWHERE,
        # adapter-auto then fetches the adapter for Node, as it does on another platform
        build_environment=(("GCP_BUILDPACKS", "1"),) if automatic else (),
        prunes=not automatic,
    )


def _astro(package: PackageJson) -> Framework | None:
    if not _has(package, "astro") or _custom_but(package, "dist/server"):
        return None
    if _has(package, "@astrojs/node"):
        start = f"env HOST=0.0.0.0 PORT={PORT} node ./dist/server/entry.mjs"
        return Framework("Astro, server", start, build="astro build", prunes=True)
    if re.search(r"output\s*:\s*[\"'`]server[\"'`]", package.config("astro")):
        _refuse_foreign(package, "Astro", "@astrojs/", "astro", "@astrojs/node")
    return Framework("Astro", site=_output(package, "dist", package.config("astro"), "outDir"), build="astro build")


def _refuse_foreign(package: PackageJson, label: str, prefix: str, config: str, wanted: str) -> None:
    """Raises CannotPlan when the build is for one platform's functions, and leaves no server behind."""
    text = package.config(config)
    for platform in ("vercel", "netlify", "cloudflare", "cloudflare-workers"):
        adapter = f"{prefix}{platform}"
        if adapter in package.tools and wanted not in package.tools and (not text or adapter in text):
            raise CannotPlan(
                f"{label} is built for another platform here ({adapter}): add {wanted} to package.json and use it in"
                f" {config}.config.js"
            )


def _nitro(package: PackageJson) -> Framework | None:
    """TanStack Start, and other Vite applications whose server is Nitro's."""
    tanstack = _has(package, "@tanstack/react-start", "@tanstack/solid-start")
    if _custom_but(package, ".output/server") or not (tanstack or "vite" in package.tools):
        return None
    if _has(package, "nitro", "nitropack", "@tanstack/nitro-v2-vite-plugin"):
        start = f"env HOST=0.0.0.0 PORT={PORT} node .output/server/index.mjs"
        label = "TanStack Start" if tanstack else "Nitro"
        return Framework(label, start, build="vite build", artifacts=((".output", ".output"),))
    if tanstack and "start" not in package.scripts:
        raise CannotPlan(
            "TanStack Start leaves no server here: add nitro to package.json and its plugin to vite.config, or a"
            " `start` script"
        )
    return None


def _router(package: PackageJson) -> Framework | None:
    """Remix, and React Router as a framework."""
    for label, server, tool in (
        ("React Router", "react-router-serve", "@react-router/serve"),
        ("Remix", "remix-serve", "@remix-run/serve"),
    ):
        if _has(package, tool) and "start" not in package.scripts:
            build = "react-router build" if label == "React Router" else "remix vite:build"
            return Framework(label, f"{server} ./build/server/index.js", build=build, prunes=True)
    framework = _has(package, "@react-router/dev", "@remix-run/dev")
    if framework and re.search(r"\bssr\s*:\s*false", package.config("react-router") + package.config("vite")):
        return Framework("React Router, without a server", site="build/client", build="react-router build")
    return None


def _angular(package: PackageJson) -> Framework | None:
    if not _has(package, "@angular/cli", "@angular/build") or _custom(package):
        return None
    config = package.files.read("angular.json")
    if "dist/" not in config and '"outputPath"' in config:
        return None
    named = re.search(r'"outputPath"\s*:\s*"([\w./-]+)"', config)
    project = re.search(r'"projects"\s*:\s*\{\s*"([\w.@/-]+)"', config)
    output = named[1] if named else f"dist/{project[1]}" if project else "dist"
    modern = "@angular/build:application" in config or "angular-devkit/build-angular:application" in config
    return Framework("Angular", site=f"{output}/browser" if modern else output, build="ng build")


def _site(package: PackageJson) -> Framework | None:
    """Tools that leave nothing but files."""
    if _custom(package):
        return None
    eleventy = package.files.read(package.files.first(".eleventy.js") or "") or package.config("eleventy")
    for tool, label, directory, build in (
        ("gatsby", "Gatsby", "public", "gatsby build"),
        ("@docusaurus/core", "Docusaurus", "build", "docusaurus build"),
        ("@11ty/eleventy", "Eleventy", _output(package, "_site", eleventy, "output"), "eleventy"),
        ("hexo", "Hexo", "public", "hexo generate"),
        ("react-scripts", "Create React App", "build", "react-scripts build"),
        ("@vue/cli-service", "Vue CLI", _output(package, "dist", package.config("vue"), "outputDir"),
         "vue-cli-service build"),
        ("ember-cli", "Ember", "dist", "ember build --environment production"),
        ("parcel", "Parcel", _output(package, "dist", "", ""), ""),
        ("parcel-bundler", "Parcel", _output(package, "dist", "", ""), ""),
    ):  # fmt: skip
        if tool in package.tools:
            elsewhere = tool == "react-scripts" and "homepage" in package.data
            top = (("PUBLIC_URL", "/"),) if elsewhere else ()
            return Framework(label, site=directory, build=build, build_environment=top)
    return None


def _vitepress(package: PackageJson) -> Framework | None:
    """Documents in the directory that holds `.vitepress`; the build script often has a name of its own."""
    configs = [p for e in ("js", "mjs", "ts", "mts") for p in package.files.named(f"config.{e}") if ".vitepress/" in p]
    if "vitepress" not in package.tools or not configs or _custom(package):
        return None
    place = configs[0].partition(".vitepress/")[0].rstrip("/")
    if place and not quoting.is_plain(place):
        return None
    return Framework("VitePress", site=f"{place}/.vitepress/dist".lstrip("/"), build=f"vitepress build {place}".strip())


_FLAG = re.compile(r"--(?:dest|out-?dir|dist-dir|output|output-path)[ =][\"']?(?:\./)?([\w][\w./-]*)")
_RESOLVED = r"(?:path\.)?(?:resolve|join)\(\s*(?:__dirname|import\.meta\.dirname|process\.cwd\(\))\s*,\s*"
"""The project's own directory, in a configuration."""


def _output(package: PackageJson, usual: str, config: str, key: str) -> str:
    """The directory of the built files: a flag of the build script, else a setting of `config`, else the usual one."""
    flags = [found for found in _FLAG.finditer(package.script("build")) if "." not in found[1].rpartition("/")[2]]
    found = flags[-1] if flags else (_setting(config, key) if key else None)
    return found[1].rstrip("/") if found and ".." not in found[1] else usual


def _setting(config: str, key: str) -> re.Match[str] | None:
    return re.search(rf"\b{key}\s*:\s*(?:{_RESOLVED})?[\"'`](?:\./)?([\w.][\w./-]*)[\"'`]", config)


def _webpack(package: PackageJson) -> Framework | None:
    """A site of webpack's own, where a page comes out of the build or lies there already."""
    developed = "webpack" in package.script("start") and "webpack-cli" in package.tools
    if "webpack" not in package.tools or not ("build" in package.scripts or developed) or _custom(package):
        return None
    names = ("webpack.config", "webpack.prod", "webpack.production", "webpack.config.prod", "webpack.common")
    config = "\n".join(package.files.read(f"{name}.{e}") for name in names for e in ("js", "cjs", "mjs", "ts"))
    directory = _output(package, "dist", config, "path")
    page = "html-webpack-plugin" in package.tools or f"{directory}/index.html" in package.files
    return (
        None
        if not page or _has(package, *SERVERS)
        else Framework("webpack", site=directory, build="webpack --mode production")
    )


def _served(package: PackageJson) -> Framework | None:
    """Files that a build leaves, and a server for files as the start script: the platform's own takes its place."""
    directory = scripts.served(package.script("start"))
    if not directory or "build" not in package.scripts or _has(package, *SERVERS):
        return None
    return Framework("its start script", site=directory)


def _vite(package: PackageJson) -> Framework | None:
    """A site, unless a server of the repository's own is there as well. Its page is where Vite begins."""
    if "vite" not in package.tools or _custom(package):
        return None
    config = package.config("vite")
    named = _setting(config, "root")
    root = named[1].strip("/.") + "/" if named and named[1].strip("/.") and ".." not in named[1] else ""
    # among the packages of development a server is there for the developer
    served = not package.dependencies.keys().isdisjoint(SERVERS)
    if f"{root}index.html" not in package.files or (served and "start" not in package.scripts):
        return None
    base = _PREFIX.search(config)
    # a site for another address, such as a directory of GitHub Pages: here it is at the top
    moved = base is not None and re.search(r"\bvite build$", package.script("build") or "vite build")
    output = _vite_output(config, package, root)
    return Framework("Vite", site=output, build="vite build", arguments="--base=/" if moved else "")


_PREFIX = re.compile(r"\bbase\s*:\s*[\"'`](?:https?:/)?/[\w.-]")


def _vite_output(config: str, package: PackageJson, root: str) -> str:
    """Relative to Vite's root, unless it is made from the project's directory; one step up is out of the root."""
    absolute = re.search(rf"\boutDir\s*:\s*{_RESOLVED}", config) is not None
    climbs = re.search(r"\boutDir\s*:\s*[\"'`]\.\./([\w][\w./-]*)[\"'`]", config)
    if climbs and root.count("/") == 1 and ".." not in climbs[1]:
        return climbs[1].rstrip("/")
    return ("" if absolute else root) + _output(package, "dist", config, "outDir")


SERVERS = (
    "express",
    "fastify",
    "koa",
    "hono",
    "@hono/node-server",
    "@nestjs/core",
    "@hapi/hapi",
    "polka",
    "h3",
    "socket.io",
    "ws",
)
_FINDERS: tuple[Callable[[PackageJson], Framework | None], ...] = (
    backends.adonis, backends.medusa, _next, _nuxt, _sveltekit, _astro, _router, _angular, _nitro,
    _vitepress, _site, _webpack, _vite, _served,
)  # fmt: skip
