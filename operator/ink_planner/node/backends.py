"""Frameworks for servers whose build is an application of its own, in a directory of its own."""

from ink_planner.node.framework import Framework
from ink_planner.node.package_json import PackageJson

_ANYWHERE = (("HOST", "0.0.0.0"),)


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
