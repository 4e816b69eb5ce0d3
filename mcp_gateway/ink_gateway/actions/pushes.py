"""A push event becomes a hint on every service that follows the branch. Doing it twice changes nothing."""

import asyncio
from typing import Annotated

from ink_api.group import ANNOTATION_HEAD
from ink_api.inkservice import InkService
from ink_api.names import WORKSPACE_PATTERN
from pydantic import BaseModel, ConfigDict, StringConstraints

from ink_gateway.actions.platform import Platform
from ink_gateway.addresses import internal_url

BRANCH_REF = "refs/heads/"
NOTHING = "0" * 40
Sha = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


class RefUpdate(BaseModel):
    """One ref that moved."""

    model_config = ConfigDict(frozen=True)
    ref: Annotated[str, StringConstraints(max_length=1024)]
    old: Sha
    new: Sha


class Push(BaseModel):
    """What the git server tells after a push."""

    model_config = ConfigDict(frozen=True)
    workspace: Annotated[str, StringConstraints(pattern=WORKSPACE_PATTERN, max_length=63)]
    repository: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", max_length=100)]
    updates: list[RefUpdate]


def heads(push: Push) -> dict[str, str]:
    """Branches that moved, and where to; deleted branches and other refs are left out."""
    return {
        update.ref.removeprefix(BRANCH_REF): update.new
        for update in push.updates
        if update.ref.startswith(BRANCH_REF) and update.new != NOTHING
    }


class PushActions:
    """Spreads push events."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def __call__(self, push: Push) -> int:
        """Number of services that were told something new."""
        url = internal_url(self._platform.git_public_url, push.workspace, push.repository)
        told = 0
        for branch, commit in sorted(heads(push).items()):
            hint = f"{branch}@{commit}"
            services = await self._platform.services.following(push.workspace, url, branch)
            news = [s for s in services if _is_news(s, commit, hint)]
            await asyncio.gather(
                *(self._platform.services.hint(s.metadata.namespace, s.metadata.name, hint) for s in news)
            )
            told += len(news)
        return told


def _is_news(service: InkService, commit: str, hint: str) -> bool:
    git = service.spec.source.git
    if git is None or git.commit is not None or service.metadata.deletion_timestamp is not None:
        return False
    told = service.metadata.annotations.get(ANNOTATION_HEAD)
    return told != hint and not (told is None and service.status.commit == commit)
