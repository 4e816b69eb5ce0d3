"""Build tools that were made for a Node of before OpenSSL 3, which came with Node 17."""

from ink_planner.ecosystems.node.package_json import PackageJson
from ink_planner.toolkit.versions import VersionConstraint, number_of

_SINCE = {
    "webpack": 5,
    "react-scripts": 5,
    "@vue/cli-service": 5,
    "laravel-mix": 6,
    "gatsby": 4,
    "@angular-devkit/build-angular": 13,
    "next": 11,
}
"""By tool: its first major version that hashes with what OpenSSL 3 has."""
LEGACY = 'NODE_OPTIONS="--openssl-legacy-provider $NODE_OPTIONS" '
_FIRST_NEW = 17


def constraints(package: PackageJson) -> list[VersionConstraint]:
    """Create React App 4 loads modules in a way that newer ones of Node refuse, too."""
    spec = package.tools.get("react-scripts", "")
    return [VersionConstraint("16", f"react-scripts {spec[:20]}", pin=True)] if _major(spec) == 4 else []


def old_tool(package: PackageJson, node: str) -> str | None:
    """`webpack ^4.41.0`, where it needs the old hashes of OpenSSL; None where it does not."""
    used = number_of(node)
    if used is None or used[0] < _FIRST_NEW or "openssl-legacy-provider" in package.scripts.get("build", ""):
        return None
    return next((f"{name} {package.tools[name][:20]}" for name in _SINCE if _is_old(package, name)), None)


def _is_old(package: PackageJson, name: str) -> bool:
    major = _major(package.tools.get(name, ""))
    return major is not None and major < _SINCE[name]


def _major(spec: str) -> int | None:
    found = number_of(spec) if spec[:1] in "^~=v0123456789" else None
    return found[0] if found else None
