"""Packages that a program imports and that nothing installs."""

import re

from ink_planner.ecosystems.node import managers
from ink_planner.ecosystems.node.package_json import PackageJson
from ink_planner.model.errors import MissingPackage
from ink_planner.model.files import Files
from ink_planner.toolkit import formats, sources

_IMPORT = re.compile(
    r"""^(?:import[ \t]{1,4}(?!type\b)(?:[\w$*\s{},]{1,400}?\bfrom\s{0,4})?"""
    r"""|(?:(?:const|let|var)[ \t]{1,4}[\w$\s{},:]{1,400}=\s{0,4})?require\()"""
    r"""["']([^"'\n]+)["']""",
    re.MULTILINE,
)
"""At the beginning of a line: an import inside of a block may be optional."""
_MOST = 5
_NAME = re.compile(r"(@[\w.-]+/[\w.-]+|[a-z0-9_][\w.-]*)(?:/.*)?")
_OF_NODE = frozenset(
    {
        "assert", "async_hooks", "buffer", "bun", "child_process", "cluster", "console", "constants", "crypto", "dgram",
        "diagnostics_channel", "dns", "domain", "events", "fs", "http", "http2", "https", "inspector", "module", "net",
        "os", "path", "perf_hooks", "process", "punycode", "querystring", "readline", "repl", "stream",
        "string_decoder", "sys", "timers", "tls", "trace_events", "tty", "url", "util", "v8", "vm", "wasi",
        "worker_threads", "zlib",
    }
)  # fmt: skip


def check(files: Files, package: PackageJson, path: str) -> tuple[str, ...]:
    """Notes on packages that perhaps nothing installs. Raises MissingPackage for one that certainly nothing does."""
    elsewhere = any(f"{folder}/package.json" in files for folder in _folders(path))
    if (
        elsewhere
        or package.hooked
        or not path.endswith((".js", ".mjs", ".cjs"))
        or files.whole is not None
        or "workspaces" in package.data
        or "_moduleAliases" in package.data
    ):
        return ()
    if files.has_directory("node_modules") or files.first("pnpm-workspace.yaml", "bun.lock", "bun.lockb"):
        return ()
    lacking = [name for name in _imported(files, path) if name not in _asked(package)]
    lacking = [name for name in lacking if not managers.is_locked(files, name)]
    present = managers.present_locks(files)
    if not lacking:
        return ()
    if present or not _asked(package):
        raise MissingPackage(_sentence(files, path, lacking[0], present))
    return tuple(f"{path} imports {name}, which is not in package.json: add it to its dependencies" for name in lacking)


def _sentence(files: Files, path: str, name: str, locks: list[str]) -> str:
    if "package.json" not in files:
        return (
            f"{path} imports {name}, but there is no package.json: run `npm init -y` and `npm install {name}`, then"
            " commit package.json and package-lock.json"
        )
    also = f" and {locks[0]}" if locks else ""
    return (
        f"{path} imports {name}, which is not in package.json{also}: add it (npm install {name}) and commit"
        " package.json and the lock file"
    )


def _folders(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _imported(files: Files, path: str) -> list[str]:
    names = (_NAME.fullmatch(found) for found in _IMPORT.findall(sources.without_comments(files.read(path))))
    found = {name[1] for name in names if name is not None}
    # a directory of that name: some packages let a program import its own modules so
    return sorted(name for name in found - _OF_NODE if not _own(files, name))[:_MOST]


def _own(files: Files, name: str) -> bool:
    top = name.partition("/")[0]
    return any(files.has_directory(f"{place}{top}") or f"{place}{top}.js" in files for place in ("", "src/", "app/"))


def _asked(package: PackageJson) -> set[str]:
    others = (formats.strings(package.data.get(key)) for key in ("optionalDependencies", "peerDependencies"))
    return {*package.tools, package.name, *(name for other in others for name in other)} - {""}
