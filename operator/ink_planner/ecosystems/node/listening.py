"""Where a program for Node listens, as far as its code says so."""

import posixpath
import re

from ink_planner.model.files import Files
from ink_planner.model.plan import DEFAULT_PORT
from ink_planner.toolkit import sources

BUILT = ("dist", "build", "out", "lib", ".output", "output")
"""Directories that a build script makes: an entry point there need not be in the commit."""
_LISTEN = re.compile(
    r"\blisten(?:\(|\s*:)\s*(?:\{[^}]{0,80}?\bport\s*:\s*)?(\d{2,5})\b|\b[sS]erver?\(\s*\{[^}]{0,200}?\bport\s*:\s*(\d{2,5})\b"
)
"""A number, or one in an object as Fastify, Hapi, Hono and Bun take it."""
_CONSTANT = re.compile(r"\b(?:const|let|var)\s+port(?:\s*:\s*number)?\s*=\s*(\d{2,5})\s*[;\n]", re.IGNORECASE)
_APOLLO = 4000
"""Where Apollo's own server listens by default."""
_LOCAL = re.compile(r"(?:\bfrom\s{0,4}|\bimport\s{0,4}\(?\s{0,4}|\brequire\(\s{0,4})[\"'](\.\.?/[\w./-]+)[\"']")
_MOST_READ = 12
_SERVES = re.compile(r"\.listen\(|\bserve\(|Server\(")
_FASTIFY = re.compile(r"[\"']fastify[\"']|\bFastifyAdapter\b")
_ANYWHERE = re.compile(r"\bhost\b|0\.0\.0\.0|[\"']::[\"']", re.IGNORECASE)


def port_in(files: Files, path: str) -> int:
    """The port that the code names when it never asks the environment; else the platform's."""
    text = code_of(files, source_of(files, path))
    if not text or "env.PORT" in text or "PORT" in re.sub(r"(?:const|let|var)\s+PORT\b|\bPORT\s*[,)]", "", text):
        return DEFAULT_PORT
    serves = ".listen(" in text or "serve(" in text
    found = _LISTEN.search(text) or (_CONSTANT.search(text) if serves else None)
    usual = _APOLLO if "startStandaloneServer(" in text and "listen" not in text else DEFAULT_PORT
    port = int(next(group for group in found.groups() if group)) if found else usual
    return port if 1024 <= port <= 65535 else DEFAULT_PORT


def source_of(files: Files, path: str) -> str:
    """The file that a program is, or is made from when a build makes it: `dist/main.js` of `src/main.ts`."""
    folder, _, rest = path.partition("/")
    places = [path, f"{path}.js", f"{path}/index.js"]
    if folder in BUILT and rest:
        stem = re.sub(r"\.[cm]?js$", "", rest)
        folders, ends = ("src/", "", "app/", "server/"), (".ts", ".mts", ".js", "/index.ts")
        places += [f"{place}{stem}{end}" for place in folders for end in ends]
    return files.first(*places) or ""


def unreachable(files: Files, source: str) -> tuple[str, ...]:
    """A note, when a program listens where it cannot be reached from outside its container."""
    text = files.read(source)
    code = sources.without_comments(text)
    if _FASTIFY.search(code) and ".listen(" in code and not _ANYWHERE.search(code):
        return (
            f"{source}: Fastify listens on 127.0.0.1 by default, which cannot be reached from outside: call"
            ' listen({ port, host: "0.0.0.0" })',
        )
    return sources.loopback_note(source, text)


def code_of(files: Files, source: str) -> str:
    """Of a program; of the modules that it imports too, where it does nothing but import them."""
    text = sources.without_comments(files.read(source))
    if not source or _SERVES.search(text):
        return text
    found = [_module(files, posixpath.dirname(source), name) for name in _LOCAL.findall(text)[:_MOST_READ]]
    return "\n".join([text, *(sources.without_comments(files.read(path)) for path in found if path)])


def _module(files: Files, folder: str, name: str) -> str | None:
    path = posixpath.normpath(posixpath.join(folder, name))
    stem = re.sub(r"\.[cm]?js$", "", path)
    return files.first(path, *(f"{stem}{end}" for end in (".js", ".ts", ".mjs", "/index.js", "/index.ts")))
