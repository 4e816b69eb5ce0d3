"""Explains the daemon's errors: whose fault, in plain words, with the lines that show it. Pure."""

import re
from dataclasses import dataclass

from ink_api.reasons import Reason

from ink_builder.buildkit.progress import Step
from ink_builder.diagnosis.judge import SHOWN_LINES, judge
from ink_builder.errors import BuildError, infrastructure

_KILLED_EXIT = 137
_MAX_COMMAND_CHARS = 80

_EXIT = re.compile(r'process "(?P<process>.*)" did not complete successfully: exit code: (?P<code>\d+)', re.DOTALL)
_NETWORK = re.compile(
    r"connection refused|i/o timeout|no such host|connection reset|TLS handshake|server misbehaving"
    r"|network is unreachable"
    r"|unexpected status[^:]*: 5\d\d|EOF$|no active sessions?|session healthcheck failed"
)
_FULL = re.compile(
    r"no space left on device|disk quota exceeded|507 Insufficient Storage|DENIED: quota"
    r"|blob upload (?:invalid|unknown)",
    re.IGNORECASE,
)
"""docker-registry reports an upload as invalid or unknown when its disk is full."""
_PUSH_REFUSED = re.compile(
    r"405 Method Not Allowed|connection refused|connection reset|broken pipe|EOF$|unexpected status[^:]*: 50[234]"
    r"|blob unknown"
)
"""A registry is read-only during its cleanup, and restarts before and after it. A manifest whose layers were deleted
meanwhile is refused; the next push sends them again."""
_SCANS = re.compile(r"^\[[^]]*\] generating sbom using ")
_NO_PLATFORM = re.compile(r"no match for platform in manifest")
_OTHER_FORMAT, _LAST = re.compile(r"exec format error", re.IGNORECASE), 5
_DAEMON = re.compile(r"failed to create lease|database is locked|input/output error|read-only file system")
_DOCKERFILE = re.compile(
    r"dockerfile parse error|Dockerfile:\d+|failed to parse stage name|unknown instruction|dockerfile\.v0"
    r"|unsupported mount type|base name \([^)]*\) should not be blank|the Dockerfile cannot be empty"
    r"|file with no instructions|no build stage in current context"
)
_PREFIX = re.compile(r"^(?:failed to solve: |rpc error: code = \w+ desc = )+")
_PLACE = re.compile(r"^(?P<file>[\w./-]*):(?P<line>\d+)\n-+\n", re.MULTILINE)


@dataclass(frozen=True)
class FailureContext:
    """What the messages need to know about the build."""

    dockerfile: str
    generated: bool
    platform: str = ""
    """The platform that images are built for, if it is not the daemon's own."""
    scanner: str = ""
    """The image of the scanner that lists the packages."""


@dataclass(frozen=True)
class _Failure:
    """The daemon's error text, and the step that failed."""

    text: str
    step: Step | None
    context: FailureContext

    @property
    def last(self) -> tuple[str, ...]:
        """The last lines of the step, shown when nothing better is known."""
        return tuple(self.step.lines)[-SHOWN_LINES:] if self.step else ()


def explain(details: str, step: Step | None, context: FailureContext) -> BuildError:
    """The failure behind `details`, the error text of the solve, and the failed step, if one is known."""
    seen = _Failure(_PREFIX.sub("", details.strip()), step, context)
    if error := _scanner_failed(seen) or _other_processor(seen):
        return error
    if exited := _EXIT.search(seen.text):
        return _step_failed(exited, seen)
    for decide in (_no_dockerfile, _push_failed, _not_built, _by_text, _daemon_failed, _dockerfile_failed):
        if error := decide(seen):
            return error
    name = f" in step {step.name}" if step and not step.is_quiet else ""
    return BuildError(Reason.BUILD_FAILED, f"the build failed{name}: {_first_line(seen.text)}", lines=seen.last)


def may_be_pushed_later(details: str, step: Step | None) -> bool:
    """Whether the image was built and only the registry refuses it at the moment."""
    return _is_push(details, step) and _PUSH_REFUSED.search(details) is not None and not _FULL.search(details)


def _is_push(text: str, step: Step | None) -> bool:
    return bool(step and step.name.startswith("exporting")) or "failed to push" in text


# ---------------------------------------------------------------- the platform's own settings
def _scanner_failed(seen: _Failure) -> BuildError | None:
    """A broken scanner is the platform's to fix, not the user's."""
    name, scanner = seen.step.name if seen.step else "", seen.context.scanner
    absent = re.match(rf"failed to resolve source metadata for \S*{re.escape(scanner)}", seen.text)
    if not scanner or not (_SCANS.search(name) or absent):
        return None
    message = f"the scanner {scanner}, which lists the image's packages, could not run"
    return infrastructure(f"{message}: {_first_line(seen.text)}", seen.last)


def _other_processor(seen: _Failure) -> BuildError | None:
    """A base image that has no variant for the platform, or a program that needs an emulation that is not there."""
    wanted, name = seen.context.platform, seen.step.name if seen.step and seen.step.name else "a step"
    whose = f" (this installation builds for {wanted}: builders.platform)" if wanted else ""
    if _NO_PLATFORM.search(seen.text):
        message = f"a base image in FROM is not available for this platform{whose}: {_first_line(seen.text)}"
    elif _OTHER_FORMAT.search(" ".join((seen.text, *seen.last[-_LAST:]))) and (wanted or not seen.last):
        message = f"step {name} runs a program for another processor architecture{whose}"
    else:
        return None
    return BuildError(Reason.PLATFORM_UNAVAILABLE, message, lines=seen.last or _excerpt(seen.text))


# ---------------------------------------------------------------- a RUN that ended badly
def _step_failed(exited: re.Match[str], seen: _Failure) -> BuildError:
    code = int(exited["code"])
    name = seen.step.name if seen.step and seen.step.name else exited["process"]
    found = judge(tuple(seen.step.lines)) if seen.step else None
    if code == _KILLED_EXIT and (found is None or found.reason is not Reason.BUILD_DISK_FULL):
        message = f"step {name} ran out of memory and was killed (exit code {code})"
        return BuildError(Reason.BUILD_OUT_OF_MEMORY, message, lines=seen.last)
    if found is not None:
        message = f"`{_command(exited['process'])}` failed: {found.message}"
        return BuildError(found.reason, message, lines=found.lines, infrastructure=found.infrastructure)
    if "cannot allocate memory" in seen.text:
        return BuildError(Reason.BUILD_OUT_OF_MEMORY, f"step {name} ran out of memory and was killed", lines=seen.last)
    if code == 126:
        message = (
            f"step {name} calls a file that is not executable (exit code 126): run `chmod +x` on it and commit that"
        )
        return BuildError(Reason.PERMISSION_DENIED, message, lines=seen.last)
    return BuildError(Reason.BUILD_FAILED, f"step {name} failed with exit code {code}", lines=seen.last)


def _command(process: str) -> str:
    """What the user wrote after RUN, shortened."""
    command = " ".join(re.sub(r"^/bin/(?:ba)?sh -\w*c ", "", process).split())
    return command if len(command) <= _MAX_COMMAND_CHARS else command[: _MAX_COMMAND_CHARS - 1] + "…"


# ---------------------------------------------------------------- everything else
def _no_dockerfile(seen: _Failure) -> BuildError | None:
    if re.search(r"failed to read dockerfile: .*no such file or directory", seen.text):
        return BuildError(Reason.DOCKERFILE_NOT_FOUND, f"there is no {seen.context.dockerfile} in this commit")
    return None


def _push_failed(seen: _Failure) -> BuildError | None:
    """The image was built; only the push failed."""
    if not _is_push(seen.text, seen.step):
        return None
    message = f"the image could not be pushed: {_first_line(seen.text)}"
    if _FULL.search(seen.text):
        return BuildError(Reason.REGISTRY_FULL, message, lines=seen.last, infrastructure=True)
    return infrastructure(message, seen.last)


_NOT_BUILT = re.compile(r'failed to calculate checksum of ref [^"]*"/app/(?P<path>[^"]+)": not found')


def _not_built(seen: _Failure) -> BuildError | None:
    """The second stage of a plan misses output of the first one; there is no Dockerfile that the user could correct."""
    found = _NOT_BUILT.search(seen.text) if seen.context.generated else None
    if found is None:
        return None
    return BuildError(
        Reason.FILE_NOT_FOUND,
        f"the build commands succeeded, but did not create {found['path']}: set build.publishDirectory to the directory"
        " that they write to (for a server, correct the start command), or correct build.buildCommand",
        lines=seen.last,
    )


_TEXTS: tuple[tuple[str, Reason, str], ...] = (
    (
        r"(?:granting entitlement )?(?P<what>network\.host|security\.insecure|device\S*) is not allowed",
        Reason.BUILD_REFUSED,
        "the Dockerfile asks for {what}, which Ink does not allow: remove `--network=host` or"
        " `--security=insecure` from its RUN instructions",
    ),
    (
        r'failed to calculate checksum of ref [^"]*"(?P<path>[^"]+)": not found'
        r'|failed to compute cache key: "(?P<old>[^"]+)": not found',
        Reason.FILE_NOT_FOUND,
        "{dockerfile} copies {path}{old}, which does not exist: commit it, correct the path, or remove it from"
        " .dockerignore; with `COPY --from`, check what that stage creates",
    ),
    (
        r"target stage [\"']?(?P<stage>[^\"'\s]+)[\"']? could not be found",
        Reason.DOCKERFILE_INVALID,
        "{dockerfile} has no stage named {stage}: correct build.target, or the name after `AS`",
    ),
    (
        r"secret (?P<id>\S+): not found",
        Reason.BUILD_VARIABLE_MISSING,
        "a RUN instruction mounts the secret {id}, which is not set: add it to build.env (sealed or secretKeyRef)",
    ),
    (
        r"(?:invalid response status (?P<code>4\d\d)|failed to load cache key: (?P<url>\S+?): \S*not found)",
        Reason.FILE_NOT_FOUND,
        "ADD could not download {place} (the server answered {code}): correct the URL",
    ),
    (
        r'exec: "?(?P<name>[^\s":]+)"?: (?:executable file not found|stat \S+: no such file)'
        r"|stat (?P<stat>/\S+): no such file or directory: unknown",
        Reason.COMMAND_NOT_FOUND,
        "the image does not contain {name}{stat}: use a base image with a shell, or copy the program into the image",
    ),
)


def _by_text(seen: _Failure) -> BuildError | None:
    """Failures that the daemon's own text identifies."""
    for pattern, reason, words in _TEXTS:
        if found := re.search(pattern, seen.text):
            groups = {name: value or "" for name, value in found.groupdict().items()}
            place = _url(seen)
            message = words.format(**groups, dockerfile=seen.context.dockerfile, place=place)
            return BuildError(reason, message, lines=seen.last or _excerpt(seen.text))
    return _no_image(seen)


def _url(seen: _Failure) -> str:
    found = re.search(r"https?://\S+", f"{seen.text} {seen.step.name if seen.step else ''}")
    return found[0].rstrip(":,") if found else "a file"


_NO_IMAGE: tuple[re.Pattern[str], ...] = (
    re.compile(
        r"failed to resolve source metadata for (?P<image>\S+): .*"
        r"(?:not found|denied|unauthorized|authorization failed|401|403)",
        re.DOTALL,
    ),
    re.compile(
        r"(?P<image>[^\s:]+(?::\d+)?/[^\s:]+(?::[^\s:]+)?(?:@sha256:[0-9a-f]+)?): (?:not found|pull access denied)"
    ),
)


def _no_image(seen: _Failure) -> BuildError | None:
    if _NETWORK.search(seen.text):
        return None
    found = next((match for pattern in _NO_IMAGE if (match := pattern.search(seen.text))), None)
    if found is None:
        return None
    message = (
        f"the base image {found['image'].rstrip(':')} was not found, or it is private: correct its name or tag in FROM,"
        " or use a public image"
    )
    return BuildError(Reason.BASE_IMAGE_NOT_FOUND, message, lines=_excerpt(seen.text))


def _daemon_failed(seen: _Failure) -> BuildError | None:
    if _NETWORK.search(seen.text) or _DAEMON.search(seen.text) or _FULL.search(seen.text):
        return infrastructure(f"the builder could not finish: {_first_line(seen.text)}", seen.last)
    return None


def _dockerfile_failed(seen: _Failure) -> BuildError | None:
    if not (_DOCKERFILE.search(seen.text) or _PLACE.search(seen.text)):
        return None
    if seen.context.generated:
        return infrastructure(f"the generated Dockerfile is not valid: {_first_line(seen.text)}", seen.last)
    empty = (
        ": the FROM instruction uses an ARG that has no value; give it a default"
        if "should not be blank" in seen.text
        else ""
    )
    message = f"{seen.context.dockerfile} is not valid: {_first_line(seen.text)}{empty}"
    return BuildError(Reason.DOCKERFILE_INVALID, message, lines=seen.last or _excerpt(seen.text))


def _excerpt(text: str) -> tuple[str, ...]:
    """The lines of the Dockerfile that the daemon quotes below its message."""
    quoted = [line.rstrip() for line in text.splitlines()[1:] if re.match(r"\s*\d+ \| ", line)]
    return tuple(quoted[:SHOWN_LINES])


def _first_line(text: str) -> str:
    """The part of a multi-line error that fits into a sentence."""
    head = text.split("\n--", 1)[0]
    found = _PLACE.search(text)
    if found and found.start() == 0:
        head = text.rsplit("--------------------\n", 1)[-1]
    return " ".join(head.split())[:500]
