"""The API server over plain HTTPS, for tests that need many calls or the bare answer."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

Json = dict[str, Any]
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


@dataclass(frozen=True)
class Credentials:
    """What a kubeconfig with a client certificate says."""

    server: str
    context: ssl.SSLContext = field(repr=False)


def credentials(kubeconfig: Path) -> Credentials:
    """Read a kubeconfig whose data are inline."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile() as pem:  # the ssl module reads certificates from files alone
        pem.write(base64.b64decode(user["client-certificate-data"]))
        pem.write(b"\n" + base64.b64decode(user["client-key-data"]))
        pem.flush()
        context.load_cert_chain(pem.name)
    return Credentials(cluster["server"], context)


@dataclass(frozen=True)
class Resource:
    """A kind as the API server offers it. `names`: all by which kubectl knows it, such as `svc`."""

    name: str
    names: frozenset[str]
    root: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "") -> str:
        """Of the collection; of every namespace when none is given."""
        where = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{self.root}{where}/{self.plural}"


class KubeApi:
    """Requests to the API server; answers are JSON objects, `Refused` when it says no. Safe to share by threads."""

    def __init__(self, kubeconfig: Path) -> None:
        found = credentials(kubeconfig)
        self._http = httpx.Client(base_url=found.server, verify=found.context, timeout=30, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def request(self, method: str, path: str, body: object = None, **headers: str) -> Json:
        """One call. Raises Refused for any answer of 400 and above."""
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        try:
            answer = self._http.request(method, path, json=body, headers=named)
        except (httpx.RemoteProtocolError, httpx.ReadError):
            if method != "GET":
                raise
            # The server has closed an idle connection in the moment in which it was used again.
            answer = self._http.request(method, path, json=body, headers=named)
        if answer.status_code >= 400:
            raise Refused(answer.status_code, answer.json() if "json" in answer.headers["content-type"] else {})
        parsed: Json = answer.json()
        return parsed

    def get(self, path: str) -> Json:
        return self.request("GET", path)

    def find(self, path: str) -> Json | None:
        """The object at the path, or None."""
        try:
            return self.get(path)
        except Refused as refused:
            if refused.code == 404:
                return None
            raise

    def resources(self) -> Iterator[Resource]:
        """What can be listed, in the order in which kubectl looks for a name."""
        groups = {"": "/api/v1"}
        groups |= {g["name"]: f"/apis/{g['preferredVersion']['groupVersion']}" for g in self.get("/apis")["groups"]}
        for group, root in groups.items():
            with suppress(Refused):  # an aggregated API whose server is away
                for kind in self.get(root)["resources"]:
                    if "list" in kind["verbs"] and "/" not in kind["name"]:
                        names = {kind["name"], kind["singularName"], kind["kind"].lower(), *kind.get("shortNames", ())}
                        name = f"{kind['name']}.{group}".rstrip(".")
                        yield Resource(name, frozenset(names), root, kind["name"], kind["namespaced"])

    def everything(self) -> Iterator[tuple[str, Json]]:
        """Every object that can be listed, after its kind as kubectl names it: `pods`, `deployments.apps`."""
        for resource in self.resources():
            with suppress(Refused):
                yield from ((resource.name, item) for item in self.get(resource.path())["items"])

    def history(self, path: str, since: str) -> list[Json]:
        """Every version of the object after the resourceVersion `since`, as the API server remembers them."""
        collection, _, name = path.rpartition("/")
        query = f"watch=1&timeoutSeconds=1&resourceVersion={since}&fieldSelector=metadata.name={name}"
        answer = self._http.get(f"{collection}?{query}")
        events = [json.loads(line) for line in answer.text.splitlines() if line]
        return [event["object"] for event in events if event["type"] in ("ADDED", "MODIFIED", "DELETED")]

    def create(self, path: str, body: Json, *, dry_run: bool = False) -> Json:
        return self.request("POST", f"{path}?dryRun=All" if dry_run else path, body)

    def apply(self, path: str, body: Json, *, manager: str = "test") -> Json:
        """Server-side apply, taking over conflicts."""
        return self.request("PATCH", f"{path}?fieldManager={manager}&force=true", body, content_type=APPLY)

    def merge(self, path: str, body: Json) -> Json:
        return self.request("PATCH", path, body, content_type=MERGE)

    def delete(self, path: str) -> None:
        """Delete; nothing there is fine."""
        try:
            self.request("DELETE", path)
        except Refused as refused:
            if refused.code != 404:
                raise


class Refused(Exception):
    """The API server said no: `code`, `reason` and `message` of its Status."""

    def __init__(self, code: int, status: Json) -> None:
        self.code = code
        self.reason = str(status.get("reason", ""))
        self.message = str(status.get("message", ""))
        super().__init__(f"{code} {self.reason}: {self.message}")


def managed_namespace(api: KubeApi, name: str) -> None:
    """A namespace that an administrator gave to Ink."""
    meta = {"name": name, "labels": {"ml.ink/managed": "true"}}
    api.apply(f"/api/v1/namespaces/{name}", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
