"""What the daemon's error means: whose fault, in which words, shown by which lines. Pure."""

import re
from dataclasses import dataclass

from ink_api.reasons import Reason

from ink_builder.buildkit.progress import Step
from ink_builder.errors import BuildError, infrastructure

SHOWN_LINES = 20
_OUT_OF_MEMORY_EXIT = 137

_EXIT = re.compile(r'process "(?P<process>.*)" did not complete successfully: exit code: (?P<code>\d+)', re.DOTALL)
_NO_DOCKERFILE = re.compile(r"failed to read dockerfile: .*no such file or directory")
_NO_IMAGE = re.compile(
    r"(?P<image>[^\s:]+(?::\d+)?/[^\s:]+(?::[^\s:]+)?(?:@sha256:[0-9a-f]+)?): (?:not found|pull access denied)"
    r"|failed to resolve source metadata for (?P<other>\S+): .*"
    r"(?:not found|denied|unauthorized|authorization failed|401|403)"
)
_NOT_IN_CONTEXT = re.compile(r'failed to calculate checksum of ref [^"]*"(?P<path>[^"]+)": not found')
_NO_STAGE = re.compile(r"target stage [\"']?(?P<stage>[^\"'\s]+)[\"']? could not be found")
_DOCKERFILE = re.compile(
    r"dockerfile parse error|Dockerfile:\d+|failed to parse stage name|unknown instruction|dockerfile\.v0"
)
_NETWORK = re.compile(
    r"connection refused|i/o timeout|no such host|connection reset|TLS handshake|server misbehaving"
    r"|network is unreachable"
    r"|unexpected status[^:]*: 5\d\d|EOF$|no active sessions?|session healthcheck failed"
)
_DAEMON = re.compile(
    r"no space left on device|failed to create lease|database is locked|input/output error|read-only file system"
)
_PREFIX = re.compile(r"^(?:failed to solve: |rpc error: code = \w+ desc = )+")


@dataclass(frozen=True)
class Context:
    """What the words need to know about the build."""

    dockerfile: str
    generated: bool


def explain(details: str, step: Step | None, context: Context) -> BuildError:
    """The failure that `details`, the error text of the solve, and the failed step, if one is known, amount to."""
    text = _PREFIX.sub("", details.strip())
    lines = tuple(step.lines)[-SHOWN_LINES:] if step else ()
    if exited := _EXIT.search(text):
        return _step_failed(exited, text, step, lines)
    if _NO_DOCKERFILE.search(text):
        return BuildError(Reason.DOCKERFILE_NOT_FOUND, f"there is no {context.dockerfile} in this commit")
    if (step and step.name.startswith("exporting")) or "failed to push" in text:
        return infrastructure(f"the image could not be pushed: {_first_line(text)}", lines)
    for decide in (_source_failed, _daemon_failed, _dockerfile_failed):
        if error := decide(text, context, lines):
            return error
    name = f" in step {step.name}" if step and not step.is_quiet else ""
    return BuildError(Reason.BUILD_FAILED, f"the build failed{name}: {_first_line(text)}", lines=lines)


def _step_failed(exited: re.Match[str], text: str, step: Step | None, lines: tuple[str, ...]) -> BuildError:
    code = int(exited["code"])
    name = step.name if step and step.name else exited["process"]
    if code == _OUT_OF_MEMORY_EXIT or "cannot allocate memory" in text:
        message = f"step {name} was killed for want of memory (exit code {code})"
        return BuildError(Reason.BUILD_OUT_OF_MEMORY, message, lines=lines)
    return BuildError(Reason.BUILD_FAILED, f"step {name} ended with exit code {code}", lines=lines)


def _source_failed(text: str, context: Context, _lines: tuple[str, ...]) -> BuildError | None:
    """Images and files that are not where the Dockerfile says."""
    if missing := _NOT_IN_CONTEXT.search(text):
        path = missing["path"]
        return BuildError(
            Reason.BUILD_FAILED,
            f"{context.dockerfile} copies {path}, which the repository does not hold (or .dockerignore leaves out)",
        )
    if (image := _NO_IMAGE.search(text)) and not _NETWORK.search(text):
        name = (image["image"] or image["other"]).rstrip(":")
        return BuildError(
            Reason.BUILD_FAILED, f"image {name} was not found in its registry, or may not be read without a password"
        )
    if stage := _NO_STAGE.search(text):
        return BuildError(Reason.BUILD_FAILED, f"{context.dockerfile} has no stage named {stage['stage']}")
    return None


def _daemon_failed(text: str, _context: Context, lines: tuple[str, ...]) -> BuildError | None:
    if _NETWORK.search(text) or _DAEMON.search(text):
        return infrastructure(f"the builder could not finish: {_first_line(text)}", lines)
    return None


def _dockerfile_failed(text: str, context: Context, lines: tuple[str, ...]) -> BuildError | None:
    if not _DOCKERFILE.search(text):
        return None
    if context.generated:
        return infrastructure(f"the generated Dockerfile is at fault: {_first_line(text)}", lines)
    return BuildError(Reason.BUILD_FAILED, f"{context.dockerfile} is not valid: {_first_line(text)}", lines=lines)


def _first_line(text: str) -> str:
    """The part of a multi-line error that a sentence can hold."""
    return " ".join(text.split("\n--", 1)[0].split())[:500]
