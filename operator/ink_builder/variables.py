"""Variables of the build in a Dockerfile of ours: what its author would have written by hand. Pure."""

import re
from collections.abc import Collection, Iterable

DIGEST = "INK_SECRETS"
"""No user's variable has such a name."""
_FROM = re.compile(r"^FROM\s", re.IGNORECASE)
_RUN = re.compile(r"^RUN\s+", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?['\"]?(?P<end>\w+)['\"]?")


def declare(dockerfile: str, plain: Iterable[str], secret: Collection[str], digest: str = "") -> str:
    """Every stage that builds knows the plain variables as arguments, every RUN the secret ones for as long as it runs.

    The last stage is what is shipped: it is told nothing, unless it is the only one. `digest` changes with the secret
    ones: the daemon does not look at a secret's value when it takes a step from its cache.
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
    """The lines outside of here-documents."""
    end = ""
    for line in lines:
        if end:
            end = "" if line == end else end
            continue
        begins = _HEREDOC.search(line)
        end = begins["end"] if begins else ""
        yield line
