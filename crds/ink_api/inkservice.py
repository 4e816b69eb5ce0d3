"""InkService: a repository or an image that runs and has a URL."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from ink_api.conditions import Condition
from ink_api.model import ApiModel
from ink_api.names import DNS_LABEL
from ink_api.quantities import Duration, Quantity
from ink_api.sealing import SEALED_MAX

SHA_PATTERN = r"^[0-9a-f]{40}$"
ENV_NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"


def list_map(*keys: str) -> dict[str, Any]:
    """Schema extension: a list merged by these keys (server-side apply)."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def cel(rule: str, message: str) -> dict[str, Any]:
    """One CEL validation rule, with the sentence a person reads when it fails."""
    return {"rule": rule, "message": message}


class SecretRef(ApiModel):
    """A Secret in the workload's namespace."""

    name: str = Field(description="Name of the Secret.", min_length=1, max_length=253)


class GitAuth(ApiModel):
    """How a private repository is read; exactly one field."""

    internal: dict[str, Any] | None = Field(
        default=None, description="The repository lies on Ink's own git server and belongs to this tenant."
    )
    secret_ref: SecretRef | None = Field(
        default=None, description="Secret with keys `username` (optional) and `password` for HTTPS."
    )

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel("has(self.internal) != has(self.secretRef)", "set exactly one of internal and secretRef")
            ]
        }
    )


class GitSource(ApiModel):
    """A branch of a git repository, followed; or one pinned commit of it."""

    url: str = Field(
        description="HTTPS address of the repository, without credentials.",
        pattern=r"^https?://[^\s@?#]+$",
        max_length=1024,
    )
    branch: str = Field(
        default="main",
        description="Branch to follow; every push to it deploys.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$",
        max_length=200,
    )
    commit: str | None = Field(
        default=None,
        description="Pins one commit (40 hex digits), as a rollback does. Remove it to follow the branch again.",
        pattern=SHA_PATTERN,
    )
    root_directory: str | None = Field(
        default=None,
        description="Directory of the application in a monorepo, relative to the repository's root.",
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]*$",
        max_length=200,
    )
    auth: GitAuth | None = Field(default=None, description="How to read a private repository.")

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel(
                    "!has(self.rootDirectory) || !self.rootDirectory.contains('..')",
                    "rootDirectory must stay inside the repository: remove '..'",
                )
            ]
        }
    )


class ImageSource(ApiModel):
    """A finished image, deployed without a build."""

    ref: str = Field(description="Image reference, best with a digest.", min_length=1, max_length=512)
    pull_secret_ref: SecretRef | None = Field(default=None, description="Pull secret in the same namespace.")


class Source(ApiModel):
    """Where the application comes from; exactly one of git and image."""

    git: GitSource | None = Field(default=None, description="Build from a git repository.")
    image: ImageSource | None = Field(default=None, description="Run a finished image.")

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [cel("has(self.git) != has(self.image)", "set exactly one of git and image")]
        }
    )


class Build(ApiModel):
    """How the repository becomes an image. Everything is optional: Ink detects what it can."""

    pack: Literal["Auto", "Railpack", "Dockerfile", "Static"] = Field(
        default="Auto",
        description="Auto: the Dockerfile if there is one, else static files, else the language is detected.",
    )
    dockerfile: str | None = Field(
        default=None, description="Path of the Dockerfile below rootDirectory; default `Dockerfile`.", max_length=200
    )
    target: str | None = Field(default=None, description="Stage of the Dockerfile to build.", max_length=128)
    install_command: str | None = Field(default=None, description="Replaces the install step.", max_length=4096)
    build_command: str | None = Field(default=None, description="Replaces the build step.", max_length=4096)
    publish_directory: str | None = Field(default=None, description="Directory served by pack Static.", max_length=200)
    timeout: Duration | None = Field(default=None, description="Limit of one build, such as `15m`.")


class Port(ApiModel):
    """A port that the application listens on."""

    name: str = Field(default="http", description="Name of the port.", pattern=DNS_LABEL, max_length=15)
    port: int = Field(description="Port number in the container.", ge=1, le=65535)
    protocol: Literal["HTTP", "TCP"] = Field(default="HTTP", description="HTTP (also WebSocket) or TCP.")
    visibility: Literal["Public", "Private"] = Field(
        default="Public", description="Public: has a URL. Private: reachable inside the project only."
    )


class KeyRef(ApiModel):
    """A key of a Secret or ConfigMap in the workload's namespace."""

    name: str = Field(description="Name of the object.", min_length=1, max_length=253)
    key: str = Field(description="Key in it.", min_length=1, max_length=253)


class EnvSource(ApiModel):
    """Where a variable's value comes from; exactly one."""

    secret_key_ref: KeyRef | None = Field(
        default=None, description="Key of a Secret beside the workload; not for CRs that the gateway writes."
    )
    config_map_key_ref: KeyRef | None = Field(default=None, description="Key of a ConfigMap beside the workload.")
    sealed: str | None = Field(
        default=None,
        description="The value encrypted to the operator's key (a compact JWE), as `ink seal` prints it.",
        max_length=SEALED_MAX,
    )
    sealed_digest: str | None = Field(
        default=None,
        description="Written beside `sealed` by the gateway, under a key of its own: tells it whether a value changed.",
        max_length=128,
    )

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel(
                    "[has(self.secretKeyRef), has(self.configMapKeyRef), has(self.sealed)].filter(x, x).size() == 1",
                    "set exactly one of secretKeyRef, configMapKeyRef and sealed",
                ),
                cel("!has(self.sealedDigest) || has(self.sealed)", "sealedDigest belongs beside sealed"),
            ]
        }
    )


class EnvVar(ApiModel):
    """One environment variable."""

    name: str = Field(description="Name of the variable.", pattern=ENV_NAME_PATTERN, max_length=256)
    value: str | None = Field(default=None, description="Its value, in the open.", max_length=32768)
    value_from: EnvSource | None = Field(default=None, description="Where its value comes from.")

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel("!(has(self.value) && has(self.valueFrom))", "set value or valueFrom, not both")
            ]
        }
    )


class ResourceAmounts(ApiModel):
    """CPU and memory."""

    cpu: Quantity | None = Field(default=None, description="Cores, such as `500m` or `2`.")
    memory: Quantity | None = Field(default=None, description="Memory, such as `256Mi`.")


class Resources(ApiModel):
    """What the application is promised and may use at most."""

    requests: ResourceAmounts | None = Field(default=None, description="Promised; default: a tenth of the limits.")
    limits: ResourceAmounts | None = Field(default=None, description="The most it may use; default 500m and 512Mi.")


class Health(ApiModel):
    """When the application counts as ready. Without it: as soon as its port accepts connections."""

    type: Literal["HTTP", "TCP"] = Field(default="HTTP", description="HTTP asks for `path`; TCP only connects.")
    path: str | None = Field(default=None, description="Path that answers 2xx or 3xx; default `/`.", pattern=r"^/.*$")
    port: int | None = Field(default=None, description="Port to ask; default the first port.", ge=1, le=65535)
    interval: Duration | None = Field(default=None, description="Time between two checks; default `5s`.")
    timeout: Duration | None = Field(default=None, description="Limit of one check; default `2s`.")
    failure_threshold: int | None = Field(default=None, description="Failures in a row that count.", ge=1, le=100)
    startup_grace: Duration | None = Field(
        default=None, description="How long a start may take before it has failed; default `1m`."
    )


class InkServiceSpec(ApiModel):
    """What is wanted of the service."""

    source: Source = Field(description="Where the application comes from.")
    subdomain: str | None = Field(
        default=None,
        description="First label of the public host; default: the service's name.",
        pattern=DNS_LABEL,
        max_length=63,
    )
    build: Build | None = Field(default=None, description="How the repository becomes an image.")
    command: list[str] | None = Field(
        default=None,
        description="Replaces the image's entrypoint, as in a Pod.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
        max_length=64,
    )
    args: list[str] | None = Field(
        default=None,
        description="Replaces the image's arguments, as in a Pod.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
        max_length=64,
    )
    ports: list[Port] | None = Field(
        default=None,
        description="Ports the application listens on; default one public HTTP port, the image's EXPOSE or 8080. "
        "`[]`: a worker.",
        json_schema_extra=list_map("name"),
        max_length=10,
    )
    env: list[EnvVar] | None = Field(
        default=None,
        description="Environment variables. PORT is always set.",
        json_schema_extra=list_map("name"),
        max_length=200,
    )
    resources: Resources | None = Field(default=None, description="CPU and memory.")
    replicas: Annotated[int, Field(ge=0, le=100)] = Field(default=1, description="Number of pods.")
    health: Health | None = Field(default=None, description="When a pod counts as ready.")
    suspend: bool = Field(default=False, description="Scale to zero until set to false again.")
    rebuild_token: str | None = Field(
        default=None, description="Any new value forces a new build without cache.", max_length=64
    )
    restarted_at: str | None = Field(default=None, description="Any new value rolls the pods.", max_length=64)


class BuildStatus(ApiModel):
    """The newest build."""

    id: str | None = Field(default=None, description="Name of the build Job.")
    commit: str | None = Field(default=None, description="Commit that was built.")
    pack: str | None = Field(default=None, description="Pack that was used, such as Dockerfile or Python.")
    reason: str | None = Field(default=None, description="Outcome.")
    started: str | None = Field(default=None, description="When it began (RFC 3339).")
    finished: str | None = Field(default=None, description="When it ended (RFC 3339).")
    pod: str | None = Field(default=None, description="Its pod, for the logs.")


class InkServiceStatus(ApiModel):
    """What is. Written by the operator alone; deleting it loses nothing."""

    observed_generation: int = Field(default=-1, description="metadata.generation this status speaks of.")
    conditions: list[Condition] = Field(
        default_factory=list, description="The facts, by type.", json_schema_extra=list_map("type")
    )
    url: str | None = Field(default=None, description="Public address.")
    private_url: str | None = Field(default=None, description="Address inside the project.")
    commit: str | None = Field(default=None, description="Commit that is wanted now.")
    image: str | None = Field(default=None, description="Image that is wanted now, by digest.")
    build: BuildStatus | None = Field(default=None, description="The newest build.")
    namespace: str | None = Field(default=None, description="Namespace of the workload.")
    replicas: int | None = Field(default=None, description="Pods that exist.")
    ready_replicas: int | None = Field(default=None, description="Pods that are ready.")
    selector: str | None = Field(default=None, description="Label selector of the pods, for the scale subresource.")
    port: int | None = Field(default=None, description="Effective port of the application.")


class ObjectMeta(ApiModel):
    """The part of metadata that Ink reads."""

    name: str
    namespace: str
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    finalizers: list[str] = Field(default_factory=list)
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class InkService(ApiModel):
    """A repository or an image that runs and has a URL."""

    metadata: ObjectMeta
    spec: InkServiceSpec
    status: InkServiceStatus = Field(default_factory=InkServiceStatus)
