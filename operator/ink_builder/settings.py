"""The settings of a build, read once from `INK_…` environment variables."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from ink_api.reasons import Reason
from ink_common.environ import Parsed, SettingsError, Variable, json_object, one_of, read
from ink_planner.model.options import BuildOptions

from ink_builder.errors import BuildError, infrastructure

if TYPE_CHECKING:
    from ink_common.public_addresses import Network

_MIB = 1024 * 1024
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]*$")
Policy = Literal["off", "warn", "block"]
Severity = Literal["low", "medium", "high", "critical"]
_RESERVED = ("BUILDKIT_", "INK_", "GIT_AUTH_")
"""Names that control the daemon: another frontend, another tenant's caches."""


def _directory(text: str) -> str:
    return text.strip("/")


def _networks(text: str) -> "tuple[Network, ...]":
    from ink_common.public_addresses import parse_networks  # loads while the git server is asked, if it need not before

    return parse_networks(text)


def _command(text: str) -> str | None:
    """A command as shell text; the operator may give a list of arguments."""
    try:
        return _shell(json.loads(text))
    except ValueError:
        raise ValueError("a command in JSON: text or a list") from None


def _shell(value: Any) -> str | None:
    import shlex

    if isinstance(value, list):
        return shlex.join(str(part) for part in value) or None
    return str(value).strip() or None if value else None


def _options(text: str) -> "Options":
    build = json_object(text)
    return Options(
        pack=build.get("pack") or "Auto",
        dockerfile=build.get("dockerfile") or None,
        target=build.get("target") or None,
        install_command=_shell(build.get("installCommand")),
        build_command=_shell(build.get("buildCommand")),
        publish_directory=build.get("publishDirectory") or None,
        variables={
            str(e["name"]): str(e["value"])
            for e in build.get("env") or ()
            if isinstance(e, dict) and e.get("value") is not None
        },
    )


def _values(text: str) -> dict[str, str]:
    return {name: str(value) for name, value in json_object(text).items()}


def _provenance(text: str) -> str | None:
    return one_of("off", "min", "max")(text).replace("off", "") or None


@dataclass(frozen=True)
class BuildSource:
    """The repository and commit to build."""

    url: Annotated[str, Variable("INK_GIT_URL")]
    commit: str
    branch: str = "main"
    username: Annotated[str | None, Variable("INK_GIT_USERNAME")] = None
    password: Annotated[str | None, Variable("INK_GIT_PASSWORD")] = field(default=None, repr=False)
    root_directory: Annotated[str, Parsed(_directory)] = ""
    allowed_private: Annotated[str | None, Variable("INK_GIT_ALLOWED_PRIVATE")] = None
    """Ink's own git server: the only address that need not be public."""
    denied: Annotated["tuple[Network, ...]", Variable("INK_DENIED_CIDRS"), Parsed(_networks)] = ()
    """Refused although public: the cluster's own public addresses."""
    max_bytes: Annotated[int, Variable("INK_SOURCE_MAX_BYTES")] = 512 * _MIB
    max_files: Annotated[int, Variable("INK_SOURCE_MAX_FILES")] = 100_000
    slow_seconds: Annotated[float, Variable("INK_SOURCE_SLOW_SECONDS")] = 60.0
    """How long a git server may send next to nothing."""
    slow_bytes_per_second: Annotated[int, Variable("INK_SOURCE_SLOW_BYTES_PER_SECOND")] = 1_000


@dataclass(frozen=True)
class Options(BuildOptions):
    """What is planned with, and what only the build itself needs."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """Plain variables of the build; a Dockerfile reads them with ARG."""


@dataclass(frozen=True)
class BuildkitEndpoint:
    """Where buildkitd listens, and the client's certificate; `unix:` addresses need none."""

    address: Annotated[str, Variable("INK_BUILDKIT_ADDRESS")]
    ca: Annotated[str | None, Variable("INK_BUILDKIT_CA")] = None
    cert: Annotated[str | None, Variable("INK_BUILDKIT_CERT")] = None
    key: Annotated[str | None, Variable("INK_BUILDKIT_KEY")] = field(default=None, repr=False)
    start_seconds: Annotated[float, Variable("INK_BUILDKIT_START_SECONDS")] = 20.0
    """How long to wait for it to answer: it may just be starting."""


@dataclass(frozen=True)
class Extras:
    """What an image gets besides its layers, and where caches are stored. Off unless the platform turns it on."""

    platform: str | None = None
    """Such as `linux/arm64`; the daemon's own when None."""
    registry_cache: bool = False
    """Store the cache beside the image, for daemons that come and go."""
    provenance: Annotated[str | None, Parsed(_provenance)] = None
    """`min` or `max`."""
    sbom_generator: str | None = None
    """The image of the scanner that the daemon runs."""


@dataclass(frozen=True)
class Scan:
    """What is searched for in source and image, and what fails a build: each policy is off, warn or block."""

    secrets: Annotated[Policy, Variable("INK_SCAN_SECRETS")] = "off"
    vulnerabilities: Annotated[Policy, Variable("INK_SCAN_VULNERABILITIES")] = "off"
    image: Annotated[Policy, Variable("INK_SCAN_IMAGE")] = "off"
    """Known vulnerabilities of the packages in the image, those of its base included; needs an SBOM."""
    severity: Annotated[Severity, Variable("INK_SCAN_SEVERITY")] = "high"
    """The lowest severity of a known vulnerability that fails the build."""
    osv_source: str | None = None
    """A file, directory or zip archive in OSV's format, or the URL of a server with OSV's API."""

    @property
    def is_on(self) -> bool:
        """Whether the source is scanned."""
        return (self.secrets, self.vulnerabilities) != ("off", "off")

    @property
    def blocks(self) -> bool:
        """Whether the build waits for the scan of the source."""
        return "block" in {self.secrets, self.vulnerabilities}

    @property
    def inspects_before_push(self) -> bool:
        """Whether an image is pushed only after its packages were checked."""
        return self.image == "block"


@dataclass(frozen=True)
class Settings:
    """Everything a build needs to know."""

    tenant: str
    service: str
    source: BuildSource
    image: str
    daemon: BuildkitEndpoint
    build_id: str = "build"
    project: str = ""
    options: Annotated[Options, Variable("INK_BUILD"), Parsed(_options)] = Options()
    command: Annotated[str | None, Parsed(_command)] = None
    """The start command given by the caller; parse_settings puts it into the options."""
    registry_host: str = ""
    """That of `image`, unless another one is given."""
    registry_token: str = field(default="", repr=False)
    registry_insecure: bool = False
    timeout_seconds: float = 900.0
    no_cache: bool = False
    base_images: dict[str, Any] = field(default_factory=dict)
    """ecosystem -> version -> image, or {build, run}: instead of the publishers' own images."""
    extras: Extras = Extras()
    scan: Scan = Scan()
    push_patience_seconds: float = 300.0
    """How long a built image waits for a registry that accepts no pushes, such as during its nightly cleanup."""
    build_secrets: Annotated[Mapping[str, str], Parsed(_values)] = field(default_factory=dict, repr=False)
    """Secret variables of the build by name, available only to `RUN --mount=type=secret,id=NAME`."""
    job_uid: str = ""
    """UID of the build's Job; empty: the verdict is not stored beside the image."""
    secrets_digest: Annotated[str, Variable("INK_BUILD_SECRETS_DIGEST")] = ""
    """Changes with the values of the secrets, and reveals nothing of them."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must not appear in a log."""
        known = (self.source.password, self.registry_token, self.daemon.key, *self.build_secrets.values())
        return tuple(s for s in known if s)


def verdict_file(environ: Mapping[str, str]) -> Path:
    """Where the verdict goes; known even when the settings are broken."""
    return Path(environ.get("INK_VERDICT_FILE") or "/dev/termination-log")


def parse_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from the environment. Raises BuildError: it is the build Job that is wrong, or spec.build.env."""
    try:
        settings = read(Settings, environ)
    except SettingsError as error:
        raise infrastructure(f"the build Job or its Secret is incomplete or wrong: {error}") from error
    if settings.scan.image != "off" and not settings.extras.sbom_generator:
        raise infrastructure("INK_SCAN_IMAGE needs INK_SBOM_GENERATOR: the packages in an image are listed by its SBOM")
    for name in (*settings.options.variables, *settings.build_secrets):
        if not _VARIABLE.match(name) or name.upper().startswith(_RESERVED):
            raise BuildError(
                Reason.BUILD_REFUSED,
                f"build.env must not set {name!r}: the name is reserved for the builder; use another name",
            )
    return replace(
        settings,
        options=replace(settings.options, start_command=settings.command),
        registry_host=settings.registry_host or settings.image.partition("/")[0],
    )
