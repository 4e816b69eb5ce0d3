"""Parsing .gitmodules. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from ink_api.reasons import Reason

from ink_builder.errors import BuildError

MAX_DEPTH = 4
MAX_COUNT = 50
MAX_FILE_BYTES = 64 * 1024
_SECTION = re.compile(r'^\s*\[submodule "(?P<name>[^"]*)"\]\s*$')
_ENTRY = re.compile(r"^\s*(?P<key>path|url|branch)\s*=\s*(?P<value>.*?)\s*$")
_SCP = re.compile(r"^(?:[\w.-]+@)(?P<host>[\w.-]+):(?P<path>[^/].*)$")
_SSH = re.compile(r"^ssh://(?:[\w.-]+@)?(?P<host>[\w.-]+)(?::22)?/(?P<path>.+)$")


@dataclass(frozen=True)
class Submodule:
    """Its path in the repository, and the absolute URL that it is fetched from."""

    path: str
    url: str


def parse(text: str, parent_url: str) -> dict[str, Submodule]:
    """Path -> submodule. Only known keys are read; nothing in this file can include another file."""
    found: dict[str, Submodule] = {}
    entries: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        if section := _SECTION.match(line):
            current = entries.setdefault(section["name"], {})
        elif entry := _ENTRY.match(line):
            current[entry["key"]] = entry["value"].strip('"')
    for values in entries.values():
        if values.get("path") and values.get("url"):
            found[values["path"]] = Submodule(values["path"], absolute(values["url"], parent_url))
    return found


def absolute(url: str, parent_url: str) -> str:
    """The absolute URL of a submodule: relative URLs start at the parent's; SSH URLs become HTTPS."""
    if url.startswith(("./", "../")):
        return urljoin(parent_url.rstrip("/") + "/", url)
    if found := _SCP.match(url) or _SSH.match(url):
        return f"https://{found['host']}/{found['path']}"
    return url


def same_origin(one: str, other: str) -> bool:
    """Whether credentials for one URL may be sent to the other."""
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.netloc) == (second.scheme, second.netloc)


def is_wanted(path: str, root_directory: str) -> bool:
    """Whether any of its files can be part of the build, which sees only the root directory."""
    inside = not root_directory or f"{path}/".startswith(f"{root_directory}/")
    return inside or f"{root_directory}/".startswith(f"{path}/")


def about(path: str, url: str, error: BuildError) -> BuildError:
    """The same failure, as that of a submodule."""
    return BuildError(
        error.reason,
        f"submodule {path} ({url}): {error}; correct .gitmodules, or remove the submodule",
        lines=error.lines,
        infrastructure=error.infrastructure,
    )


def missing(path: str) -> BuildError:
    """The commit has a submodule that .gitmodules does not list."""
    return BuildError(Reason.SOURCE_REFUSED, f"{path} is a submodule, but .gitmodules has no URL for it: add one")
