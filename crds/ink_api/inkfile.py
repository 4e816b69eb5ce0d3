"""ink.yaml: settings that a repository brings along, for one service or for several.

Settings of the service itself (its spec, or the arguments of a tool) take precedence. A repository never decides about
variables, domains or isolation.
"""

import json
import re
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

from ink_api.inkservice import Health, Port, ResourceAmounts
from ink_api.inkservice.source import PATH_PATTERN
from ink_api.model import ApiModel
from ink_api.quantities import amount, seconds

FILE_NAME = "ink.yaml"
MAX_COMMAND = 1000
"""Characters of a command: it is part of the build's verdict, whose size is limited."""
MAX_PORTS = 20
_DURATION_LIMITS = {"interval": ("1s", "1h"), "timeout": ("1s", "5m"), "startup_grace": ("0s", "24h")}
_MINIMUM = {"cpu": "1m", "memory": "4Mi"}
"""The same minimum as in the spec, where the API server checks it."""
_SERVICE_NAME = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"


class _Strict(ApiModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class InkPort(Port):
    """A port that the application listens on."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class InkHealth(Health):
    """When the application counts as ready."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    @model_validator(mode="after")
    def _within(self) -> Self:
        for name, (least, most) in _DURATION_LIMITS.items():
            value = getattr(self, name)
            if value is not None and not seconds(least) <= seconds(value) <= seconds(most):
                raise ValueError(f"{to_camel(name)} must be from {least} to {most}")
        return self


class InkAmounts(ResourceAmounts):
    """Amounts of CPU and memory."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class InkResources(_Strict):
    """CPU and memory that each pod is guaranteed, and may use at most."""

    requests: InkAmounts | None = Field(
        default=None, description="Guaranteed amounts. Defaults to a tenth of the limits."
    )
    limits: InkAmounts | None = Field(default=None, description="Maximum amounts.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, least in _MINIMUM.items():
            asked, most = (getattr(part, name, None) for part in (self.requests, self.limits))
            if most is not None and amount(most) < amount(least):
                raise ValueError(f"limits.{name} must be at least {least}")
            if asked is not None and most is not None and amount(asked) > amount(most):
                raise ValueError(f"requests.{name} must not be higher than limits.{name}")
        return self


class InkBuild(_Strict):
    """How to build the image from the repository."""

    pack: Literal["Auto", "Railpack", "Dockerfile", "Static"] | None = Field(
        default=None, description="How to build. Auto uses the Dockerfile if there is one, otherwise what is detected."
    )
    dockerfile: str | None = Field(
        default=None,
        description="Path of the Dockerfile, relative to rootDirectory.",
        pattern=PATH_PATTERN,
        max_length=200,
    )
    target: str | None = Field(default=None, description="Stage of the Dockerfile to build.", max_length=128)
    install_command: str | None = Field(default=None, description="Replaces the install command.", max_length=4096)
    build_command: str | None = Field(default=None, description="Replaces the build command.", max_length=4096)
    publish_directory: str | None = Field(
        default=None, description="Directory of static files to serve.", pattern=PATH_PATTERN, max_length=200
    )

    @field_validator("dockerfile", "publish_directory")
    @classmethod
    def _inside(cls, value: str | None) -> str | None:
        return _inside(value)


class InkTarget(_Strict):
    """Settings for one service."""

    root_directory: str | None = Field(
        default=None,
        description="Directory of the application, relative to the repository root.",
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]*$",
        max_length=200,
    )
    build: InkBuild | None = Field(default=None, description="How to build the image from the repository.")
    command: str | list[str] | None = Field(
        default=None, description="Command that starts the application: a shell command, or a list of arguments."
    )
    args: list[str] | None = Field(default=None, description="Arguments for the image's own entrypoint.")
    ports: list[InkPort] | None = Field(
        default=None,
        description="Ports that the application listens on. The URL leads to the first HTTP port.",
        max_length=MAX_PORTS,
    )
    health: InkHealth | None = Field(default=None, description="When the application counts as ready.")
    resources: InkResources | None = Field(default=None, description="CPU and memory of each pod.")

    @field_validator("root_directory")
    @classmethod
    def _directory(cls, value: str | None) -> str | None:
        return _inside(value)

    @field_validator("command", "args")
    @classmethod
    def _short(cls, value: str | list[str] | None) -> str | list[str] | None:
        if value is not None and len(json.dumps(value)) > MAX_COMMAND:
            raise ValueError(f"is longer than {MAX_COMMAND} characters: move it to a script in the repository")
        return value

    @field_validator("ports")
    @classmethod
    def _distinct(cls, value: list[InkPort] | None) -> list[InkPort] | None:
        names = [port.name for port in value or ()]
        if len(names) != len(set(names)):
            raise ValueError("two ports have the same name: give each its own `name`")
        numbers = [port.port for port in value or ()]
        if len(numbers) != len(set(numbers)):
            raise ValueError("two ports have the same number: keep one of them")
        if sum(port.protocol == "HTTP" and port.visibility == "Public" for port in value or ()) > 1:
            raise ValueError("only one port can be public HTTP: give the others `visibility: Private`")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.health is not None and self.health.type == "TCP" and self.health.path is not None:
            raise ValueError("type TCP does not use health.path: remove path, or use type HTTP")
        return self


class InkFile(InkTarget):
    """Settings that a repository brings along. Those at the top level apply to every service built from it."""

    services: dict[str, InkTarget] | None = Field(
        default=None,
        description="Settings for single services, by service name. Each field overrides the one at the top level.",
        max_length=50,
    )

    @field_validator("services")
    @classmethod
    def _names(cls, value: dict[str, InkTarget] | None) -> dict[str, InkTarget] | None:
        wrong = next((name for name in value or () if not re.fullmatch(_SERVICE_NAME, name) or len(name) > 63), None)
        if wrong is not None:
            raise ValueError(
                f"{wrong[:63]!r} is not a valid service name: use a-z, 0-9 and '-', and begin with a letter"
            )
        return value

    def target(self, service: str) -> InkTarget:
        """The settings of one service: its own override those at the top level, field by field, also within `build`."""
        own = (self.services or {}).get(service)
        top = {name: getattr(self, name) for name in InkTarget.model_fields}
        if own is None:
            return InkTarget.model_construct(**top)
        merged = {name: value if (value := getattr(own, name)) is not None else top[name] for name in top}
        if self.build is not None and own.build is not None:
            build = {**self.build.model_dump(exclude_none=True), **own.build.model_dump(exclude_none=True)}
            merged["build"] = InkBuild.model_construct(**{**dict.fromkeys(InkBuild.model_fields), **build})
        return InkTarget.model_construct(**merged)


def _inside(value: str | None) -> str | None:
    if value is not None and ".." in value.split("/"):
        raise ValueError("must stay inside the repository: remove '..'")
    return value


def json_schema() -> dict[str, Any]:
    """JSON schema for editors, without the extensions that only Kubernetes reads."""
    schema: dict[str, Any] = _plain(InkFile.model_json_schema(by_alias=True))
    schema.pop("title", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FILE_NAME, **schema}


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items() if not key.startswith("x-")}
    return [_plain(item) for item in node] if isinstance(node, list) else node
