"""Where an application comes from, and how a repository becomes an image."""

from typing import Literal

from pydantic import ConfigDict, Field

from ink_api.inkservice.environment import EnvVar
from ink_api.inkservice.references import SecretRef
from ink_api.model import ApiModel
from ink_api.quantities import Duration, between
from ink_api.schema import cel, list_map, rules, says

SHA_PATTERN = r"^[0-9a-f]{40}$"
PATH_PATTERN = r"^[A-Za-z0-9._][A-Za-z0-9._/-]*$"
PATH_SAYS = says("write a path relative to rootDirectory, such as docker/Dockerfile or dist")


def _inside(field: str) -> dict[str, str]:
    return cel(
        f"!has(self.{field}) || !self.{field}.contains('..')", f"{field} must stay inside the repository: remove '..'"
    )


class InternalGit(ApiModel):
    """Ink's own git server needs no more than the word: `internal: {}`."""


class GitHubApp(ApiModel):
    """The platform's GitHub App."""

    installation_id: int = Field(description="Installation that may read the repository.", ge=1)


class GitAuth(ApiModel):
    """How a private repository is read; exactly one field."""

    internal: InternalGit | None = Field(
        default=None,
        description="The repository lies on Ink's own git server and belongs to this tenant: `internal: {}`.",
    )
    secret_ref: SecretRef | None = Field(
        default=None, description="Secret with keys `username` (optional) and `password` for HTTPS."
    )
    github_app: GitHubApp | None = Field(
        default=None, description="Installation of the platform's GitHub App that is linked to this tenant."
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
    """A branch of a git repository, followed; or one pinned commit of it."""

    url: str = Field(
        description="HTTPS address of the repository, without credentials.",
        pattern=r"^https?://[^\s@?#/]+/[^\s@?#]+$",
        max_length=1024,
        json_schema_extra=says(
            "write the https:// address of a repository without user name and password; those belong into auth"
        ),
    )
    branch: str = Field(
        default="main",
        description="Branch to follow; every push to it deploys.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$",
        max_length=200,
        json_schema_extra={
            **says("write the branch as git names it, such as main, without refs/heads/"),
            **rules(
                cel(
                    "!self.contains('..') && !self.contains('//') && !self.endsWith('/') && !self.endsWith('.') && "
                    "!self.endsWith('.lock') && !self.startsWith('refs/heads/')",
                    "git allows no such branch: write its name without refs/heads/, '..', '//' and a final '/' or '.'",
                )
            ),
        },
    )
    commit: str | None = Field(
        default=None,
        description="Pins one commit (40 hex digits), as a rollback does. Remove it to follow the branch again.",
        pattern=SHA_PATTERN,
        max_length=40,
        json_schema_extra=says("write the whole commit, 40 hex digits; to follow a branch use branch instead"),
    )
    root_directory: str | None = Field(
        default=None,
        description="Directory of the application in a monorepo, relative to the repository's root.",
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]*$",
        max_length=200,
        json_schema_extra=says("write a directory relative to the repository's root, such as apps/web"),
    )
    auth: GitAuth | None = Field(default=None, description="How to read a private repository.")

    model_config = ConfigDict(json_schema_extra=rules(_inside("rootDirectory")))


class ImageSource(ApiModel):
    """A finished image, deployed without a build."""

    ref: str = Field(
        description="Image reference, best with a digest.",
        pattern=r"^[^\s]+$",
        min_length=1,
        max_length=512,
        json_schema_extra={
            **says("write an image reference such as ghcr.io/acme/shop:1.4 or …@sha256:…, without spaces"),
            **rules(
                cel(
                    "!self.contains('//') && "
                    "self.split('@')[0].matches(r'^[a-z0-9][a-z0-9._/:-]*(:[A-Za-z0-9_.-]+)?$')",
                    "write an image reference in lower case and without https://; only the tag may have capitals",
                ),
                cel(
                    "!self.contains('@') || self.matches(r'@sha256:[0-9a-f]{64}$')",
                    "a digest is written …@sha256: and 64 hex digits; remove it, or write all of it",
                ),
            ),
        },
    )
    pull_secret_ref: SecretRef | None = Field(
        default=None, description="Secret of type kubernetes.io/dockerconfigjson beside the workload."
    )


class Source(ApiModel):
    """Where the application comes from; exactly one of git and image."""

    git: GitSource | None = Field(default=None, description="Build from a git repository.")
    image: ImageSource | None = Field(default=None, description="Run a finished image.")

    model_config = ConfigDict(
        json_schema_extra=rules(cel("has(self.git) != has(self.image)", "set exactly one of git and image"))
    )


class Build(ApiModel):
    """How the repository becomes an image. Everything is optional: Ink detects what it can."""

    pack: Literal["Auto", "Railpack", "Dockerfile", "Static"] = Field(
        default="Auto",
        description="Auto: the Dockerfile if there is one, else static files, else the language is detected.",
    )
    dockerfile: str | None = Field(
        default=None,
        description="Path of the Dockerfile below rootDirectory; default `Dockerfile`.",
        pattern=PATH_PATTERN,
        max_length=200,
        json_schema_extra=PATH_SAYS,
    )
    target: str | None = Field(
        default=None, description="Stage of the Dockerfile to build; default the last one.", max_length=128
    )
    install_command: str | None = Field(
        default=None,
        description="Replaces the install step that Ink would choose, such as `npm ci`. Not used with a Dockerfile.",
        max_length=4096,
    )
    build_command: str | None = Field(
        default=None,
        description="Replaces the build step that Ink would choose, such as `npm run build`. Not used with a "
        "Dockerfile.",
        max_length=4096,
    )
    publish_directory: str | None = Field(
        default=None,
        description="Directory that is served when the result is static files, such as `dist`.",
        pattern=PATH_PATTERN,
        max_length=200,
        json_schema_extra=PATH_SAYS,
    )
    env: list[EnvVar] | None = Field(
        default=None,
        description="Variables of the build alone. With `value`: an ARG. With `valueFrom`: a secret of the build "
        "(`RUN --mount=type=secret,id=NAME`), in no layer of the image.",
        json_schema_extra=list_map("name"),
        max_length=100,
    )
    timeout: Duration | None = Field(
        default=None,
        description="Limit of one build; default the platform's, `15m` as delivered.",
        json_schema_extra=between("10s", "24h"),
    )

    model_config = ConfigDict(json_schema_extra=rules(_inside("dockerfile"), _inside("publishDirectory")))
