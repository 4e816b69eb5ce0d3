"""What the operator says of a service."""

from pydantic import Field

from ink_api.conditions import Condition
from ink_api.inkservice.network import Health, Port
from ink_api.inkservice.workload import Resources
from ink_api.model import ApiModel
from ink_api.schema import atomic_list, list_map


class VulnerabilityCounts(ApiModel):
    """How many known vulnerabilities there are of each severity."""

    critical: int | None = Field(default=None, description="Critical ones, malicious packages among them.", ge=0)
    high: int | None = Field(default=None, description="High ones.", ge=0)
    medium: int | None = Field(default=None, description="Medium ones, and those of unknown severity.", ge=0)
    low: int | None = Field(default=None, description="Low ones.", ge=0)


class Vulnerability(ApiModel):
    """A dependency with a known vulnerability."""

    severity: str = Field(description="critical, high, medium or low.")
    package: str = Field(description="Name of the dependency.")
    version: str = Field(description="Version that the lock file pins, or that the image has.")
    advisory: str = Field(description="CVE, or the advisory's own id.")
    fixed_version: str | None = Field(default=None, description="First version without it; absent: none is known.")


class CommittedSecret(ApiModel):
    """A secret in the source. Its value is nowhere."""

    place: str = Field(description="`file:line`.")
    kind: str = Field(description="What it is, such as AWS Access Key.")


class ImageScanStatus(ApiModel):
    """What is known of the packages in an image, those of its base included. Names in it are the image's own words."""

    packages: int = Field(description="Packages that the image's SBOM lists.", ge=0)
    vulnerable_packages: int | None = Field(
        default=None, description="Those with a known vulnerability; absent: not looked for, or `unchecked`.", ge=0
    )
    vulnerabilities: VulnerabilityCounts | None = Field(
        default=None, description="Their known vulnerabilities; absent: not looked for, or `unchecked`."
    )
    worst: list[Vulnerability] | None = Field(
        default=None, description="The worst of them.", json_schema_extra=atomic_list()
    )
    more: int | None = Field(default=None, description="Vulnerabilities that are not listed here.", ge=0)
    unchecked: str | None = Field(default=None, description="Which packages could not be looked at, and why.")


class ScanStatus(ApiModel):
    """What was found in the source and in the image of a build. Names in it are the repository's own words."""

    vulnerabilities: VulnerabilityCounts | None = Field(
        default=None, description="Known vulnerabilities in dependencies; absent: not looked for, or `unchecked`."
    )
    worst: list[Vulnerability] | None = Field(
        default=None, description="The worst of them.", json_schema_extra=atomic_list()
    )
    secrets_found: int | None = Field(default=None, description="Committed secrets; absent: not looked for.", ge=0)
    secrets: list[CommittedSecret] | None = Field(
        default=None, description="The first of them.", json_schema_extra=atomic_list()
    )
    more: int | None = Field(default=None, description="Findings that are not listed here.", ge=0)
    unchecked: str | None = Field(default=None, description="Why dependencies could not be looked at.")
    image: ImageScanStatus | None = Field(
        default=None, description="What is in the image, where the platform has an SBOM made."
    )


class BuildStatus(ApiModel):
    """The newest build."""

    id: str | None = Field(default=None, description="Name of the build Job.")
    commit: str | None = Field(default=None, description="Commit that was built.")
    pack: str | None = Field(default=None, description="Pack that was used, such as Dockerfile or Python.")
    reason: str | None = Field(default=None, description="Outcome.")
    started: str | None = Field(default=None, description="When it began (RFC 3339).")
    finished: str | None = Field(default=None, description="When it ended (RFC 3339).")
    pod: str | None = Field(default=None, description="Its pod, for the logs.")
    scan: ScanStatus | None = Field(
        default=None, description="What was found in the source and in the image, where the platform has builds look."
    )


class RevisionStatus(ApiModel):
    """One revision, as its ControllerRevision beside the workload records it."""

    number: int = Field(description="Counts up from 1.")
    name: str = Field(description="Name of the ControllerRevision.")
    commit: str | None = Field(default=None, description="Commit it was built from.")
    image: str | None = Field(default=None, description="Image, by digest where there is one.")
    image_available: bool | None = Field(
        default=None,
        description="False: the registry keeps the image no more, so the commit is built again when it is wanted. "
        "Not set where Ink did not build the image.",
    )
    created: str | None = Field(default=None, description="When it was first wanted (RFC 3339).")
    active: bool = Field(default=False, description="It is the revision that is wanted now.")
    reason: str | None = Field(default=None, description="How it ended: Deployed, or why it did not get there.")


class EffectiveSettings(ApiModel):
    """What counts once the spec, ink.yaml and the platform's defaults are put together."""

    command: list[str] | None = Field(default=None, description="Entrypoint.", json_schema_extra=atomic_list())
    args: list[str] | None = Field(default=None, description="Arguments.", json_schema_extra=atomic_list())
    ports: list[Port] | None = Field(default=None, description="Ports.", json_schema_extra=list_map("name"))
    health: Health | None = Field(default=None, description="Readiness check.")
    resources: Resources | None = Field(default=None, description="CPU and memory.")


class InkServiceStatus(ApiModel):
    """What is. Written by the operator alone; deleting it loses nothing."""

    observed_generation: int = Field(default=-1, description="metadata.generation this status speaks of.")
    conditions: list[Condition] = Field(
        default_factory=list, description="The facts, by type.", json_schema_extra=list_map("type")
    )
    url: str | None = Field(default=None, description="Public address.")
    urls: list[str] | None = Field(
        default=None, description="All public addresses, the main one first.", json_schema_extra=atomic_list()
    )
    private_url: str | None = Field(default=None, description="Address inside the project.")
    commit: str | None = Field(default=None, description="Commit that is wanted now.")
    image: str | None = Field(default=None, description="Image that is wanted now, by digest.")
    build: BuildStatus | None = Field(default=None, description="The newest build.")
    revisions: list[RevisionStatus] | None = Field(
        default=None, description="The last revisions, newest first.", json_schema_extra=list_map("number")
    )
    effective: EffectiveSettings | None = Field(default=None, description="The settings that count.")
    namespace: str | None = Field(default=None, description="Namespace of the workload.")
    replicas: int | None = Field(default=None, description="Pods that exist.")
    ready_replicas: int | None = Field(default=None, description="Pods that are ready.")
    selector: str | None = Field(default=None, description="Label selector of the pods, for the scale subresource.")
    port: int | None = Field(default=None, description="Effective port of the application.")
