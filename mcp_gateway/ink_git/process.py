"""Git as a subprocess: with fixed arguments and a clean environment, and terminated in every case."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

STOP_SECONDS = 3
STDERR_KEPT = 2048

CONFIG: dict[str, str] = {
    # Nothing of a repository's own may run, and no other user's settings count.
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "safe.directory": "*",
    "protocol.file.allow": "never",
    # A push may rewrite and delete what is its owner's, but must hold sound objects.
    "receive.denyNonFastForwards": "false",
    "receive.denyDeletes": "false",
    "transfer.fsckObjects": "true",
    # Old, harmless slips of real histories.
    "receive.fsck.zeroPaddedFilemode": "ignore",
    "receive.fsck.badTimezone": "ignore",
    "receive.fsck.missingSpaceBeforeDate": "ignore",
    "http.receivepack": "true",
    "receive.autogc": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    # Packs stay as they came: loose objects cost a file each.
    "transfer.unpackLimit": "1",
    # Builders fetch one exact commit, shallowly.
    "uploadpack.allowAnySHA1InWant": "true",
    "uploadpack.allowReachableSHA1InWant": "true",
    "uploadpack.allowFilter": "true",
    # Bounded memory for each process.
    "core.bigFileThreshold": "16m",
    "core.packedGitWindowSize": "16m",
    "core.packedGitLimit": "64m",
    "core.deltaBaseCacheLimit": "32m",
    "pack.windowMemory": "32m",
    "pack.deltaCacheSize": "16m",
    "pack.threads": "1",
    "init.defaultBranch": "main",
}


class GitError(Exception):
    """Git failed; the text is the end of its stderr."""


def environment(extra_config: Mapping[str, str] | None = None, protocol: str = "") -> dict[str, str]:
    """The whole environment of a git process. Nothing is inherited, so no secret leaks into it."""
    config = {**CONFIG, **(extra_config or {})}
    env = {
        "PATH": os.defpath + ":/usr/local/bin",
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": str(len(config)),
    }
    for index, (key, value) in enumerate(config.items()):
        env[f"GIT_CONFIG_KEY_{index}"] = key
        env[f"GIT_CONFIG_VALUE_{index}"] = value
    if protocol:
        env["GIT_PROTOCOL"] = protocol
    return env


class GitProcess:
    """A running git process whose stdin and stdout are streamed by the caller."""

    def __init__(self, process: asyncio.subprocess.Process, gentle: bool) -> None:
        if not (process.stdin and process.stdout and process.stderr):
            raise ValueError("all three streams must be pipes")
        self._process, self._gentle = process, gentle
        self.stdin, self.stdout = process.stdin, process.stdout
        self._stderr = b""
        self._reader = asyncio.create_task(self._read_stderr(process.stderr))

    async def _read_stderr(self, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(4096):
            self._stderr = (self._stderr + data)[-STDERR_KEPT:]

    @property
    def complaint(self) -> str:
        """The end of stderr, on one line."""
        return ascii(self._stderr.decode("utf-8", "replace").strip())

    async def wait(self) -> int:
        """Exit code, once all of stderr was read."""
        code = await self._process.wait()
        await self._reader
        return code

    def abort(self) -> None:
        """Make it exit soon: by closing its input if it is gentle, else by a signal."""
        if self._gentle:
            self.stdin.close()
        else:
            self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def close(self) -> None:
        """Kill it if it has not exited; returns once it is gone."""
        self.abort()
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
            except TimeoutError:
                self._signal(number)
        await self._process.wait()
        # A grandchild that left the group could hold stderr open for ever.
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader


@asynccontextmanager
async def start(*args: str, env: dict[str, str], gentle: bool = False) -> AsyncIterator[GitProcess]:
    """A git process in its own process group; it is gone when the block exits, however that happens.

    gentle: it exits when its input ends, after removing what it has received; a signal would leave that on the disk
    (receive-pack).
    """
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(
        "git", *args, stdin=pipe, stdout=pipe, stderr=pipe, env=env, cwd="/", start_new_session=True
    )
    process = GitProcess(running, gentle)
    try:
        yield process
    finally:
        await asyncio.shield(process.close())


async def run(*args: str, repository: Path | None = None, timeout_seconds: float = 30) -> bytes:
    """Stdout of a short git command. Raises GitError when it fails or takes too long."""
    where = [f"--git-dir={repository}"] if repository else []
    async with start(*where, *args, env=environment()) as process:
        process.stdin.close()
        try:
            async with asyncio.timeout(timeout_seconds):
                output = await process.stdout.read()
                code = await process.wait()
        except TimeoutError as late:
            raise GitError(f"git {args[0]} took longer than {timeout_seconds:g} s") from late
    if code != 0:
        raise GitError(f"git {args[0]} ended with {code}: {process.complaint}")
    return output
