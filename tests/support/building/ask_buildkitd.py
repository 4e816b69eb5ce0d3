"""Run as a program inside a build pod: asks a buildkitd whether it lets this client in.

Prints `open <version>` or `refused <why>`. The environment has ADDRESS, CA, CERT and KEY.
"""

import asyncio
import os

from ink_builder.buildkit.control import BuildKit
from ink_builder.errors import BuildError
from ink_builder.settings import BuildkitEndpoint

PATIENCE_SECONDS = 6.0


async def ask() -> str:
    """One attempt to connect."""
    told = os.environ
    endpoint = BuildkitEndpoint(told["ADDRESS"], told["CA"], told["CERT"], told["KEY"])
    try:
        return f"open {await BuildKit(endpoint).connect(PATIENCE_SECONDS)}"
    except BuildError as error:
        return f"refused {error}"


if __name__ == "__main__":
    print(asyncio.run(ask()))
