"""The input of a build: environment variables, parsed once."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ink_api.reasons import Reason
from ink_planner.model.options import BuildOptions

from ink_builder.errors import BuildError, infrastructure

_MIB = 1024 * 1024
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]*$")
_POLICIES = ("off", "warn", "block")
_RESERVED = ("BUILDKIT_", "INK_", "GIT_AUTH_")
"""Names that the daemon reads as orders: another frontend, another tenant's caches."""


@dataclass(frozen=True)
class Source:
    """The repository and commit to build."""

    url: str
    commit: str
    branch: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    root_directory: str = ""
    allowed_private: str | None = None
    max_bytes: int = 512 * _MIB
    max_files: int = 100_000
    slow_seconds: float = 60.0
    """How long a git server may send next to nothing."""
    slow_bytes_per_second: int = 1_000


@dataclass(frozen=True)
class Options(BuildOptions):
    """What is planned with, and what only the build itself needs."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """Plain variables of the build; ARG of a Dockerfile reads them."""


@dataclass(frozen=True)
class Daemon:
    """Where buildkitd listens, and the client's certificate; `unix:` addresses need none."""

    address: str
    ca: str | None = None
    cert: str | None = None
    key: str | None = field(default=None, repr=False)
    start_seconds: float = 20.0
    """How long it may take until it answers: it may just be starting."""


@dataclass(frozen=True)
class Extras:
    """What an image gets beside its layers, and where caches lie. All of it is off unless the platform asks for it."""

    platform: str | None = None
    """Such as `linux/arm64`; the daemon's own when None."""
    registry_cache: bool = False
    """Keep the cache beside the image, for daemons that come and go."""
    provenance: str | None = None
    """`min` or `max`."""
    sbom_generator: str | None = None
    """The image of the scanner that the daemon runs."""


@dataclass(frozen=True)
class Scan:
    """What is looked for in the source and in the image, and what ends a build: each policy is off, warn or block."""

    secrets: str = "off"
    vulnerabilities: str = "off"
    image: str = "off"
    """Known vulnerabilities of the packages in the image, those of its base included; needs an SBOM."""
    severity: str = "high"
    """From which on a known vulnerability ends the build: low, medium, high, critical."""
    osv_source: str | None = None
    """A file, directory or zip archive in OSV's format, or the URL of a server with OSV's API."""

    @property
    def is_on(self) -> bool:
        """Whether there is anything to do with the source."""
        return (self.secrets, self.vulnerabilities) != ("off", "off")

    @property
    def blocks(self) -> bool:
        """Whether the build waits for what is found in the source."""
        return "block" in {self.secrets, self.vulnerabilities}

    @property
    def holds(self) -> bool:
        """Whether an image is pushed only after it was looked at."""
        return self.image == "block"


@dataclass(frozen=True)
class Settings:
    """Everything a build needs to know."""

    build_id: str
    tenant: str
    project: str
    service: str
    source: Source
    options: Options
    image: str
    registry_host: str
    registry_token: str = field(repr=False)
    registry_insecure: bool
    daemon: Daemon
    timeout_seconds: float
    no_cache: bool
    verdict_file: Path
    base_images: Mapping[str, Any] = field(default_factory=dict)
    """ecosystem -> version -> image, or {build, run}: instead of the publishers' own."""
    extras: Extras = Extras()
    scan: Scan = Scan()
    push_patience_seconds: float = 300.0
    """How long a built image waits for a registry that takes no pushes, as it does at night while it is cleaned up."""
    build_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Secret variables of the build, by name: for `RUN --mount=type=secret,id=NAME` alone."""
    job_uid: str = ""
    """Of the Job that this build is; empty: nobody waits for its verdict beside the image."""
    secrets_digest: str = ""
    """Changes with their values, and tells nothing of them."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that may not appear in a log."""
        known = (self.source.password, self.registry_token, self.daemon.key, *self.build_secrets.values())
        return tuple(s for s in known if s)


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise infrastructure(f"the build Job lacks {name}: its Secret or its template is incomplete")
    return value


def _json(environ: Mapping[str, str], name: str) -> Any:
    try:
        return json.loads(environ.get(name) or "null")
    except ValueError as error:
        raise infrastructure(f"{name} is not JSON: {error}") from error


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(environ.get(name) or default)
    except ValueError as error:
        raise infrastructure(f"{name} is not a number: {environ[name]!r}") from error


def _base_images(environ: Mapping[str, str]) -> Mapping[str, Any]:
    listed = _json(environ, "INK_BASE_IMAGES") or {}
    if not isinstance(listed, Mapping):
        raise infrastructure("INK_BASE_IMAGES is not an object of ecosystems")
    return listed


def _command(value: Any) -> str | None:
    """A command as shell text; the operator may give a list of arguments."""
    import shlex

    if isinstance(value, list):
        return shlex.join(str(part) for part in value) or None
    return str(value).strip() or None if value else None


def _variables(entries: Any) -> dict[str, str]:
    """The plain values of spec.build.env; sealed ones and references arrive as INK_BUILD_SECRETS."""
    plain = {
        str(e["name"]): str(e["value"]) for e in entries or () if isinstance(e, dict) and e.get("value") is not None
    }
    return _checked(plain)


def _checked(variables: dict[str, str]) -> dict[str, str]:
    for name in variables:
        if not _VARIABLE.match(name) or name.upper().startswith(_RESERVED):
            raise BuildError(
                Reason.BUILD_REFUSED, f"build.env may not set {name!r}: it steers the builder itself; use another name"
            )
    return variables


def _extras(environ: Mapping[str, str]) -> Extras:
    return Extras(
        platform=environ.get("INK_PLATFORM") or None,
        registry_cache=environ.get("INK_REGISTRY_CACHE", "") == "1",
        provenance=_one_of(environ, "INK_PROVENANCE", ("off", "min", "max"), "off").replace("off", "") or None,
        sbom_generator=environ.get("INK_SBOM_GENERATOR") or None,
    )


def _scan(environ: Mapping[str, str]) -> Scan:
    if environ.get("INK_SCAN_IMAGE", "off") not in {"", "off"} and not environ.get("INK_SBOM_GENERATOR"):
        raise infrastructure("INK_SCAN_IMAGE needs INK_SBOM_GENERATOR: without an SBOM nobody knows the packages")
    return Scan(
        secrets=_one_of(environ, "INK_SCAN_SECRETS", _POLICIES, "off"),
        vulnerabilities=_one_of(environ, "INK_SCAN_VULNERABILITIES", _POLICIES, "off"),
        image=_one_of(environ, "INK_SCAN_IMAGE", _POLICIES, "off"),
        severity=_one_of(environ, "INK_SCAN_SEVERITY", ("high", "low", "medium", "critical"), "high"),
        osv_source=environ.get("INK_OSV_SOURCE") or None,
    )


def _one_of(environ: Mapping[str, str], name: str, allowed: Sequence[str], default: str) -> str:
    value = environ.get(name) or default
    if value not in allowed:
        raise infrastructure(f"{name} is {value!r}: it must be one of {', '.join(allowed)}")
    return value


def _options(environ: Mapping[str, str]) -> Options:
    build = _json(environ, "INK_BUILD") or {}
    return Options(
        pack=build.get("pack") or "Auto",
        dockerfile=build.get("dockerfile") or None,
        target=build.get("target") or None,
        install_command=_command(build.get("installCommand")),
        build_command=_command(build.get("buildCommand")),
        publish_directory=build.get("publishDirectory") or None,
        start_command=_command(_json(environ, "INK_COMMAND")),
        variables=_variables(build.get("env")),
    )


def _source(environ: Mapping[str, str]) -> Source:
    return Source(
        url=_required(environ, "INK_GIT_URL"),
        commit=_required(environ, "INK_COMMIT"),
        branch=environ.get("INK_BRANCH") or "main",
        username=environ.get("INK_GIT_USERNAME") or None,
        password=environ.get("INK_GIT_PASSWORD") or None,
        root_directory=(environ.get("INK_ROOT_DIRECTORY") or "").strip("/"),
        allowed_private=environ.get("INK_GIT_ALLOWED_PRIVATE") or None,
        max_bytes=_number(environ, "INK_SOURCE_MAX_BYTES", 512 * _MIB),
        max_files=_number(environ, "INK_SOURCE_MAX_FILES", 100_000),
        slow_seconds=float(_number(environ, "INK_SOURCE_SLOW_SECONDS", 60)),
    )


def verdict_file(environ: Mapping[str, str]) -> Path:
    """Where the verdict goes; known even when the rest of the settings is broken."""
    return Path(environ.get("INK_VERDICT_FILE") or "/dev/termination-log")


def parse(environ: Mapping[str, str]) -> Settings:
    """Read the settings; raises BuildError (infrastructure) when the Job's template is at fault."""
    return Settings(
        build_id=environ.get("INK_BUILD_ID") or "build",
        tenant=_required(environ, "INK_TENANT"),
        project=environ.get("INK_PROJECT") or "",
        service=_required(environ, "INK_SERVICE"),
        source=_source(environ),
        options=_options(environ),
        image=_required(environ, "INK_IMAGE"),
        registry_host=environ.get("INK_REGISTRY_HOST") or _required(environ, "INK_IMAGE").split("/", 1)[0],
        registry_token=environ.get("INK_REGISTRY_TOKEN") or "",
        registry_insecure=environ.get("INK_REGISTRY_INSECURE", "").lower() in {"1", "true", "yes"},
        daemon=Daemon(
            address=_required(environ, "INK_BUILDKIT_ADDRESS"),
            ca=environ.get("INK_BUILDKIT_CA") or None,
            cert=environ.get("INK_BUILDKIT_CERT") or None,
            key=environ.get("INK_BUILDKIT_KEY") or None,
            start_seconds=float(_number(environ, "INK_BUILDKIT_START_SECONDS", 20)),
        ),
        timeout_seconds=float(_number(environ, "INK_TIMEOUT_SECONDS", 900)),
        no_cache=environ.get("INK_NO_CACHE", "") == "1",
        verdict_file=verdict_file(environ),
        base_images=_base_images(environ),
        extras=_extras(environ),
        scan=_scan(environ),
        push_patience_seconds=float(_number(environ, "INK_PUSH_PATIENCE_SECONDS", 300)),
        build_secrets=_checked({str(k): str(v) for k, v in (_json(environ, "INK_BUILD_SECRETS") or {}).items()}),
        job_uid=environ.get("INK_JOB_UID") or "",
        secrets_digest=environ.get("INK_BUILD_SECRETS_DIGEST") or "",
    )
