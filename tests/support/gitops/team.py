"""People who keep their services in git: a namespace, a repository, and Flux between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from support.cluster.kube_api import Json, KubeApi
from support.gitops import flux
from support.gitops.flux import Sync
from support.operating.engine import BUILD_JOBS, CHILDREN, CLAIMS, CRS
from support.waiting import eventually

PODS = "/api/v1/namespaces/{}/pods"


@dataclass
class Team:
    """A namespace whose services come from a repository, out of its folder `shop`."""

    api: KubeApi
    sync: Sync
    directory: Path
    """Their working copy."""
    publish: Callable[[], str]
    """Commits and pushes everything in it; the commit."""
    url: str
    login: dict[str, str] = field(repr=False)
    """What the Secret of the GitRepository holds."""
    started: bool = False

    @property
    def namespace(self) -> str:
        return self.sync.namespace

    def commit(self, **services: Json | None) -> str:
        """Write services, each by its spec (None: take it away), push, and have Flux look; the commit."""
        for name, spec in services.items():
            body = {"subdomain": f"{name}-{self.namespace}", **(spec or {})}
            manifest = {"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "metadata": {"name": name}, "spec": body}
            self.write(f"shop/{name}.yaml", *([manifest] if spec is not None else []))
        return self.push()

    def write(self, file: str, *manifests: Json) -> None:
        """A file of these, or none if there are none."""
        path = self.directory / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump_all(manifests))
        if not manifests:
            path.unlink()

    def push(self) -> str:
        """Push what is written, and have Flux look; the commit."""
        commit = self.publish()
        if self.started:
            self.sync.fetch()
        return commit

    def start(self, file: str = "sync.yaml", **spec: object) -> None:
        """Apply what the documentation shows; `spec`: changes of its Kustomization's."""
        meta = {"name": "shop-git", "namespace": self.namespace}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": self.login}
        shown = flux.manifests("sync.yaml", self.namespace, self.url, **spec)
        if file != "sync.yaml":
            shown = shown[:-1] + flux.manifests(file, self.namespace, self.url, **spec)
        self.apply(secret, *shown)
        self.started = True

    def start_beside(self, name: str) -> Sync:
        """One more Kustomization of the same repository, for the folder of that name."""
        (*_, beside) = flux.manifests("sync.yaml", self.namespace, self.url, path=f"./{name}")
        beside["metadata"]["name"] = name
        self.apply(beside)
        return Sync(self.api, self.namespace, self.sync.scratch, name)

    def apply(self, *manifests: Json) -> None:
        for manifest in manifests:
            version, plural = manifest["apiVersion"], f"{manifest['kind'].lower()}s".replace("rys", "ries")
            where = f"{'/api' if version == 'v1' else '/apis'}/{version}/namespaces/{self.namespace}/{plural}"
            self.api.apply(f"{where}/{manifest['metadata']['name']}", manifest)

    def service(self, name: str) -> Json:
        return self.api.get(f"{CRS.format(self.namespace)}/{name}")

    def children(self, name: str) -> list[str]:
        """Everything that says that it is of that service, wherever it lies; not what keeps its host for the tenant."""
        owner, found = f"{self.namespace}/{name}", []
        for path in (*(path.format(self.namespace) for path in (*CHILDREN, PODS)), BUILD_JOBS, CLAIMS):
            for item in self.api.get(path)["items"]:
                meta = item["metadata"]
                is_kept = path == CLAIMS and "ml.ink/owner-uid" not in meta.get("labels", {})
                is_mine = owner in meta.get("annotations", {}).values() and not is_kept
                found += [f"{path}/{meta['name']}"] if is_mine else []
        return found

    def wait_no_children(self, name: str) -> None:
        def gone() -> bool:
            left = self.children(name)
            assert left == []
            return True

        eventually(gone, within=120, what=f"the children of {name} are gone")
