"""What the source code of a program says: where it listens, and which files it reads."""

import re

from ink_planner.model.files import Files
from ink_planner.model.plan import DEFAULT_PORT
from ink_planner.toolkit.quoting import is_plain

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
_TOKEN = re.compile(r"[\"'`]|(?<![:\\])//|/\*")
_REST = {
    '"': re.compile(r'[^"\\\n]*(?:\\.[^"\\\n]*)*"?'),
    "'": re.compile(r"[^'\\\n]*(?:\\.[^'\\\n]*)*'?"),
    "`": re.compile(r"[^`\\]*(?:\\.[^`\\]*)*`?", re.DOTALL),
}
"""Of a text, behind its first quote; to the end of the line, or of everything, where it is not closed."""


def without_comments(text: str) -> str:
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


def kept_beside_binary(files: Files, code: str = "") -> tuple[tuple[str, str], ...]:
    """Directories and files that a compiled program reads from its working directory.

    Those of the usual names, and those that its `code` names in a text: `ParseFiles("page.html")`.
    """
    found = [path for path in _KEPT if path in files or files.has_directory(path)]
    for text in sorted(set(_NAMED.findall(code))):
        path = text.partition("*")[0].strip("/").removeprefix("./")
        known = path in files or any(not p.endswith(_SOURCES) for p in files.below(path).paths)
        inside = any(path == kept or path.startswith(f"{kept}/") for kept in found)
        if known and is_plain(path) and not inside and not path.endswith(_SOURCES):
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


def loopback_note(path: str, text: str) -> tuple[str, ...]:
    """A note, when a program listens on an address that cannot be reached from outside its container."""
    serves = re.search(r"[Ll]isten|[Ss]erve|bind|\brun\(|\.Run\(|\.Start\(|HTTPServer", text)
    found = _LOOPBACK.search(text) if serves and "0.0.0.0" not in text else None
    if found is None or re.search(r"process\.env|environ|getenv|Getenv|env::var", found[0]):
        return ()
    line = text.count("\n", 0, found.end()) + 1
    return (f"{path} line {line} listens on 127.0.0.1, which cannot be reached from outside: listen on 0.0.0.0",)
