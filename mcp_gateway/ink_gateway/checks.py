"""Validation of tool arguments: a usable value, or an error that says what to pass instead. Pure."""

import re
from typing import Any

from ink_api.inkservice import ENV_NAME_PATTERN
from ink_api.names import SERVICE_NAME_MAX, SERVICE_NAME_PATTERN, WORKSPACE_MAX, WORKSPACE_PATTERN
from ink_api.quantities import QUANTITY_PATTERN

from ink_gateway.errors import InvalidArgument

REPOSITORY_PATTERN = r"^[a-z0-9]([-a-z0-9_.]*[a-z0-9])?$"
REPOSITORY_MAX = 64
GITHUB_REPOSITORY_PATTERN = r"^[A-Za-z0-9._-]{1,100}$"
BRANCH_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._/-]*$"
OWNER_PATTERN = r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})$"
DEFAULT_PROJECT = "default"
ENV_MAX = 200
MEMORY_MIN = 16 * 2**20
UNITS = {"": 1, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
UNITS |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
VALUE_MAX = 32768
COMMAND_MAX = 4096
PACKS = {"railpack": "Auto", "auto": "Auto", "dockerfile": "Dockerfile", "static": "Static"}
"""Tool values to spec.build.pack. `railpack` is the contract's word for "detect the language"."""


def quoted(value: object) -> str:
    """A caller's value for use in a message: quoted, one line, at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def service_name(name: str) -> str:
    """A DNS label. Raises InvalidArgument, suggesting the closest valid name."""
    if len(name) <= SERVICE_NAME_MAX and re.fullmatch(SERVICE_NAME_PATTERN, name):
        return name
    better = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-").lstrip("0123456789-")[:SERVICE_NAME_MAX].rstrip("-")
    raise InvalidArgument(
        "name",
        f"{quoted(name)} is not a DNS label.",
        f"Use at most {SERVICE_NAME_MAX} lower-case letters, digits and hyphens, starting with a letter"
        + (f", such as {better!r}." if better else "."),
    )


def project_name(project: str) -> str:
    """Name of a project."""
    if len(project) <= WORKSPACE_MAX and re.fullmatch(WORKSPACE_PATTERN, project):
        return project
    raise InvalidArgument(
        "project",
        f"{quoted(project)} is not a valid project name.",
        f"Use at most {WORKSPACE_MAX} lower-case letters, digits and single hyphens, starting with a letter.",
    )


def repository_name(name: str) -> str:
    """Name of a repository on Ink's git server; a final `.git` is dropped."""
    short = name.removesuffix(".git")
    if len(short) <= REPOSITORY_MAX and re.fullmatch(REPOSITORY_PATTERN, short) and ".." not in short:
        return short
    raise InvalidArgument(
        "repo",
        f"{quoted(name)} is not a valid repository name.",
        f"Use at most {REPOSITORY_MAX} lower-case letters, digits, '-', '_' and '.'. For a GitHub repository, "
        "pass host='github.com'.",
    )


def github_repository(name: str) -> str:
    """Name of a repository on GitHub; a final `.git` is dropped."""
    short = name.removesuffix(".git")
    if re.fullmatch(GITHUB_REPOSITORY_PATTERN, short) and short.strip("."):
        return short
    raise InvalidArgument("repo", f"{quoted(name)} is not a valid repository name.", "Pass it as 'owner/name'.")


def branch_name(branch: str) -> str:
    """Name of a branch."""
    if len(branch) <= 200 and re.fullmatch(BRANCH_PATTERN, branch) and ".." not in branch:
        return branch
    raise InvalidArgument("branch", f"{quoted(branch)} is not a valid branch name.", "Pass a name such as 'main'.")


def pack(build_pack: str) -> str:
    """spec.build.pack of a tool's build_pack."""
    try:
        return PACKS[build_pack.lower()]
    except KeyError:
        raise InvalidArgument(
            "build_pack", f"{quoted(build_pack)} is not a build pack.", f"Use one of {', '.join(PACKS)}."
        ) from None


def port_number(port: int) -> int:
    """A TCP port."""
    if 1 <= port <= 65535:
        return port
    raise InvalidArgument("port", f"{port} is not a port number.", "Pass a number from 1 to 65535.")


def quantity(parameter: str, value: str, example: str) -> str:
    """A Kubernetes quantity above zero."""
    if len(value) <= 20 and re.fullmatch(QUANTITY_PATTERN, value) and re.search("[1-9]", value):
        return value
    raise InvalidArgument(parameter, f"{quoted(value)} is not a valid quantity.", f"Pass one such as {example}.")


def memory(value: str) -> str:
    """An amount of memory in which a process can start."""
    amount = quantity("memory", value, "'512Mi' or '1Gi'")
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", amount).groups()  # type: ignore[union-attr]
    if float(number) * UNITS[unit] >= MEMORY_MIN:
        return amount
    meant = f"{number}Mi" if float(number) * 2**20 >= MEMORY_MIN and not unit else "512Mi"
    raise InvalidArgument(
        "memory",
        f"{amount!r} is {amount if unit else f'{number} bytes'}, too little for a process to start.",
        f"Pass at least 16Mi, for example {meant!r}.",
    )


def command(parameter: str, value: str) -> str:
    """A shell command."""
    if 0 < len(value) <= COMMAND_MAX and "\0" not in value:
        return value
    raise InvalidArgument(parameter, f"it has {len(value)} characters.", f"Pass 1 to {COMMAND_MAX} characters.")


def env_vars(values: dict[str, Any]) -> dict[str, str]:
    """Environment variables as strings. Messages name variables, never values."""
    if len(values) > ENV_MAX:
        raise InvalidArgument("env_vars", f"there are {len(values)} variables.", f"Pass at most {ENV_MAX}.")
    out = {}
    for name, value in values.items():
        if len(name) > 256 or not re.fullmatch(ENV_NAME_PATTERN, name):
            raise InvalidArgument(
                "env_vars",
                f"{quoted(name)} is not a valid variable name.",
                "Use letters, digits and '_', not starting with a digit.",
            )
        if not isinstance(value, str | int | float):
            raise InvalidArgument(
                "env_vars", f"the value of {name} is not text.", "Pass strings; encode other values as JSON."
            )
        if len(str(value)) > VALUE_MAX or "\0" in str(value):
            raise InvalidArgument(
                "env_vars",
                f"the value of {name} cannot be a variable.",
                f"Pass at most {VALUE_MAX} characters without NUL.",
            )
        out[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return out


def out_of_range(parameter: str, value: int, least: int, most: int) -> InvalidArgument:
    """The error for a number outside its bounds."""
    return InvalidArgument(parameter, f"{value} is out of range.", f"Pass a number from {least} to {most}.")
