"""Settings of the operator, read once from `INK_…` environment variables. docs/contracts.md lists them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from ink_common.environ import Parsed, Url, json_object, read

DEFAULT_RESERVED = "www,api,admin,git,mcp,gateway,console,registry,auth,login,mail,ns1,ns2,traefik,status"


@dataclass(frozen=True, slots=True)
class Pool:
    """Where pods of one kind run."""

    node_selector: dict[str, str] = field(default_factory=dict)
    tolerations: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Storage:
    """The volume of a tenant's buildkitd; without a class name, the cluster's default class is used."""

    size: str = "20Gi"
    class_name: str = ""
    ephemeral: bool = False
    """Deleted with the pod: for clusters without a storage class."""


def _pool(text: str) -> Pool:
    data = json_object(text)
    return Pool(data.get("nodeSelector") or {}, data.get("tolerations") or [])


def _storage(text: str) -> Storage:
    data = json_object(text)
    if not data.get("size"):
        raise ValueError("a JSON object with size")
    return Storage(str(data["size"]), str(data.get("className") or ""), bool(data.get("ephemeral")))


def _json(text: str) -> str:
    return text if json_object(text) else ""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Key material. Never printed."""

    registry_token_key: str = field(default="", repr=False)
    registry_token_cert: str = field(default="", repr=False)
    git_signing_key: str = field(default="", repr=False)
    buildkit_ca: str = field(default="", repr=False)
    buildkit_cert: str = field(default="", repr=False)
    buildkit_key: str = field(default="", repr=False)
    buildkit_seed: str = field(default="", repr=False)
    """If each tenant has a buildkitd: the seed of their authorities' keys."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that may differ between two installations; units are in the names."""

    namespace: str = "dp-system"
    tenants_namespace: str = "ink-tenants"
    builds_namespace: str = "dp-builds"
    ingress_namespace: str = "ink-ingress"
    ingress_labels: dict[str, str] = field(default_factory=lambda: {"app.kubernetes.io/name": "traefik"})
    ingress_class: str = "ink"
    apps_domain: str = "apps.localhost"
    apps_port: int = 443
    traefik_url: Url = "https://traefik.ink-ingress.svc.cluster.local:443"
    registry: str = "registry.dp-system.svc.cluster.local:5000"
    registry_insecure: bool = True
    builder_image: str = "ink-builder"
    builder_pull_policy: str = "IfNotPresent"
    base_images: Annotated[str, Parsed(_json)] = ""
    """JSON for the builder: base images of languages that differ from the publishers' own."""
    resolver_url: Url = "http://resolver.dp-system.svc.cluster.local:8080"
    git_public_url: Url = "https://git.localhost:8443"
    git_internal_url: Url = "http://git.dp-system.svc.cluster.local:8080"
    buildkit_address: str = "buildkitd.dp-buildkit.svc.cluster.local:1234"
    """Of the shared buildkitd."""
    buildkit_namespace: str = "dp-buildkit"
    buildkit_pod: dict[str, Any] = field(default_factory=dict)
    """Pod template of a tenant's own buildkitd; empty: all share one."""
    buildkit_storage: Annotated[Storage, Parsed(_storage)] = field(default_factory=Storage)
    buildkit_idle_seconds: float = 600.0
    """A tenant's buildkitd is stopped when it has built nothing for this long."""
    buildkit_start_seconds: int = 120
    """How long a build waits for its tenant's buildkitd to answer."""
    reserved_hosts: frozenset[str] = frozenset(DEFAULT_RESERVED.split(","))
    watch: Literal["managed", "all"] = "managed"
    denied_cidrs: tuple[str, ...] = ()
    public_cidrs: tuple[str, ...] = ()
    """Addresses of the platform's own ingress: open to tenants on ports 80 and 443, even in denied ranges."""
    dns_namespace: str = "kube-system"
    dns_labels: dict[str, str] = field(default_factory=lambda: {"k8s-app": "kube-dns"})
    service_account: str = "operator"
    gateway_service_account: str = "gateway"
    lease_seconds: float = 10.0
    """A standby takes over this long, plus a second or two, after the holder's last renewal."""
    build_concurrency: int = 2
    """Concurrent builds of all tenants."""
    build_concurrency_per_tenant: int = 2
    build_timeout_seconds: int = 900
    scan_secrets: str = "off"
    scan_vulnerabilities: str = "off"
    scan_image: str = "off"
    scan_severity: str = "high"
    osv_source: str = ""
    """What builders scan source and image for; docs/contracts.md lists the values."""
    sbom_generator: str = ""
    """The scanner's image; empty: no SBOM."""
    build_provenance: str = "off"
    build_registry_cache: bool = False
    build_platform: str = ""
    """Such as linux/arm64; empty: that of buildkitd."""
    build_history: int = 2
    """Finished build Jobs kept per service, newest first: their pods have the build logs."""
    registry_retention: int = 2
    """Images kept per service in addition to those of the live and the wanted revision."""
    retire_after_seconds: float = 10.0
    """How long after a change images of old revisions are deleted."""
    poll_seconds: float = 300.0
    resync_seconds: float = 600.0
    namespace_empty_seconds: float = 600.0
    host_keep_seconds: float = 86400.0
    """How long a released public host stays reserved for its tenant."""
    cleanup_deadline_seconds: float = 300.0
    """How long a deletion waits for pods and the registry before it continues without them."""
    route_settle_seconds: float = 0.5
    """How long the ingress may still send requests to pods that are being removed."""
    startup_grace_seconds: int = 60
    workers: int = 8
    sealing_keys: int = 1
    """The number of sealing keys. Raising it by one adds a newer key; the older ones are kept."""
    listen_port: int = 8080
    gvisor_runtime_class: str = "gvisor"
    """RuntimeClass of services with isolation GVisor."""
    run_pool: Annotated[Pool, Parsed(_pool)] = field(default_factory=Pool)
    build_pool: Annotated[Pool, Parsed(_pool)] = field(default_factory=Pool)
    secrets: Secrets = field(default_factory=Secrets, repr=False)

    @property
    def own_namespaces(self) -> frozenset[str]:
        """The namespaces of the platform."""
        return frozenset((self.namespace, self.builds_namespace, self.ingress_namespace, self.buildkit_namespace))

    @property
    def buildkit_shared(self) -> bool:
        """Whether all tenants share one buildkitd."""
        return not self.buildkit_pod

    @property
    def url_port(self) -> str:
        """`:8443`, or nothing for 443."""
        return "" if self.apps_port == 443 else f":{self.apps_port}"


def parse_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from the environment. Raises SettingsError naming every variable that is wrong."""
    return read(Settings, environ)
