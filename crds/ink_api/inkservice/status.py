"""The status of an InkService."""

from pydantic import Field

from ink_api.conditions import Condition
from ink_api.inkservice.network import Health, Port
from ink_api.inkservice.workload import Resources
from ink_api.model import ApiModel
from ink_api.schema import atomic_list, list_map


class VulnerabilityCounts(ApiModel):
    """Number of known vulnerabilities of each severity."""

    critical: int | None = Field(
        default=None, description="Critical vulnerabilities, including malicious packages.", ge=0
    )
    high: int | None = Field(default=None, description="High vulnerabilities.", ge=0)
    medium: int | None = Field(default=None, description="Medium vulnerabilities, and those of unknown severity.", ge=0)
    low: int | None = Field(default=None, description="Low vulnerabilities.", ge=0)


class Vulnerability(ApiModel):
    """A dependency with a known vulnerability."""

    severity: str = Field(description="critical, high, medium or low.")
    package: str = Field(description="Name of the dependency.")
    version: str = Field(description="Version in the lock file or in the image.")
    advisory: str = Field(description="CVE, or the advisory's own ID.")
    fixed_version: str | None = Field(default=None, description="First version that fixes it. Absent if none is known.")


class CommittedSecret(ApiModel):
    """A secret that is committed in the source. Its value is never stored."""

    place: str = Field(description="`file:line`.")
    kind: str = Field(description="Kind of secret, such as AWS Access Key.")


class ImageScanStatus(ApiModel):
    """Findings about the packages in an image, base image included. Names are copied from the image as they are."""

    packages: int = Field(description="Number of packages in the image's SBOM.", ge=0)
    vulnerable_packages: int | None = Field(
        default=None,
        description="Number of packages with a known vulnerability. Absent if not scanned; see `unchecked`.",
        ge=0,
    )
    vulnerabilities: VulnerabilityCounts | None = Field(
        default=None, description="Known vulnerabilities in the packages. Absent if not scanned; see `unchecked`."
    )
    worst: list[Vulnerability] | None = Field(
        default=None, description="The most severe vulnerabilities.", json_schema_extra=atomic_list()
    )
    more: int | None = Field(default=None, description="Number of vulnerabilities that are not listed here.", ge=0)
    unchecked: str | None = Field(default=None, description="Which packages could not be scanned, and why.")


class ScanStatus(ApiModel):
    """Findings in the source and the image of a build. Names are copied from the repository as they are."""

    vulnerabilities: VulnerabilityCounts | None = Field(
        default=None, description="Known vulnerabilities in dependencies. Absent if not scanned; see `unchecked`."
    )
    worst: list[Vulnerability] | None = Field(
        default=None, description="The most severe vulnerabilities.", json_schema_extra=atomic_list()
    )
    secrets_found: int | None = Field(
        default=None, description="Number of committed secrets. Absent if not scanned.", ge=0
    )
    secrets: list[CommittedSecret] | None = Field(
        default=None, description="The first committed secrets found.", json_schema_extra=atomic_list()
    )
    more: int | None = Field(default=None, description="Number of findings that are not listed here.", ge=0)
    unchecked: str | None = Field(default=None, description="Why dependencies could not be scanned.")
    image: ImageScanStatus | None = Field(
        default=None, description="Findings in the image, if the platform creates SBOMs."
    )


class BuildStatus(ApiModel):
    """The newest build."""

    id: str | None = Field(default=None, description="Name of the build Job.")
    commit: str | None = Field(default=None, description="Commit that was built.")
    pack: str | None = Field(default=None, description="Pack that was used, such as Dockerfile or Python.")
    reason: str | None = Field(default=None, description="Outcome, as a reason such as Built or BuildFailed.")
    started: str | None = Field(default=None, description="When the build started (RFC 3339).")
    finished: str | None = Field(default=None, description="When the build ended (RFC 3339).")
    pod: str | None = Field(default=None, description="Name of the build pod, for its logs.")
    scan: ScanStatus | None = Field(
        default=None, description="Findings in the source and in the image, if the platform scans builds."
    )


class RevisionStatus(ApiModel):
    """One revision, as recorded in its ControllerRevision in the workload's namespace."""

    number: int = Field(description="Number of the revision, counting up from 1.")
    name: str = Field(description="Name of the ControllerRevision.")
    commit: str | None = Field(default=None, description="Commit that the revision was built from.")
    image: str | None = Field(default=None, description="Image, with its digest if known.")
    image_available: bool | None = Field(
        default=None,
        description="False if the registry no longer has the image, so that a rollback to it builds the commit again. "
        "Absent if Ink did not build the image.",
    )
    created: str | None = Field(default=None, description="When the revision was created (RFC 3339).")
    active: bool = Field(default=False, description="True for the revision that should be running now.")
    reason: str | None = Field(default=None, description="Outcome: Deployed, or the reason why it was not deployed.")


class EffectiveSettings(ApiModel):
    """The settings in effect: the spec, ink.yaml and the platform's defaults combined."""

    command: list[str] | None = Field(default=None, description="Entrypoint.", json_schema_extra=atomic_list())
    args: list[str] | None = Field(default=None, description="Arguments.", json_schema_extra=atomic_list())
    ports: list[Port] | None = Field(
        default=None, description="Ports that the application listens on.", json_schema_extra=list_map("name")
    )
    health: Health | None = Field(default=None, description="Readiness check.")
    resources: Resources | None = Field(default=None, description="CPU and memory of each pod.")


class InkServiceStatus(ApiModel):
    """Observed state of the service. Only the operator writes it, and can restore it if it is deleted."""

    observed_generation: int = Field(default=-1, description="metadata.generation that this status describes.")
    conditions: list[Condition] = Field(
        default_factory=list,
        description="Conditions, by type. docs/reasons.md explains them.",
        json_schema_extra=list_map("type"),
    )
    url: str | None = Field(default=None, description="Public URL.")
    urls: list[str] | None = Field(
        default=None, description="All public URLs, the main one first.", json_schema_extra=atomic_list()
    )
    private_url: str | None = Field(default=None, description="URL inside the project.")
    commit: str | None = Field(default=None, description="Commit that should be running now.")
    image: str | None = Field(default=None, description="Image that should be running now, with its digest if known.")
    build: BuildStatus | None = Field(default=None, description="The newest build.")
    revisions: list[RevisionStatus] | None = Field(
        default=None, description="Recent revisions, newest first.", json_schema_extra=list_map("number")
    )
    effective: EffectiveSettings | None = Field(
        default=None, description="The settings in effect: the spec, ink.yaml and the platform's defaults combined."
    )
    namespace: str | None = Field(default=None, description="Namespace of the workload.")
    replicas: int | None = Field(default=None, description="Number of pods.")
    ready_replicas: int | None = Field(default=None, description="Number of pods that are ready.")
    selector: str | None = Field(default=None, description="Label selector of the pods, for the scale subresource.")
    port: int | None = Field(default=None, description="Port that the application listens on.")
