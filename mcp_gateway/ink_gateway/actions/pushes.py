"""Turns a push event into a head hint on every service that follows the branch. Idempotent."""

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


class PushedRef(BaseModel):
    """One ref that moved."""

    model_config = ConfigDict(frozen=True)
    ref: Annotated[str, StringConstraints(max_length=1024)]
    old: Sha
    new: Sha


class Push(BaseModel):
    """The push event that the git server sends."""

    model_config = ConfigDict(frozen=True)
    workspace: Annotated[str, StringConstraints(pattern=WORKSPACE_PATTERN, max_length=63)]
    repository: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", max_length=100)]
    updates: list[PushedRef]


def heads(push: Push) -> dict[str, str]:
    """Branches that moved, with their new heads; deleted branches and other refs are left out."""
    return {
        update.ref.removeprefix(BRANCH_REF): update.new
        for update in push.updates
        if update.ref.startswith(BRANCH_REF) and update.new != NOTHING
    }


class PushActions:
    """Passes push events on to the services that follow the branches."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def __call__(self, push: Push) -> int:
        """Number of services that got a new hint."""
        url = internal_url(self._platform.git_public_url, push.workspace, push.repository)
        notified = 0
        for branch, commit in sorted(heads(push).items()):
            hint = f"{branch}@{commit}"
            services = await self._platform.services.following(push.workspace, url, branch)
            behind = [s for s in services if _needs_hint(s, commit, hint)]
            await asyncio.gather(
                *(self._platform.services.hint(s.metadata.namespace, s.metadata.name, hint) for s in behind)
            )
            notified += len(behind)
        return notified


def _needs_hint(service: InkService, commit: str, hint: str) -> bool:
    git = service.spec.source.git
    if git is None or git.commit is not None or service.metadata.deletion_timestamp is not None:
        return False
    current = service.metadata.annotations.get(ANNOTATION_HEAD)
    return current != hint and not (current is None and service.status.commit == commit)
