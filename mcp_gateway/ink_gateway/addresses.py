"""What `repo` and `host` of a tool call mean, and where a service is reached. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ink_api.condition_types import ConditionType
from ink_api.conditions import find
from ink_api.inkservice import InkService

from ink_gateway.checks import OWNER_PATTERN, github_repository, repository_name, shown
from ink_gateway.errors import Denied, InvalidArgument

INTERNAL = "ml.ink"
GITHUB = "github.com"
HOSTS = (INTERNAL, GITHUB)
LABEL_SUBDOMAIN = "ml.ink/subdomain"
"""On an InkService: first label of its public host, so that one list with a selector finds who has a host."""


@dataclass(frozen=True)
class RepositoryAddress:
    """Where a repository lies. `internal_name` is its name on Ink's git server, None if it lies elsewhere."""

    url: str
    internal_name: str | None


def checked_host(host: str) -> str:
    """A git host this platform knows."""
    if host in HOSTS:
        return host
    raise InvalidArgument("host", f"{shown(host)} is not known.", f"Use one of {', '.join(HOSTS)}.")


def address(repo: str, host: str, workspace: str, git_public_url: str) -> RepositoryAddress:
    """The repository that a caller of `workspace` means.

    On ml.ink: `name`, `workspace/name`, or its clone URL. On github.com: `owner/name` or its URL.
    Raises InvalidArgument, or Denied for another workspace's repository.
    """
    if checked_host(host) == GITHUB:
        return RepositoryAddress(_github(repo), None)
    path = repo.removeprefix(git_public_url + "/") if repo.startswith(git_public_url + "/") else repo
    owner, _, name = path.rpartition("/")
    if owner and owner != workspace:
        raise Denied(
            "ReferenceDenied",
            f"repo {shown(repo)} does not belong to your workspace {workspace!r}.",
            "Use a repository of your own workspace, or host='github.com' for one on GitHub.",
        )
    name = repository_name(name)
    return RepositoryAddress(internal_url(git_public_url, workspace, name), name)


def internal_url(git_public_url: str, workspace: str, name: str) -> str:
    """Clone address of a repository on Ink's git server."""
    return f"{git_public_url}/{workspace}/{name}.git"


def same_repository(url: str, other: str) -> bool:
    """Whether two addresses name one repository; a final `.git` or slash and the case of the host do not matter."""
    return _canonical(url) == _canonical(other)


def _canonical(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.netloc.lower(), parts.path.rstrip("/").removesuffix(".git")


def _github(repo: str) -> str:
    path = re.sub(r"^https://github\.com/", "", repo).rstrip("/")
    owner, _, name = path.partition("/")
    if not re.fullmatch(OWNER_PATTERN, owner) or not name:
        raise InvalidArgument("repo", f"{shown(repo)} is no GitHub repository.", "Give it as 'owner/name'.")
    return f"https://github.com/{owner}/{github_repository(name)}.git"


def follows(service: InkService, url: str, branch: str) -> bool:
    """Whether it deploys that branch of that repository."""
    git = service.spec.source.git
    return git is not None and git.branch == branch and same_repository(git.url, url)


def reads_with_credentials(service: InkService) -> bool:
    """Whether its own credentials were seen to read its repository: a hint names a commit, not for others to learn."""
    git = service.spec.source.git
    if git is None or git.auth is None or git.auth.secret_ref is None:
        return False
    resolved = find(service.status.conditions, ConditionType.SOURCE_RESOLVED)
    return resolved is not None and resolved.status == "True"
