"""The shell, git, curl, apt, make, and what the kernel says."""

from ink_api.reasons import Reason

from ink_builder.diagnosis.rule import Rule, around

_RETRY = "Ink retries the build; if the name is one of yours, check it"

FIRST = (
    Rule(
        Reason.BUILD_DISK_FULL,
        r"No space left on device|ENOSPC|no space left on device|Disk quota exceeded",
        "the build ran out of disk space: write less (remove caches and intermediate files in the same RUN instruction),"
        " or ask for a larger disk",
    ),
    Rule(
        Reason.BUILD_OUT_OF_MEMORY,
        r"^(?:.*\b)?(?:Out of memory|Cannot allocate memory|MemoryError|std::bad_alloc|java\.lang\.OutOfMemoryError[^\n]*)$",
        "the step ran out of memory: run fewer jobs in parallel, or reduce the size of the build",
    ),
)

LAST = (
    Rule(
        Reason.DEPENDENCY_AUTH_REQUIRED,
        r"could not read Username for '(?P<host>[^']+)'|Authentication failed for '(?P<failed>[^']+)'|Permission denied \(publickey",
        "git needs credentials for {host}{failed}, and the build has none: add a token to build.env and use it in the URL,"
        " or vendor the code",
    ),
    Rule(
        Reason.NETWORK_FAILED,
        r"Could not resolve host: (?P<curl>[\w.-]+)|bad address '(?P<wget>[^']+)'|unable to resolve host address [‘'`](?P<gnu>[^’'`]+)"
        r"|(?:getaddrinfo (?:ENOTFOUND|EAI_RETRY)) (?P<node>[\w.-]+)|Temporary failure (?:in name resolution|resolving '(?P<apt>[^']+)')"
        r"|lookup (?P<go>[\w.-]+)[^\n]*: (?:no such host|server misbehaving)|dns error: failed to lookup address",
        "the build could not resolve the host name {curl}{wget}{gnu}{node}{apt}{go}: " + _RETRY,
        infrastructure=True,
    ),
    Rule(
        Reason.NETWORK_FAILED,
        r"(?:connect|code) (?P<code>ECONNREFUSED|ETIMEDOUT|ECONNRESET|EHOSTUNREACH)(?: (?P<where>[\d.:a-f]+))?"
        r"|Failed to connect to (?P<curl>\S+) port|dial tcp (?P<go>\S+): (?:connect: connection refused|i/o timeout)"
        r"|can't connect to remote host(?: \((?P<wget>[^)]+)\))?: |Connection (?:timed out|refused)",
        lambda m, text: (
            "the build could not connect to "
            + (next((m[n] for n in ("where", "curl", "go", "wget") if m[n]), "") or _where(text))
            + f": {_RETRY}"
        ),
        infrastructure=True,
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"E: (?:Unable to locate package (?P<name>\S+)|Package '(?P<virtual>[^']+)' has no installation candidate)"
        r"|ERROR: unable to select packages:\n\s+(?P<apk>\S+) \(no such package\)",
        "this image's distribution has no package {name}{virtual}{apk}: correct its name (and run `apt-get update` in the same"
        " RUN instruction)",
    ),
    Rule(
        Reason.BUILD_FAILED,
        r"(?:The requested URL returned error:|server returned error: HTTP/\S+|ERROR) (?P<code>[45]\d\d)\b(?P<words>[^\n]*)",
        "a download failed with {code}{words}: correct the URL",
    ),
    Rule(
        Reason.COMMAND_NOT_FOUND,
        r"No rule to make target [`'](?P<target>[^`'\n]+)'",
        "the Makefile has no target {target}: add it, or call an existing one",
    ),
    Rule(
        Reason.BUILD_FAILED,
        r"(?:cannot execute: required file not found|bad interpreter|: (?P<script>\./\S+|\S+\.sh): not found|exec (?P<exec>\S+): no such file)",
        "{script}{exec} cannot be started: its first line names a program that the image does not have, or the file has Windows"
        " line endings; save scripts with LF line endings (`*.sh text eol=lf` in .gitattributes)",
    ),
    Rule(
        Reason.PLATFORM_UNAVAILABLE,
        r"[Ee]xec format error",
        "a program was built for another processor architecture (or is not a program): build it for the platform's"
        " architecture, install it during the build, or choose another --platform in FROM",
    ),
    Rule(
        Reason.PERMISSION_DENIED,
        r"(?<![\w./-])(?P<script>[\w./-]+): [Pp]ermission denied$",
        lambda m, text: _denied(m["script"], text),
    ),
    Rule(
        Reason.PERMISSION_DENIED,
        r"(?:EACCES: permission denied, \w+|PermissionError: \[Errno 13\] Permission denied:|Permission denied[:)]?) ?'?(?P<path>[^'\n]*)'?",
        "the step has no permission to write {path}, which its USER does not own: create the directory and `chown` it before"
        " the USER instruction, or use COPY --chown",
    ),
    Rule(
        Reason.COMMAND_NOT_FOUND,
        r"(?:^|: )(?:line )?\d*:? ?(?P<name>[\w./+-]+): (?:command )?not found$|exec: \"(?P<exec>[^\"]+)\": (?:executable file not found|stat)",
        "the program {name}{exec} is not in the image: install it, or use a base image that has it",
    ),
    Rule(
        Reason.BUILD_VARIABLE_MISSING,
        r"(?:^|: )(?:line )?\d*:? ?(?P<name>[A-Za-z_]\w*): (?:parameter (?:not set|null or not set)|unbound variable)",
        "the build needs the variable {name}, which is not set: add it to build.env, and declare it with ARG in a Dockerfile",
    ),
    Rule(
        Reason.FILE_NOT_FOUND,
        r"(?:can't (?:open|cd to|stat)|cannot (?:open|access|stat|create regular file)) '?(?P<path>[^':\n]+)'?: ?(?:No such file|No such)",
        "{path} does not exist: commit it, or correct the path",
    ),
)


def _where(text: str) -> str:
    return around(r"https?://([\w.:-]+)", text, "a server")


def _denied(what: str, text: str) -> str:
    if "can't create" in text or "cannot create" in text or "mkdir" in text:
        return (
            f"the step has no permission to write {what}, which its USER does not own: create the directory and `chown` it"
            " before the USER instruction, or use COPY --chown"
        )
    return f"{what} is not executable: change its mode (`git update-index --chmod=+x {what.removeprefix('./')}`, or chmod in the step)"
