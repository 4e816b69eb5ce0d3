"""Where an application comes from, and how a repository becomes an image."""

from typing import Literal

from pydantic import ConfigDict, Field

from ink_api.inkservice.environment import EnvVar
from ink_api.inkservice.references import SecretRef
from ink_api.model import ApiModel
from ink_api.quantities import Duration, between
from ink_api.schema import cel, list_map, pattern_message, rules

SHA_PATTERN = r"^[0-9a-f]{40}$"
PATH_PATTERN = r"^[A-Za-z0-9._][A-Za-z0-9._/-]*$"
PATH_MESSAGE = pattern_message("write a path relative to rootDirectory, such as docker/Dockerfile or dist")


def _inside(field: str) -> dict[str, str]:
    return cel(
        f"!has(self.{field}) || !self.{field}.contains('..')", f"{field} must stay inside the repository: remove '..'"
    )


class InternalGit(ApiModel):
    """Ink's own git server. No settings: write `internal: {}`."""


class GitHubApp(ApiModel):
    """The platform's GitHub App."""

    installation_id: int = Field(description="ID of the app installation that can read the repository.", ge=1)


class GitAuth(ApiModel):
    """Credentials for a private repository. Exactly one field must be set."""

    internal: InternalGit | None = Field(
        default=None,
        description="The repository is on Ink's own git server and belongs to this tenant: `internal: {}`.",
    )
    secret_ref: SecretRef | None = Field(
        default=None, description="Secret with the keys `username` (optional) and `password`, for HTTPS."
    )
    github_app: GitHubApp | None = Field(
        default=None, description="Installation of the platform's GitHub App, linked to this tenant."
    )

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "[has(self.internal), has(self.secretRef), has(self.githubApp)].filter(x, x).size() == 1",
                "set exactly one of internal, secretRef and githubApp",
            )
        )
    )


class GitSource(ApiModel):
    """A git repository: a branch to follow, or one pinned commit."""

    url: str = Field(
        description="HTTPS URL of the repository, without credentials.",
        pattern=r"^https?://[^\s@?#/]+/[^\s@?#]+$",
        max_length=1024,
        json_schema_extra=pattern_message(
            "write the https:// URL of the repository without user name and password; those belong in auth"
        ),
    )
    branch: str = Field(
        default="main",
        description="Branch to follow. Every push to it is deployed.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$",
        max_length=200,
        json_schema_extra={
            **pattern_message("write the branch name as in git, such as main, without refs/heads/"),
            **rules(
                cel(
                    "!self.contains('..') && !self.contains('//') && !self.endsWith('/') && !self.endsWith('.') && "
                    "!self.endsWith('.lock') && !self.startsWith('refs/heads/')",
                    "not a valid git branch name: write it without refs/heads/, '..', '//' or a trailing '/', '.' or "
                    "'.lock'",
                )
            ),
        },
    )
    commit: str | None = Field(
        default=None,
        description="Pins one commit (40 hex digits), for example to roll back. Remove it to follow the branch again.",
        pattern=SHA_PATTERN,
        max_length=40,
        json_schema_extra=pattern_message(
            "write the full commit SHA, 40 hex digits; to follow a branch, use branch instead"
        ),
    )
    root_directory: str | None = Field(
        default=None,
        description="Directory of the application, relative to the repository root; for monorepos.",
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]*$",
        max_length=200,
        json_schema_extra=pattern_message("write a directory relative to the repository root, such as apps/web"),
    )
    auth: GitAuth | None = Field(default=None, description="How to read a private repository.")

    model_config = ConfigDict(json_schema_extra=rules(_inside("rootDirectory")))


class ImageSource(ApiModel):
    """An existing image, deployed without a build."""

    ref: str = Field(
        description="Image reference, preferably with a digest.",
        pattern=r"^[^\s]+$",
        min_length=1,
        max_length=512,
        json_schema_extra={
            **pattern_message("write an image reference such as ghcr.io/acme/shop:1.4 or …@sha256:…, without spaces"),
            **rules(
                cel(
                    "!self.contains('//') && "
                    "self.split('@')[0].matches(r'^[a-z0-9][a-z0-9._/:-]*(:[A-Za-z0-9_.-]+)?$')",
                    "write the image reference in lower case and without https://; only the tag may contain capitals",
                ),
                cel(
                    "!self.contains('@') || self.matches(r'@sha256:[0-9a-f]{64}$')",
                    "a digest has the form @sha256: followed by 64 hex digits: write all of it, or remove it",
                ),
            ),
        },
    )
    pull_secret_ref: SecretRef | None = Field(
        default=None, description="Secret of type kubernetes.io/dockerconfigjson in the workload's namespace."
    )


class Source(ApiModel):
    """Where the application comes from. Exactly one of git and image must be set."""

    git: GitSource | None = Field(default=None, description="Build from a git repository.")
    image: ImageSource | None = Field(default=None, description="Run an existing image.")

    model_config = ConfigDict(
        json_schema_extra=rules(cel("has(self.git) != has(self.image)", "set exactly one of git and image"))
    )


class Build(ApiModel):
    """How to build the image from the repository. Every field is optional: Ink detects what it can."""

    pack: Literal["Auto", "Railpack", "Dockerfile", "Static"] = Field(
        default="Auto",
        description="How to build. Auto uses the Dockerfile if there is one, otherwise serves static files, otherwise "
        "detects the language.",
    )
    dockerfile: str | None = Field(
        default=None,
        description="Path of the Dockerfile, relative to rootDirectory. Defaults to `Dockerfile`.",
        pattern=PATH_PATTERN,
        max_length=200,
        json_schema_extra=PATH_MESSAGE,
    )
    target: str | None = Field(
        default=None, description="Stage of the Dockerfile to build. Defaults to the last one.", max_length=128
    )
    install_command: str | None = Field(
        default=None,
        description="Replaces the install command that Ink would choose, such as `npm ci`. Not used with a Dockerfile.",
        max_length=4096,
    )
    build_command: str | None = Field(
        default=None,
        description="Replaces the build command that Ink would choose, such as `npm run build`. Not used with a "
        "Dockerfile.",
        max_length=4096,
    )
    publish_directory: str | None = Field(
        default=None,
        description="Directory of static files to serve, such as `dist`.",
        pattern=PATH_PATTERN,
        max_length=200,
        json_schema_extra=PATH_MESSAGE,
    )
    env: list[EnvVar] | None = Field(
        default=None,
        description="Variables for the build only. With `value`, a build argument (ARG). With `valueFrom`, a build "
        "secret (`RUN --mount=type=secret,id=NAME`), which no layer of the image contains.",
        json_schema_extra=list_map("name"),
        max_length=100,
    )
    timeout: Duration | None = Field(
        default=None,
        description="Time limit of one build. Defaults to the platform's setting, which is `15m` unless changed.",
        json_schema_extra=between("10s", "24h"),
    )

    model_config = ConfigDict(json_schema_extra=rules(_inside("dockerfile"), _inside("publishDirectory")))
