"""What every action may use: the ports and a few settings."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ink_gateway.ports import BranchHeads, Environments, GitServer, InkServices, Logs, SealingKeys


@dataclass(frozen=True)
class Platform:
    """The ports and settings that actions work with."""

    services: InkServices
    logs: Logs
    repositories: GitServer
    heads: BranchHeads
    sealing: SealingKeys
    environments: Environments
    now: Callable[[], datetime]
    tenants_namespace: str
    git_public_url: str
    git_internal_url: str
    public_url: str
    wait_seconds_max: int = 600
