"""InkService: an application, built from a git repository or run from an image, with a public URL."""

from pydantic import Field

from ink_api.inkservice.environment import ENV_NAME_PATTERN, EnvFromSource, EnvSource, EnvVar
from ink_api.inkservice.network import Domain, Health, Port
from ink_api.inkservice.references import ConfigMapRef, KeyRef, ResourceRef, SecretRef, ServiceEnvRef
from ink_api.inkservice.source import SHA_PATTERN, Build, GitAuth, GitHubApp, GitSource, ImageSource, Source
from ink_api.inkservice.spec import InkServiceSpec
from ink_api.inkservice.status import (
    BuildStatus,
    CommittedSecret,
    EffectiveSettings,
    ImageScanStatus,
    InkServiceStatus,
    RevisionStatus,
    ScanStatus,
    Vulnerability,
    VulnerabilityCounts,
)
from ink_api.inkservice.workload import Autoscaling, Cron, Drain, Release, ResourceAmounts, Resources, Volume
from ink_api.metadata import ObjectMeta
from ink_api.model import ApiModel


class InkService(ApiModel):
    """An application, built from a git repository or run from an image, with a public URL."""

    metadata: ObjectMeta
    spec: InkServiceSpec
    status: InkServiceStatus = Field(default_factory=InkServiceStatus)


__all__ = [
    "ENV_NAME_PATTERN",
    "SHA_PATTERN",
    "Autoscaling",
    "Build",
    "BuildStatus",
    "CommittedSecret",
    "ConfigMapRef",
    "Cron",
    "Domain",
    "Drain",
    "EffectiveSettings",
    "EnvFromSource",
    "EnvSource",
    "EnvVar",
    "GitAuth",
    "GitHubApp",
    "GitSource",
    "Health",
    "ImageScanStatus",
    "ImageSource",
    "InkService",
    "InkServiceSpec",
    "InkServiceStatus",
    "KeyRef",
    "ObjectMeta",
    "Port",
    "Release",
    "ResourceAmounts",
    "ResourceRef",
    "Resources",
    "RevisionStatus",
    "ScanStatus",
    "SecretRef",
    "ServiceEnvRef",
    "Source",
    "Volume",
    "Vulnerability",
    "VulnerabilityCounts",
]
