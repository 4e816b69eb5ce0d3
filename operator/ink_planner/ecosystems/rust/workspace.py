"""One package of a cargo workspace, or one that is built of packages beside it: cargo reads what lies above."""

import re
from dataclasses import dataclass
from typing import Any

from ink_planner.model.files import Files
from ink_planner.toolkit import formats, quoting

_BESIDE = re.compile(r"\bpath\s*=\s*\"\.\./")


@dataclass(frozen=True)
class CargoScope:
    """The repository, the package's place in it, and the directory of its lock file."""

    whole: Files
    place: str
    top: Files

    @property
    def lock(self) -> str:
        """The text of the lock file that cargo obeys here."""
        return self.top.read("Cargo.lock")


def around(files: Files) -> CargoScope | None:
    """None when the package is built of nothing but its own directory."""
    whole, place = files.whole, files.place
    if whole is None or not place or not quoting.is_plain(place) or "[workspace]" in files.read("Cargo.toml"):
        return None
    above = place
    while above:
        above = above.rpartition("/")[0]
        root = whole.below(above) if above else whole
        if "workspace" in formats.toml(root, "Cargo.toml"):
            # a package that the workspace leaves out has a lock file of its own
            return CargoScope(whole, place, files if "Cargo.lock" in files else root)
    return CargoScope(whole, place, files) if _BESIDE.search(files.read("Cargo.toml")) else None


def behind(lock: str, manifest: dict[str, Any]) -> bool:
    """Whether the lock file only knows crates that the package no longer asks for: cargo then leaves those out."""
    listed = formats.parsed_toml(lock).get("package")
    name = formats.table(manifest, "package").get("name")
    entry = next((p for p in listed or () if isinstance(p, dict) and p.get("name") == name), {})
    known = {str(d).partition(" ")[0] for d in entry.get("dependencies") or ()}
    tables = [manifest, *(t for t in formats.table(manifest, "target").values() if isinstance(t, dict))]
    kinds = ("dependencies", "dev-dependencies", "build-dependencies")
    asked = {
        str(value.get("package", crate)) if isinstance(value, dict) else crate
        for table in tables
        for kind in kinds
        for crate, value in formats.table(table, kind).items()
    }
    return asked < known


def crates(lock: str, package: str) -> set[str]:
    """Names of what one package of a lock file is built of; all of them when that is unknown."""
    listed = formats.parsed_toml(lock).get("package")
    needs = {str(p.get("name")): p.get("dependencies") for p in listed if isinstance(p, dict)} if listed else {}
    if package not in needs:
        return set(re.findall(r'^name = "([^"]+)"', lock, re.MULTILINE))
    found: set[str] = set()
    queue = [package]
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += [str(d).partition(" ")[0] for d in needs.get(name) or ()]
    return found
