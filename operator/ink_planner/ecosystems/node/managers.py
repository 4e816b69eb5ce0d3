"""Package managers of Node: which one an application uses, its commands, and what its lock file names."""

import re
from dataclasses import dataclass

from ink_planner.ecosystems.node.package_json import PackageJson
from ink_planner.model.files import MAX_READ_BYTES, Files
from ink_planner.model.plan import Run
from ink_planner.toolkit.tools import NPM_CACHE

TOOLS = "/opt/tools"
_PNPM_OF_LOCK = {"5": "7", "6": "8", "7": "9", "9": "10"}
_LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock")


@dataclass(frozen=True)
class PackageManager:
    """A package manager: what puts it there, and its commands. `run` takes the name of a script."""

    name: str
    install: str
    run: str
    caches: tuple[str, ...]
    setup: tuple[Run, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    prune: str | None = None
    lock: str | None = None
    manifests: tuple[str, ...] = ()
    """Files that the installation reads beside package.json and the lock file."""
    copies_all: bool = False
    """The installation reads files that have no fixed names."""

    def script(self, name: str, arguments: str = "") -> str:
        """The command that runs a script, with arguments for it."""
        between = "" if not arguments else " -- " if self.name == "npm" else " "
        return f"{self.run.format(name)}{between}{arguments}"


def choose(files: Files, package: PackageJson, *, lenient: bool) -> PackageManager:
    """Of packageManager, else of the lock file, else npm. `lenient`: another Node is used than engines asks for."""
    name, _, version = str(package.data.get("packageManager") or "").partition("@")
    version = version.partition("+")[0] if re.fullmatch(r"\d+(\.\d+){0,2}([-+][\w.+-]+)?", version) else ""
    locks = {"npm": files.first("package-lock.json", "npm-shrinkwrap.json"), "yarn": files.first("yarn.lock"),
             "pnpm": files.first("pnpm-lock.yaml"), "bun": files.first("bun.lock", "bun.lockb")}  # fmt: skip
    locked = [tool for tool, lock in locks.items() if lock]
    if not locked and name not in locks:
        name, version = _named_in_scripts(package), ""
    if name not in locks or (locked and name not in locked):
        # a lock file that is there says more than a manager that has left none
        name, version = (locked[0] if locked else "npm"), ""
    lock = locks[name]
    if name == "pnpm":
        return _pnpm(files, version, lock)
    if name == "bun":
        return _bun(version, lock)
    if name == "yarn":
        berry = (version and not version.startswith("1.")) or "__metadata:" in files.read("yarn.lock")
        return _berry(files, version, lock) if berry else _yarn(version, lock, lenient=lenient)
    command = "npm ci" if lock else "npm install"
    npmrc = (".npmrc",) if ".npmrc" in files else ()
    return PackageManager(
        "npm", f"{command} --no-audit --no-fund", "npm run {}", (NPM_CACHE,), lock=lock,
        prune="npm prune --omit=dev --ignore-scripts", manifests=npmrc,
    )  # fmt: skip


def _named_in_scripts(package: PackageJson) -> str:
    """The manager that the scripts call, where there is no lock file."""
    words = " ".join(package.scripts.get(script, "") for script in ("start", "build", "dev"))
    typed = {"@types/bun", "bun-types"} & package.tools.keys() and "exports" not in package.data
    if typed or re.search(r"(?:^|[\s;&|])bunx? ", words):
        return "bun"
    return "pnpm" if re.search(r"(?:^|[\s;&|])pnpm ", words) else ""


def _tool(spec: str) -> tuple[Run, ...]:
    return (Run(f"npm install --global --prefix {TOOLS} {spec}", (NPM_CACHE,)),)


def _pnpm(files: Files, version: str, lock: str | None) -> PackageManager:
    format_ = re.search(r"^lockfileVersion:\s*['\"]?(\d+)", files.read("pnpm-lock.yaml"), re.MULTILINE)
    version = version or _PNPM_OF_LOCK.get(format_[1] if format_ else "", "10")
    store = "/root/.local/share/pnpm/store"
    install = f"CI=true pnpm install {'--frozen-lockfile' if lock else '--no-frozen-lockfile'}"
    return PackageManager(
        "pnpm", install, "pnpm run {}", (store,),
        _tool(f"pnpm@{version}"), (("npm_config_store_dir", store),),
        "CI=true pnpm prune --prod --ignore-scripts", lock,
        tuple(f for f in (".npmrc", "pnpm-workspace.yaml", ".pnpmfile.cjs") if f in files),
        copies_all=files.has_directory("patches"),
    )  # fmt: skip


def _yarn(version: str, lock: str | None, *, lenient: bool) -> PackageManager:
    flags = "--non-interactive" + (" --ignore-engines" if lenient else "")
    frozen = "--frozen-lockfile " if lock else ""
    cache = "/usr/local/share/.cache/yarn"
    return PackageManager(
        f"yarn {version or '1'}", f"yarn install {frozen}{flags}", "yarn run {}", (cache,),
        _tool(f"yarn@{version or '1'}"), (("YARN_CACHE_FOLDER", cache),),
        f"yarn install --production --ignore-scripts --prefer-offline {frozen}{flags}", lock,
        copies_all=True,
    )  # fmt: skip


def _berry(files: Files, version: str, lock: str | None) -> PackageManager:
    folder = "/root/.yarn/berry"
    environment = (
        ("YARN_NODE_LINKER", "node-modules"),
        ("YARN_GLOBAL_FOLDER", folder),
        ("YARN_ENABLE_TELEMETRY", "0"),
        ("YARN_ENABLE_INLINE_BUILDS", "1"),
    )  # what fails shows in the log, not in a file of the build
    return PackageManager(
        f"yarn {version or '4'}", "yarn install" + (" --immutable" if lock else " --no-immutable"), "yarn run {}",
        (folder,), _tool(f"@yarnpkg/cli-dist@{version or '4'}"), environment,
        "yarn workspaces focus --all --production" if version.startswith("4") or not version else None, lock,
        (".yarnrc.yml",) if ".yarnrc.yml" in files else (), copies_all=files.has_directory(".yarn"),
    )  # fmt: skip


def _bun(version: str, lock: str | None) -> PackageManager:
    cache, frozen = "/root/.bun/install/cache", " --frozen-lockfile" if lock else ""
    return PackageManager(
        "bun", f"bun install{frozen}", "bun run {}", (cache,), _tool(f"bun@{version or '1'}"),
        (("BUN_INSTALL_CACHE_DIR", cache),),
        f"rm -rf node_modules && bun install --production --ignore-scripts{frozen}", lock, copies_all=True,
    )  # fmt: skip


def present_locks(files: Files) -> list[str]:
    """The lock files that are there."""
    return [lock for lock in _LOCKS if lock in files]


def is_locked(files: Files, name: str) -> bool:
    """Whether they install a package, directly or for another one. A lock file that is cut off may name it."""
    pattern = re.compile(rf"(?:^|[/\"'\s]){re.escape(name)}[@\"':/]")
    return any(_is_cut(text) or pattern.search(text) is not None for text in map(files.read, present_locks(files)))


def _is_cut(text: str) -> bool:
    return len(text.encode()) >= MAX_READ_BYTES
