"""What several ecosystems ask of a repository."""

import json
import re
import shlex
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from ink_builder.planner.files import MAX_READ_BYTES, Files
from ink_builder.planner.model import DEFAULT_PORT, CannotPlan
from ink_builder.planner.versions import Wish

_PROCESS = re.compile(r"^(web|worker)[ \t]*:[ \t]*(\S.*)$", re.MULTILINE)
_LINE = re.compile(r"^[ \t]*([\w.-]+)[ \t]+(\S+)", re.MULTILINE)
CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt")
"""Slim Debian has none, and every build image does."""

_NAMED = re.compile(r"\"(\.?/?[A-Za-z0-9_][\w./-]*(?:\*[\w.*/-]*)?)\"")
_SOURCES = (".go", ".rs", ".mod", ".sum", ".md", "Cargo.toml", "Cargo.lock")
_MOST_KEPT = 60
_KEPT = (
    "templates", "views", "static", "public", "assets", "web", "ui", "www", "dist", "migrations", "db/migrations",
    "config", "configs", "data", "content", "locales", "i18n", "resources", "Rocket.toml", "config.toml", "config.yaml",
    "config.json",
)  # fmt: skip


def procfile(files: Files) -> tuple[str, str] | None:
    """The command of the first `web` (else `worker`) line of a Procfile, and its name."""
    found = {name: command.strip() for name, command in reversed(_PROCESS.findall(files.read("Procfile")))}
    name = next((name for name in ("web", "worker") if name in found), None)
    return (found[name], f"Procfile, {name}") if name else None


def tool_version(files: Files, *names: str) -> list[Wish]:
    """What .tool-versions or mise.toml asks for one of `names`."""
    found = [Wish(v, ".tool-versions", pin=True) for n, v in _LINE.findall(files.read(".tool-versions")) if n in names]
    for path in ("mise.toml", ".mise.toml"):
        tools = table(toml(files, path), "tools")
        found += [Wish(str(tools[n]), path, pin=True) for n in names if isinstance(tools.get(n), str | int | float)]
    return found


def pin_file(files: Files, *paths: str) -> list[Wish]:
    """The first line of a file that holds a version and nothing else."""
    texts = [(path, files.read(path).strip()) for path in paths]
    return [Wish(text.splitlines()[0], path, pin=True) for path, text in texts if text]


def toml(files: Files, path: str) -> dict[str, Any]:
    """The parsed file; empty when there is none or it cannot be read (its own tools will say why)."""
    return parsed_toml(files.read(path))


def parsed_toml(text: str) -> dict[str, Any]:
    """The same of a text."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def check_toml(files: Files, path: str) -> None:
    """Raises CannotPlan when the file is not TOML."""
    try:
        tomllib.loads(files.read(path))
    except tomllib.TOMLDecodeError as error:
        raise CannotPlan(f"{path} is not valid TOML: {error}") from error
    except RecursionError as error:
        raise CannotPlan(f"{path} is nested too deeply to be read") from error


def table(data: Any, *keys: str) -> dict[str, Any]:
    """A nested table; empty when something on the way is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def json_object(files: Files, path: str) -> dict[str, Any]:
    """The parsed file; empty when there is none. Raises CannotPlan when it is no JSON object."""
    if path not in files:
        return {}
    text = files.read(path)
    try:
        data = json.loads(text)
    except ValueError as error:
        if len(text.encode()) >= MAX_READ_BYTES:
            raise CannotPlan(f"{path} is larger than {MAX_READ_BYTES // 1024} KiB: make it smaller") from error
        raise CannotPlan(f"{path} is not valid JSON: {error}{_hint(text)}") from error
    except RecursionError as error:
        raise CannotPlan(f"{path} is nested too deeply to be read") from error
    if not isinstance(data, dict):
        raise CannotPlan(f"{path} is not an object: it must begin with {{")
    return data


def _hint(text: str) -> str:
    if not text.strip():
        return "; the file is empty"
    if re.search(r"^[ \t]*(//|/\*)", text, re.MULTILINE):
        return "; JSON has no comments: remove them"
    return "; look for a comma too many" if re.search(r",\s*[}\]]", text) else ""


def jsonc(text: str) -> str:
    """JSON without the comments and final commas that some tools allow; strings stay as they are."""
    text = re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', lambda m: m[1] or "", text, flags=re.DOTALL)
    return re.sub(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', lambda m: m[1] or "", text)


_TOKEN = re.compile(r"[\"'`]|(?<![:\\])//|/\*")
_REST = {
    '"': re.compile(r'[^"\\\n]*(?:\\.[^"\\\n]*)*"?'),
    "'": re.compile(r"[^'\\\n]*(?:\\.[^'\\\n]*)*'?"),
    "`": re.compile(r"[^`\\]*(?:\\.[^`\\]*)*`?", re.DOTALL),
}
"""Of a text, behind its first quote; to the end of the line, or of everything, where it is not closed."""


def code(text: str) -> str:
    """What is left of JavaScript, Go or Rust without its comments: a setting in a comment is none."""
    kept, place = [], 0
    while found := _TOKEN.search(text, place):
        kept.append(text[place : found.start()])
        if found[0] in _REST:
            rest = _REST[found[0]].match(text, found.end())
            place = rest.end() if rest else found.end()
            kept.append(text[found.start() : place])
            continue
        end = text.find("\n" if found[0] == "//" else "*/", found.end())
        place = len(text) if end < 0 else end + (2 if found[0] == "/*" else 0)
    return "".join([*kept, text[place:]])


def strings(value: Any) -> dict[str, str]:
    """The pairs of a mapping whose values are texts."""
    return {str(k): v for k, v in value.items() if isinstance(v, str)} if isinstance(value, dict) else {}


def kept_beside_binary(files: Files, code: str = "") -> tuple[tuple[str, str], ...]:
    """Directories and files that a compiled program reads from its working directory.

    Those of the usual names, and those that its `code` names in a text: `ParseFiles("page.html")`.
    """
    found = [path for path in _KEPT if path in files or files.has_directory(path)]
    for text in sorted(set(_NAMED.findall(code))):
        path = text.partition("*")[0].strip("/").removeprefix("./")
        known = path in files or any(not p.endswith(_SOURCES) for p in files.below(path).paths)
        inside = any(path == kept or path.startswith(f"{kept}/") for kept in found)
        if known and plain(path) and not inside and not path.endswith(_SOURCES):
            found.append(path)
    return tuple((f"/app/{path}", f"/app/{path}") for path in found[:_MOST_KEPT])


def fixed_port(text: str, pattern: re.Pattern[str], asks: str = "PORT") -> int:
    """The port that code names (a group of `pattern`) when it never asks the environment; else the platform's."""
    found = pattern.search(text) if asks not in text else None
    port = int(next(group for group in found.groups() if group)) if found else DEFAULT_PORT
    return port if 1024 <= port <= 65535 else DEFAULT_PORT


_LOOPBACK = re.compile(
    r"(?:\b(?:listen|bind|ListenAndServe|[Rr]un|Start|serve|HTTPServer|create_server)\("
    r"|\b(?:Addr|host|hostname)[ \t]*[=:][ \t]*)[^;\n]{0,80}?"
    r"(?:[\"'`](?:127\.0\.0\.1|localhost)(?::\d{0,5})?[\"'`]|\[\s*127\s*,\s*0\s*,\s*0\s*,\s*1\s*\])"
)


def only_from_inside(path: str, text: str) -> tuple[str, ...]:
    """A note, when a program asks for an address that nobody outside of its container reaches."""
    serves = re.search(r"[Ll]isten|[Ss]erve|bind|\brun\(|\.Run\(|\.Start\(|HTTPServer", text)
    found = _LOOPBACK.search(text) if serves and "0.0.0.0" not in text else None
    if found is None or re.search(r"process\.env|environ|getenv|Getenv|env::var", found[0]):
        return ()
    line = text.count("\n", 0, found.end()) + 1
    return (f"{path} line {line} listens on 127.0.0.1, which nobody reaches from outside: let it listen on 0.0.0.0",)


def matches(place: str, globs: Sequence[str]) -> bool:
    """Whether a directory is meant by one of a workspace's patterns: `*` is one directory, `**` any number."""
    return any(fnmatchcase(place, glob) and ("**" in glob or place.count("/") == glob.count("/")) for glob in globs)


def argument(text: str) -> str:
    """A name out of the repository as one word of a shell command."""
    return shlex.quote(text)


def plain(text: str) -> bool:
    """Whether a path can stand in a Dockerfile as it is: no blanks, quotes, wildcards, variables or new lines."""
    return re.fullmatch(r"[A-Za-z0-9_./@+=,-]+", text) is not None and not text.startswith("-")


def directory(text: str, what: str) -> str:
    """A directory below the application's, as the user wrote it. Raises CannotPlan when it cannot be one."""
    clean = "/".join(part for part in text.strip().split("/") if part not in {"", "."})
    if ".." in clean.split("/") or not (clean == "" or plain(clean)):
        raise CannotPlan(
            f"{what} {text[:80]!a} cannot be used: name a directory inside the repository, with letters, digits"
            " and . _ - / only"
        )
    return clean
