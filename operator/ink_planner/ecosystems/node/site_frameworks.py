"""Frameworks and bundlers for Node whose build produces only static files."""

import re

from ink_planner.ecosystems.node import scripts
from ink_planner.ecosystems.node.framework import (
    RESOLVED,
    SERVERS,
    Framework,
    has,
    has_own_server,
    output_directory,
    setting,
)
from ink_planner.ecosystems.node.package_json import PackageJson
from ink_planner.toolkit import quoting


def angular(package: PackageJson) -> Framework | None:
    if not has(package, "@angular/cli", "@angular/build") or has_own_server(package):
        return None
    config = package.files.read("angular.json")
    if "dist/" not in config and '"outputPath"' in config:
        return None
    named = re.search(r'"outputPath"\s*:\s*"([\w./-]+)"', config)
    project = re.search(r'"projects"\s*:\s*\{\s*"([\w.@/-]+)"', config)
    output = named[1] if named else f"dist/{project[1]}" if project else "dist"
    modern = "@angular/build:application" in config or "angular-devkit/build-angular:application" in config
    return Framework("Angular", site=f"{output}/browser" if modern else output, build="ng build")


def site(package: PackageJson) -> Framework | None:
    """Tools that leave nothing but files."""
    if has_own_server(package):
        return None
    eleventy = package.files.read(package.files.first(".eleventy.js") or "") or package.config("eleventy")
    for tool, label, directory, build in (
        ("gatsby", "Gatsby", "public", "gatsby build"),
        ("@docusaurus/core", "Docusaurus", "build", "docusaurus build"),
        ("@11ty/eleventy", "Eleventy", output_directory(package, "_site", eleventy, "output"), "eleventy"),
        ("hexo", "Hexo", "public", "hexo generate"),
        ("react-scripts", "Create React App", "build", "react-scripts build"),
        ("@vue/cli-service", "Vue CLI", output_directory(package, "dist", package.config("vue"), "outputDir"),
         "vue-cli-service build"),
        ("ember-cli", "Ember", "dist", "ember build --environment production"),
        ("parcel", "Parcel", output_directory(package, "dist", "", ""), ""),
        ("parcel-bundler", "Parcel", output_directory(package, "dist", "", ""), ""),
    ):  # fmt: skip
        if tool in package.tools:
            elsewhere = tool == "react-scripts" and "homepage" in package.data
            top = (("PUBLIC_URL", "/"),) if elsewhere else ()
            return Framework(label, site=directory, build=build, build_environment=top)
    return None


def vitepress(package: PackageJson) -> Framework | None:
    """Documents in the directory that holds `.vitepress`; the build script often has a name of its own."""
    configs = [p for e in ("js", "mjs", "ts", "mts") for p in package.files.named(f"config.{e}") if ".vitepress/" in p]
    if "vitepress" not in package.tools or not configs or has_own_server(package):
        return None
    place = configs[0].partition(".vitepress/")[0].rstrip("/")
    if place and not quoting.is_plain(place):
        return None
    return Framework("VitePress", site=f"{place}/.vitepress/dist".lstrip("/"), build=f"vitepress build {place}".strip())


def webpack(package: PackageJson) -> Framework | None:
    """A site of webpack's own, where a page comes out of the build or is there already."""
    developed = "webpack" in package.script("start") and "webpack-cli" in package.tools
    if "webpack" not in package.tools or not ("build" in package.scripts or developed) or has_own_server(package):
        return None
    names = ("webpack.config", "webpack.prod", "webpack.production", "webpack.config.prod", "webpack.common")
    config = "\n".join(package.files.read(f"{name}.{e}") for name in names for e in ("js", "cjs", "mjs", "ts"))
    directory = output_directory(package, "dist", config, "path")
    page = "html-webpack-plugin" in package.tools or f"{directory}/index.html" in package.files
    return (
        None
        if not page or has(package, *SERVERS)
        else Framework("webpack", site=directory, build="webpack --mode production")
    )


def served(package: PackageJson) -> Framework | None:
    """Files that a build leaves, and a server for files as the start script: the platform's own takes its place."""
    directory = scripts.served(package.script("start"))
    if not directory or "build" not in package.scripts or has(package, *SERVERS):
        return None
    return Framework("its start script", site=directory)


def vite(package: PackageJson) -> Framework | None:
    """A site, unless a server of the repository's own is there as well. Its page is where Vite begins."""
    if "vite" not in package.tools or has_own_server(package):
        return None
    config = package.config("vite")
    named = setting(config, "root")
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
    absolute = re.search(rf"\boutDir\s*:\s*{RESOLVED}", config) is not None
    climbs = re.search(r"\boutDir\s*:\s*[\"'`]\.\./([\w][\w./-]*)[\"'`]", config)
    if climbs and root.count("/") == 1 and ".." not in climbs[1]:
        return climbs[1].rstrip("/")
    return ("" if absolute else root) + output_directory(package, "dist", config, "outDir")
