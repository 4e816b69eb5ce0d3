"""Valid names of repositories. Pure; checked wherever a name enters, because names become paths."""

import re
from typing import NamedTuple

from ink_api.names import WORKSPACE_MAX, WORKSPACE_PATTERN

REPO_PATTERN = r"[a-z0-9]([-a-z0-9_.]*[a-z0-9])?"
REPO_MAX = 64


class RepoName(NamedTuple):
    """A repository's full name, both parts checked."""

    workspace: str
    repo: str

    def __str__(self) -> str:
        return f"{self.workspace}/{self.repo}"


def is_workspace(name: str) -> bool:
    """True if `name` is a valid workspace name."""
    return len(name) <= WORKSPACE_MAX and re.fullmatch(WORKSPACE_PATTERN.strip("^$"), name) is not None


def is_repo(name: str) -> bool:
    """True if `name` is a valid repository name. A final `.git` is refused, because URLs already end in it."""
    fits = len(name) <= REPO_MAX and re.fullmatch(REPO_PATTERN, name) is not None
    return fits and ".." not in name and not name.endswith((".git", ".lock"))


def parse_name(workspace: str, repo: str) -> RepoName | None:
    """The checked name, or None if either part is invalid."""
    return RepoName(workspace, repo) if is_workspace(workspace) and is_repo(repo) else None


def why_not(workspace: str, repo: str) -> str:
    """A sentence that says which rule a name violates."""
    if not is_workspace(workspace):
        pattern = WORKSPACE_PATTERN.strip("^$")
        return f"{workspace[:80]!r} is not a workspace name: {pattern}, at most {WORKSPACE_MAX} characters"
    return (
        f"{repo[:80]!r} is not a repository name: lower-case letters, digits, '-', '_' and '.', at most {REPO_MAX} "
        "characters, starting and ending with a letter or digit, without '..' and without '.git' at the end"
    )
