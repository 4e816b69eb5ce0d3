"""`python -m ink_builder`: one build, described by the environment; log to stdout, verdict to a file."""

import gc
import os
import sys
from typing import Any

_COLLECT_AFTER_OBJECTS = 200_000
"""Importing the libraries creates many objects and no garbage: collecting would take a fifth of the start-up time."""


async def _run(settings: Any, log: Any) -> dict[str, Any]:
    import asyncio
    import signal

    from ink_builder import verdict
    from ink_builder.errors import infrastructure
    from ink_builder.registry import stored_log
    from ink_builder.run import build

    task = asyncio.ensure_future(build(settings, log))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        ended = await task
        await stored_log.store(settings, log, ended)
        return ended
    except asyncio.CancelledError:
        log.line("stopped: the build was cancelled", important=True)
        return verdict.failure(infrastructure("the build was cancelled before it finished"))


def main() -> int:
    """Returns the exit code."""
    gc.set_threshold(_COLLECT_AFTER_OBJECTS, 10, 10)
    import asyncio

    from ink_builder import settings as parsing
    from ink_builder import verdict
    from ink_builder.errors import BuildError
    from ink_builder.log import BuildLog, Mask

    file = parsing.verdict_file(os.environ)
    try:
        settings = parsing.parse_settings(os.environ)
        log = BuildLog(Mask(settings.secrets))
        ended = asyncio.run(_run(settings, log))
    except BuildError as error:
        print(f"failed: {error.reason}: {error}", flush=True)
        ended = verdict.failure(error)
    try:
        verdict.write(ended, file)
    except OSError as error:
        print(f"cannot write the verdict to {file}: {error}", file=sys.stderr, flush=True)
        return verdict.EXIT_INFRASTRUCTURE
    return verdict.exit_code(ended)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a fetch that still waits for a silent server must not hold the process
