"""What every action may use: the ports and the few settings that decide something."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ink_gateway.ports import Environments, Heads, Logs, Repositories, Sealing, Services


@dataclass(frozen=True)
class Platform:
    """The world an action works on."""

    services: Services
    logs: Logs
    repositories: Repositories
    heads: Heads
    sealing: Sealing
    environments: Environments
    now: Callable[[], datetime]
    tenants_namespace: str
    git_public_url: str
    git_internal_url: str
    public_url: str
    wait_seconds_max: int = 600
