"""Names that readers and builders share: labels and annotations of children, names of children."""

from ink_api import group
from ink_api.inkservice import InkService
from ink_api.names import ServiceIdentity, env_secret_name, short_hash

from ink_operator.core import build_jobs

APP, CRON, RELEASE, BUILD = "app", "cron", "release", build_jobs.COMPONENT
"""Values of the component label: pods and what creates them."""
REVISION, VOLUME, ENV = "revision", "volume", "env"
"""Values of the component label: children without pods."""

LABEL_BUILD_KEY = f"{group.GROUP}/build-key"
LABEL_REVISION = f"{group.GROUP}/revision"
"""On pods: the hash of their template, to distinguish old pods from new ones."""
ANNOTATION_ATTEMPT = f"{group.GROUP}/attempt"
ANNOTATION_REVISION = LABEL_REVISION
ANNOTATION_COMMIT = f"{group.GROUP}/commit"
ANNOTATION_IMAGE = f"{group.GROUP}/image"
ANNOTATION_PORT = f"{group.GROUP}/port"
ANNOTATION_BUILD_KEY = LABEL_BUILD_KEY
ANNOTATION_PLANNER = f"{group.GROUP}/planner"
ANNOTATION_INKFILE = f"{group.GROUP}/inkfile"
"""On workloads: what ink.yaml of the running commit says about how it runs."""
ANNOTATION_REBUILD = f"{group.GROUP}/rebuild-token"
ANNOTATION_ENV = f"{group.GROUP}/env"
"""On pods: keyed digest of the values of sealed variables."""
ANNOTATION_CONFIG = f"{group.GROUP}/config"
"""On pods: keyed digest of the values that variables take from Secrets and ConfigMaps."""
ANNOTATION_OUTCOME = f"{group.GROUP}/outcome"
"""On ControllerRevisions: the outcome of the revision, as a reason."""
ANNOTATION_RELEASE = f"{group.GROUP}/release"
"""On ControllerRevisions: how the release command ended. On release Jobs: the name of the run."""
ANNOTATION_IMAGE_DELETED = f"{group.GROUP}/image-deleted"
"""On ControllerRevisions: the registry no longer has the revision's image."""

ANNOTATION_DELETION_POLICY = f"{group.GROUP}/deletion-policy"
"""On volume claims: what happens to them once the spec no longer names them."""
ANNOTATION_EMPTY_SINCE = f"{group.GROUP}/empty-since"
"""On a project's namespace: since when it has no service."""

OPERATOR_GRANT, GATEWAY_GRANT = "ink-operator", "ink-gateway"
"""RoleBindings that give the operator and the gateway access to a namespace."""
LIMITS = "ink"
"""The ResourceQuota and the LimitRange of a project's namespace."""
POLICIES = ("ink-default-deny", "ink-allow-ingress", "ink-allow-egress")
"""NetworkPolicies of a namespace."""


def owner_of(service: InkService) -> str:
    """`<namespace>/<name>` of the custom resource, as in its children's annotation."""
    return f"{service.metadata.namespace}/{service.metadata.name}"


def owner_selector(service: InkService) -> str:
    """Selects the children of exactly this object; a later object with its name has another UID."""
    return f"{group.LABEL_OWNER_UID}={service.metadata.uid}"


def env_secret(identity: ServiceIdentity) -> str:
    """The Secret of sealed variables, its Role and its RoleBinding."""
    return env_secret_name(identity.name)


def volume_claim(identity: ServiceIdentity, volume: str) -> str:
    """The PersistentVolumeClaim of a volume."""
    return f"{identity.name}-{volume}"


def build_job(build_key: str, attempt: int) -> str:
    """The same name for the same build, so that the API server refuses a second one."""
    return f"b-{build_key}-{attempt}"


def build_log_tag(build: str) -> str:
    """The tag under which the builder stores a build's log, beside the image."""
    return f"log-{build}"


def release_job(identity: ServiceIdentity, run: str) -> str:
    """The same name for the same run, so that the API server refuses a second one."""
    return f"{identity.name}-r-{run}"


def revision(identity: ServiceIdentity, template: str, build_key: str | None) -> str:
    """The same name for the same pods of the same build, so that the API server refuses a second record."""
    return f"{identity.name}-{short_hash(template, build_key or '')}"


def attempt_record(identity: ServiceIdentity, build: str) -> str:
    """The record of a build that produced no image."""
    return f"{identity.name}-{build}"
