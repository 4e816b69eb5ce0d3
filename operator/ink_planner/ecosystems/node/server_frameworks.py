"""Frameworks for Node whose build produces a server, unless they are set to export files."""

import re

from ink_planner.ecosystems.node.framework import Framework, has, has_own_server, output_directory
from ink_planner.ecosystems.node.package_json import PackageJson
from ink_planner.model.errors import CannotPlan, NothingToStart
from ink_planner.model.plan import PORT

_ANYWHERE = (("HOST", "0.0.0.0"),)


def next_(package: PackageJson) -> Framework | None:
    if not has(package, "next") or has_own_server(package):
        return None
    if not any(map(package.files.has_directory, _NEXT_PAGES)):
        raise NothingToStart(
            "Next is in package.json, but there is no app or pages directory, at the top or below src: add one"
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


def nuxt(package: PackageJson) -> Framework | None:
    if not has(package, "nuxt", "nuxt3") or _has_own_server_but(package, ".output/server"):
        return None
    if "generate" in package.scripts.get("build", ""):
        return Framework("Nuxt, generated", site=".output/public")
    start = f"env HOST=0.0.0.0 PORT={PORT} node .output/server/index.mjs"
    return Framework("Nuxt", start, build="nuxt build", artifacts=((".output", ".output"),))


def _has_own_server_but(package: PackageJson, usual: str) -> bool:
    return has_own_server(package) and usual not in package.scripts["start"]


def sveltekit(package: PackageJson) -> Framework | None:
    if not has(package, "@sveltejs/kit", "@sveltejs/adapter-node") or _has_own_server_but(package, "node build"):
        return None
    _refuse_other_platforms(package, "SvelteKit", "@sveltejs/adapter-", "svelte", "@sveltejs/adapter-node")
    if has(package, "@sveltejs/adapter-static") and not has(package, "@sveltejs/adapter-node"):
        return Framework("SvelteKit, static", site="build", build="vite build")
    automatic = has(package, "@sveltejs/adapter-auto") and not has(package, "@sveltejs/adapter-node")
    return Framework(
        "SvelteKit",
        "node build",
        build="vite build",
        environment=_ANYWHERE,
        # adapter-auto then fetches the adapter for Node, as it does on another platform
        build_environment=(("GCP_BUILDPACKS", "1"),) if automatic else (),
        prunes=not automatic,
    )


def astro(package: PackageJson) -> Framework | None:
    if not has(package, "astro") or _has_own_server_but(package, "dist/server"):
        return None
    if has(package, "@astrojs/node"):
        start = f"env HOST=0.0.0.0 PORT={PORT} node ./dist/server/entry.mjs"
        return Framework("Astro, server", start, build="astro build", prunes=True)
    if re.search(r"output\s*:\s*[\"'`]server[\"'`]", package.config("astro")):
        _refuse_other_platforms(package, "Astro", "@astrojs/", "astro", "@astrojs/node")
    return Framework(
        "Astro", site=output_directory(package, "dist", package.config("astro"), "outDir"), build="astro build"
    )


def _refuse_other_platforms(package: PackageJson, label: str, prefix: str, config: str, wanted: str) -> None:
    """Raises CannotPlan when the build is for another platform's functions and produces no server."""
    text = package.config(config)
    for platform in ("vercel", "netlify", "cloudflare", "cloudflare-workers"):
        adapter = f"{prefix}{platform}"
        if adapter in package.tools and wanted not in package.tools and (not text or adapter in text):
            raise CannotPlan(
                f"{label} is set up for another platform ({adapter}): add {wanted} to package.json and use it in"
                f" {config}.config.js"
            )


def nitro(package: PackageJson) -> Framework | None:
    """TanStack Start, and other Vite applications whose server is Nitro's."""
    tanstack = has(package, "@tanstack/react-start", "@tanstack/solid-start")
    if _has_own_server_but(package, ".output/server") or not (tanstack or "vite" in package.tools):
        return None
    if has(package, "nitro", "nitropack", "@tanstack/nitro-v2-vite-plugin"):
        start = f"env HOST=0.0.0.0 PORT={PORT} node .output/server/index.mjs"
        label = "TanStack Start" if tanstack else "Nitro"
        return Framework(label, start, build="vite build", artifacts=((".output", ".output"),))
    if tanstack and "start" not in package.scripts:
        raise CannotPlan(
            "TanStack Start's build produces no server: add nitro to package.json and its plugin to vite.config, or a"
            " `start` script"
        )
    return None


def router(package: PackageJson) -> Framework | None:
    """Remix, and React Router as a framework."""
    for label, server, tool in (
        ("React Router", "react-router-serve", "@react-router/serve"),
        ("Remix", "remix-serve", "@remix-run/serve"),
    ):
        if has(package, tool) and "start" not in package.scripts:
            build = "react-router build" if label == "React Router" else "remix vite:build"
            return Framework(label, f"{server} ./build/server/index.js", build=build, prunes=True)
    framework = has(package, "@react-router/dev", "@remix-run/dev")
    if framework and re.search(r"\bssr\s*:\s*false", package.config("react-router") + package.config("vite")):
        return Framework("React Router, without a server", site="build/client", build="react-router build")
    return None


def adonis(package: PackageJson) -> Framework | None:
    """AdonisJS: the script `start` is meant to be called inside of the build's directory."""
    if "@adonisjs/core" not in package.tools or "build" not in package.scripts:
        return None
    if package.script("start") not in {"", "node bin/server.js", "node server.js"}:
        return None
    program = "server.js" if package.script("start") == "node server.js" else "bin/server.js"
    return Framework("AdonisJS", f"node build/{program}", environment=_ANYWHERE, prunes=True)


def medusa(package: PackageJson) -> Framework | None:
    """Medusa looks for its dashboard below the directory that it is started in."""
    if "@medusajs/medusa" not in package.tools or package.script("start") != "medusa start":
        return None
    if package.script("build") != "medusa build":
        return None
    return Framework("Medusa", "cd .medusa/server && exec medusa start", environment=_ANYWHERE)
