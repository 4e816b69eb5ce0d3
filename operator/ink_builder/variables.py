"""Declares the variables of the build in a generated Dockerfile. Pure."""

import re
from collections.abc import Collection, Iterable

DIGEST = "INK_SECRETS"
"""The name is reserved: no user's variable can have it."""
_FROM = re.compile(r"^FROM\s", re.IGNORECASE)
_RUN = re.compile(r"^RUN\s+", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?['\"]?(?P<end>\w+)['\"]?")


def declare(dockerfile: str, plain: Iterable[str], secret: Collection[str], digest: str = "") -> str:
    """Give every stage that builds the plain variables as arguments, and mount the secret ones into every RUN.

    The last stage is the image itself: it gets nothing, unless it is the only one. `digest` changes with the values of
    the secrets, which the daemon ignores when it decides whether to take a step from its cache.
    """
    arguments = [f"ARG {name}" for name in sorted(plain)]
    if secret and digest:
        arguments.append(f"ARG {DIGEST}={digest[:16]}")
    mounts = "".join(f"--mount=type=secret,id={name},env={name} " for name in sorted(secret))
    lines = dockerfile.split("\n")
    stages = sum(bool(_FROM.match(line)) for line in _instructions(lines))
    written, stage, end = [], 0, ""
    for line in lines:
        if end:
            end = "" if line == end else end
            written.append(line)
            continue
        begins = _HEREDOC.search(line)
        end = begins["end"] if begins else ""
        builds = stages == 1 or stage < stages
        written.append(_RUN.sub(lambda found: found[0] + mounts, line) if mounts and builds else line)
        if _FROM.match(line):
            stage += 1
            if stages == 1 or stage < stages:
                written += arguments
    return "\n".join(written)


def _instructions(lines: Iterable[str]) -> Iterable[str]:
    """The lines outside here-documents."""
    end = ""
    for line in lines:
        if end:
            end = "" if line == end else end
            continue
        begins = _HEREDOC.search(line)
        end = begins["end"] if begins else ""
        yield line
