"""What is built here from Go modules: Kubernetes, its network, BuildKit, Traefik, Helm and their like."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

GO_FOLDER = Path(__file__).resolve().parents[2] / "local" / "go"


@dataclass(frozen=True)
class CopiedModule:
    """A module built from a copy of its released source, with the files in our folder of that name laid over it."""

    path: str
    version: str
    folder: str
    sum: str
    """Checksum of the module, as in go.sum; the copy is refused when it differs."""


@dataclass(frozen=True)
class Component:
    """One go.mod of ours (`local/go/<name>`), and what is built from it."""

    name: str
    version: str
    packages: dict[str, str] = field(default_factory=dict)
    """Binary's name -> Go package. Empty: our own main package, called like the component."""
    links: tuple[str, ...] = ()
    """Further names of the (only) binary, which chooses the program by the name it is called by."""
    tags: str = ""
    variables: tuple[str, ...] = ()
    """`package.variable=value`, set at link time: so that a program knows its version."""
    copied: tuple[CopiedModule, ...] = ()

    @property
    def folder(self) -> Path:
        return GO_FOLDER / self.name

    @property
    def binaries(self) -> dict[str, str]:
        """Binary's name -> Go package, our own main included."""
        return self.packages or {self.name: "."}

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a program of this component is called by."""
        return (*self.binaries, *self.links)


def _kubernetes_version(version: str, *packages: str) -> tuple[str, ...]:
    """Link-time variables without which programs built on Kubernetes' libraries call themselves v0.0.0-master."""
    major, minor, _ = version.removeprefix("v").split(".")
    values = {
        "gitMajor": major,
        "gitMinor": minor,
        "gitVersion": version,
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
    }
    return tuple(f"{package}.{name}={value}" for package in packages for name, value in values.items())


_ALL = (
    Component("pause", "1"),
    Component(
        "kube",
        "v1.35.4",
        links=(
            "etcd",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-proxy",
            "kube-scheduler",
            "kubectl",
            "kubelet",
        ),
        tags="providerless,dockerless",
        variables=_kubernetes_version("v1.35.4", "k8s.io/component-base/version", "k8s.io/client-go/pkg/version"),
    ),
    Component("calico", "v3.28", links=("calico-felix",)),
    Component(
        "buildkit",
        "v0.33.1",
        packages={
            "buildkitd": "github.com/moby/buildkit/cmd/buildkitd",
            "buildctl": "github.com/moby/buildkit/cmd/buildctl",
        },
        variables=("github.com/moby/buildkit/version.Version=v0.33.1",),
    ),
    Component(
        "traefik",
        "3.6.12",
        packages={"traefik": "github.com/traefik/traefik/v3/cmd/traefik"},
        variables=("github.com/traefik/traefik/v3/pkg/version.Version=3.6.12",),
        copied=(
            CopiedModule(
                "github.com/go-acme/lego/v4",
                "v4.33.0",
                folder="lego",
                sum="h1:2KrRKieG+VczT4zvVXKAY7Tp/S3XLvh/QImofBALRAM=",
            ),
        ),
    ),
    Component("coredns", "1.14.7"),
    Component(
        "helm",
        "v4.3.1",
        packages={"helm": "helm.sh/helm/v4/cmd/helm"},
        variables=("helm.sh/helm/v4/internal/version.version=v4.3.1",),
    ),
    Component(
        "local-path-provisioner",
        "v0.0.30",
        packages={"local-path-provisioner": "github.com/rancher/local-path-provisioner"},
        variables=("main.VERSION=v0.0.30",),
    ),
    Component(
        "metrics-server",
        "v0.9.0",
        packages={"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"},
        variables=_kubernetes_version("v0.9.0", "k8s.io/client-go/pkg/version"),
    ),
    Component(
        "sbom-scanner",
        "1.57.0",
        copied=(
            CopiedModule(
                "github.com/anchore/syft",
                "v1.57.0",
                folder="syft",
                sum="h1:H/UHtf0KbIlD12dXsfklFMjZ2+erj2an3h/jBHoX/zE=",
            ),
        ),
    ),
    Component("kwok", "v0.8.0", packages={"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),
)

COMPONENTS: dict[str, Component] = {component.name: component for component in _ALL}
"""In the order in which they are built: what the node needs first stands first."""

ON_REQUEST = frozenset({"kwok", "sbom-scanner"})
"""Built only when asked for by name: the platform does not need them by default."""
