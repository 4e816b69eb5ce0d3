"""package.json, and which Node and package manager it asks for."""

import re
from dataclasses import dataclass
from typing import Any

from ink_planner.model.base_images import BaseImage, BaseImages
from ink_planner.model.files import Files
from ink_planner.model.plan import Version
from ink_planner.toolkit import formats, shared_files, sources
from ink_planner.toolkit.versions import VersionConstraint, VersionRules, choose

RULES = VersionRules("Node", behind=2)
UNNEEDED = {"cypress": ("CYPRESS_INSTALL_BINARY", "0"), "husky": ("HUSKY", "0")}
"""Tools of a developer, and what keeps their installation from fetching a browser or looking for a git directory."""
_CODENAMES = {"gallium": "16", "hydrogen": "18", "iron": "20", "jod": "22", "krypton": "24"}
_CALL = re.compile(r"(?:npm run|pnpm(?: run)?|yarn(?: run)?|bun run) (?:--?[\w-]+ )*([\w:.-]+)")
_HOOKS = ("preinstall", "install", "postinstall", "prepare")


@dataclass(frozen=True)
class PackageJson:
    """One package.json; `files` are those beside it."""

    files: Files
    data: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.data.get("name") or "")

    @property
    def scripts(self) -> dict[str, str]:
        return formats.strings(self.data.get("scripts"))

    @property
    def dependencies(self) -> dict[str, str]:
        return formats.strings(self.data.get("dependencies"))

    @property
    def development(self) -> dict[str, str]:
        """Packages that only the build needs."""
        return formats.strings(self.data.get("devDependencies"))

    @property
    def tools(self) -> dict[str, str]:
        """Packages of both sorts."""
        return {**self.development, **self.dependencies}

    @property
    def hooked(self) -> bool:
        """Whether the installation runs scripts of the repository, which may need any of its files."""
        return any(hook in self.scripts for hook in _HOOKS)

    def script(self, name: str) -> str:
        """The text of a script; of the one that it only calls, if it does nothing else."""
        text = self.scripts.get(name, "").strip()
        for _ in range(len(self.scripts)):
            called = _CALL.fullmatch(text)
            if called is None or called[1] not in self.scripts:
                break
            text = self.scripts[called[1]].strip()
        return text

    def config(self, name: str) -> str:
        """The text of `name.config.js`, `.ts` and so on, without comments."""
        endings = ("js", "mjs", "cjs", "ts", "mts", "cts")
        found = self.files.first(*(f"{name}.config.{ending}" for ending in endings))
        return sources.without_comments(self.files.read(found)) if found else ""


def read(files: Files) -> PackageJson:
    """Raises CannotPlan when package.json is not a JSON object."""
    return PackageJson(files, formats.json_object(files, "package.json"))


def version(
    files: Files, package: PackageJson, images: BaseImages, else_: list[VersionConstraint] | None = None
) -> tuple[BaseImage, Version]:
    """Which Node is used; `else_` counts where the repository says nothing. Raises NoBaseImage, Unsatisfiable."""
    constraints = [
        VersionConstraint(
            _CODENAMES.get(constraint.text.removeprefix("lts/").strip().lower(), constraint.text),
            constraint.source,
            pin=True,
        )
        for constraint in shared_files.pin_file(files, ".node-version", ".nvmrc")
    ]
    constraints += shared_files.tool_version(files, "nodejs", "node")
    if isinstance(pinned := formats.table(package.data, "volta").get("node"), str):
        constraints.append(VersionConstraint(pinned, "package.json (volta)", pin=True))
    if isinstance(engine := formats.table(package.data, "engines").get("node"), str) and engine.strip():
        constraints.append(VersionConstraint(engine, "package.json (engines)"))
    return choose(images, "node", RULES, constraints or else_ or [])
