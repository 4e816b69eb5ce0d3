"""Settings of the operator from INK_… environment variables, parsed once. docs/contracts.md lists them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

DEFAULT_RESERVED = "www,api,admin,git,mcp,gateway,console,registry,auth,login,mail,ns1,ns2,traefik,status"


@dataclass(frozen=True, slots=True)
class Pool:
    """Where pods of one kind run."""

    node_selector: dict[str, str] = field(default_factory=dict)
    tolerations: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Storage:
    """The volume of a tenant's buildkitd; without a class name that of the cluster's default class."""

    size: str = "20Gi"
    class_name: str = ""
    ephemeral: bool = False
    """It goes with the pod: for clusters without a class."""


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
    """Where each tenant has a buildkitd: what the keys of their authorities are derived from."""


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
    traefik_url: str = "https://traefik.ink-ingress.svc.cluster.local:443"
    registry: str = "registry.dp-system.svc.cluster.local:5000"
    registry_insecure: bool = True
    builder_image: str = "ink-builder"
    builder_pull_policy: str = "IfNotPresent"
    base_images: str = ""
    """JSON for the builder: the base images of languages, where they are not the publishers' own."""
    resolver_url: str = "http://resolver.dp-system.svc.cluster.local:8080"
    git_public_url: str = "https://git.localhost:8443"
    git_internal_url: str = "http://git.dp-system.svc.cluster.local:8080"
    buildkit_address: str = "buildkitd.dp-buildkit.svc.cluster.local:1234"
    """Of the buildkitd that all share."""
    buildkit_namespace: str = "dp-buildkit"
    buildkit_pod: dict[str, Any] = field(default_factory=dict)
    """Pod template of a tenant's own buildkitd; empty: all share one."""
    buildkit_storage: Storage = field(default_factory=Storage)
    buildkit_idle_seconds: float = 600.0
    """A tenant's buildkitd is stopped when it has built nothing for so long."""
    buildkit_start_seconds: int = 120
    """How long a build waits for its tenant's buildkitd to answer."""
    reserved_hosts: frozenset[str] = frozenset(DEFAULT_RESERVED.split(","))
    watch: Literal["managed", "all"] = "managed"
    denied_cidrs: tuple[str, ...] = ()
    public_cidrs: tuple[str, ...] = ()
    """Addresses of the platform's own ingress, open to tenants on 80 and 443 although they may lie in denied ranges."""
    dns_namespace: str = "kube-system"
    dns_labels: dict[str, str] = field(default_factory=lambda: {"k8s-app": "kube-dns"})
    service_account: str = "operator"
    gateway_service_account: str = "gateway"
    lease_seconds: float = 10.0
    """A standby takes over this long after the holder fell silent, and a second or two."""
    build_concurrency: int = 2
    """Builds at a time, of all tenants."""
    build_concurrency_per_tenant: int = 2
    build_timeout_seconds: int = 900
    scan_secrets: str = "off"
    scan_vulnerabilities: str = "off"
    scan_image: str = "off"
    scan_severity: str = "high"
    osv_source: str = ""
    """What builders look for in source and image; docs/contracts.md has the words."""
    sbom_generator: str = ""
    """The scanner's image; empty: no SBOM."""
    build_provenance: str = "off"
    build_registry_cache: bool = False
    build_platform: str = ""
    """Such as linux/arm64; empty: that of buildkitd."""
    build_history: int = 2
    """Finished build Jobs kept a service, newest first: their pods hold the build logs."""
    registry_retention: int = 2
    """Images kept a service beside those of the live and the wanted revision."""
    retire_after_seconds: float = 10.0
    """How long a service is let alone after a change before images of old revisions are deleted."""
    poll_seconds: float = 300.0
    resync_seconds: float = 600.0
    namespace_empty_seconds: float = 600.0
    host_keep_seconds: float = 86400.0
    """A public host that was given up is kept for the same tenant for so long."""
    cleanup_deadline_seconds: float = 300.0
    """How long a deletion waits for pods and the registry before it goes on without them."""
    route_settle_seconds: float = 0.5
    """How long the ingress may still send requests to pods that are being removed."""
    startup_grace_seconds: int = 60
    workers: int = 8
    sealing_keys: int = 1
    """How many sealing keys there shall be; raised by one, a newer key is made and the older ones are kept."""
    listen_port: int = 8080
    gvisor_runtime_class: str = "gvisor"
    """RuntimeClass of services with isolation GVisor."""
    run_pool: Pool = field(default_factory=Pool)
    build_pool: Pool = field(default_factory=Pool)
    secrets: Secrets = field(default_factory=Secrets, repr=False)

    @property
    def own_namespaces(self) -> frozenset[str]:
        """The platform's."""
        return frozenset((self.namespace, self.builds_namespace, self.ingress_namespace, self.buildkit_namespace))

    @property
    def buildkit_shared(self) -> bool:
        """One buildkitd for all tenants."""
        return not self.buildkit_pod

    @property
    def url_port(self) -> str:
        """`:8443`, or nothing for 443."""
        return "" if self.apps_port == 443 else f":{self.apps_port}"


def parse_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from the environment. Raises ValueError naming the variable that is wrong."""
    values: dict[str, Any] = {}
    for name, parse in PARSERS.items():
        text = environ.get(f"INK_{name.upper()}", "").strip()
        if text:
            try:
                values[name] = parse(text)
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError(f"INK_{name.upper()} is {text!r}: {error}") from None
    secrets = Secrets(**{name: environ.get(f"INK_{name.upper()}", "") for name in Secrets.__slots__})
    return Settings(**values, secrets=secrets)


def _labels(text: str) -> dict[str, str]:
    pairs = [part.split("=", 1) for part in text.split(",") if part]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("expected key=value,key=value")
    return {key.strip(): value.strip() for key, value in pairs}


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _pool(text: str) -> Pool:
    data = json.loads(text)
    return Pool(data.get("nodeSelector") or {}, data.get("tolerations") or [])


def _object(text: str) -> dict[str, Any]:
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError("expected a JSON object")
    return data


def _storage(text: str) -> Storage:
    data = _object(text)
    return Storage(str(data["size"]), str(data.get("className") or ""), bool(data.get("ephemeral")))


def _json_object(text: str) -> str:
    if not isinstance(json.loads(text), dict):
        raise ValueError("expected a JSON object")
    return text if text != "{}" else ""


def _watch(text: str) -> str:
    if text not in ("managed", "all"):
        raise ValueError("expected managed or all")
    return text


def _url(text: str) -> str:
    return text.rstrip("/")


def _flag(text: str) -> bool:
    return text.lower() in ("1", "true", "yes")


PARSERS: dict[str, Any] = {
    **dict.fromkeys(
        ("namespace", "tenants_namespace", "builds_namespace", "ingress_namespace", "ingress_class", "apps_domain",
         "registry", "builder_image", "builder_pull_policy", "buildkit_address", "buildkit_namespace", "dns_namespace",
         "service_account", "gateway_service_account", "gvisor_runtime_class", "scan_secrets", "scan_vulnerabilities",
         "scan_image", "scan_severity", "osv_source", "sbom_generator", "build_provenance", "build_platform"),
        str,
    ),
    **dict.fromkeys(("traefik_url", "resolver_url", "git_public_url", "git_internal_url"), _url),
    **dict.fromkeys(
        ("apps_port", "build_concurrency", "build_concurrency_per_tenant", "build_timeout_seconds", "build_history",
         "registry_retention", "startup_grace_seconds", "workers", "listen_port", "sealing_keys",
         "buildkit_start_seconds"),
        int,
    ),
    **dict.fromkeys(
        ("lease_seconds", "poll_seconds", "retire_after_seconds", "resync_seconds", "namespace_empty_seconds",
         "host_keep_seconds", "cleanup_deadline_seconds", "route_settle_seconds", "buildkit_idle_seconds"),
        float,
    ),
    **dict.fromkeys(("ingress_labels", "dns_labels"), _labels),
    **dict.fromkeys(("denied_cidrs", "public_cidrs"), _words),
    **dict.fromkeys(("run_pool", "build_pool"), _pool),
    "buildkit_pod": _object,
    "buildkit_storage": _storage,
    "registry_insecure": _flag,
    "build_registry_cache": _flag,
    "base_images": _json_object,
    "reserved_hosts": lambda text: frozenset(_words(text)),
    "watch": _watch,
}  # fmt: skip
