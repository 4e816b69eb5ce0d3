"""Stands where the resolver and the build pods would: a branch that a test moves, and builds that end at once.

What they push goes to a real registry, with the token that the operator gave them.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from datetime import UTC, datetime

import httpx
from support.cluster.kube_api import Json, KubeApi, Refused
from support.operating.process import PLAYED_ELSEWHERE
from support.played.answering import Answering, QuietHandler

BUILDS = "dp-builds"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


class Branch(Answering):
    """Answers like the resolver: the branch is at `commit`."""

    class _Handler(QuietHandler):
        server: Branch

        def do_POST(self) -> None:
            self.say(200, json.dumps({"commit": self.server.commit}).encode())

    def __init__(self) -> None:
        self.commit = ""
        super().__init__(self._Handler)


class PlayedBuilder:
    """Ends every build: an image of the commit is pushed, or it fails for the commits in `broken`, or runs on."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self.broken: set[str] = set()
        self.endless: set[str] = set()
        self.said: dict[str, Json] = {}
        """Commit -> what its verdict has beside the image."""
        self.handed: list[Json] = []
        """The secret variables of each build that had some."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._over.wait(0.2):
            with contextlib.suppress(Refused, OSError, httpx.HTTPError):
                found = self._api.get(f"/api/v1/namespaces/{BUILDS}/pods?labelSelector=ml.ink/component=build")
                for pod in found["items"]:
                    left = pod["spec"]["containers"][0]["image"] == PLAYED_ELSEWHERE
                    if left and pod["status"].get("phase") == "Pending":
                        self._build(pod)

    def _build(self, pod: Json) -> None:
        (container,) = pod["spec"]["containers"]
        variables = {v["name"]: v.get("value", "") for v in container["env"]}
        commit = variables["INK_COMMIT"]
        if commit in self.endless:
            return
        if commit in self.broken:
            verdict: Json = {"ok": False, "reason": "BuildFailed", "message": "a < b && c", "log": ["step 3"]}
        else:
            secret = self._api.get(f"/api/v1/namespaces/{BUILDS}/secrets/{variables['INK_BUILD_ID']}")
            token = base64.b64decode(secret["data"]["INK_REGISTRY_TOKEN"]).decode()
            digest = push_image(variables["INK_IMAGE"], token, commit)
            verdict = {"ok": True, "digest": digest, "pack": "Dockerfile", "ports": [8080], **self.said.get(commit, {})}
            if "INK_BUILD_SECRETS" in variables:
                self.handed.append(json.loads(base64.b64decode(secret["data"]["INK_BUILD_SECRETS"])))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ended = {"exitCode": int(not verdict["ok"]), "message": json.dumps(verdict), "finishedAt": now}
        state = {"state": {"terminated": {**ended, "startedAt": now}}, "ready": False, "restartCount": 0}
        stated = {"name": container["name"], "image": container["image"], "imageID": "", **state}
        status = {"phase": "Succeeded" if verdict["ok"] else "Failed", "startTime": now, "containerStatuses": [stated]}
        path = f"/api/v1/namespaces/{BUILDS}/pods/{pod['metadata']['name']}/status"
        self._api.merge(path, {"status": status})


def push_image(reference: str, token: str, commit: str) -> str:
    """Push an image without files that differs from commit to commit; returns its digest."""
    host, _, rest = reference.partition("/")
    repository, _, tag = rest.rpartition(":")
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"ExposedPorts": {"8080/tcp": {}}, "Labels": {"commit": commit}},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
    ).encode()
    name = "sha256:" + hashlib.sha256(config).hexdigest()
    about = {"mediaType": CONFIG, "digest": name, "size": len(config)}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": about, "layers": []}).encode()
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://{host}/v2/{repository}/", headers=headers, trust_env=False) as registry:
        upload = registry.post("blobs/uploads/").raise_for_status().headers["Location"]
        more = {"Content-Type": "application/octet-stream"}
        registry.put(httpx.URL(upload).copy_merge_params({"digest": name}), content=config, headers=more)
        answer = registry.put(f"manifests/{tag}", content=manifest, headers={"Content-Type": MANIFEST})
        digest: str = answer.raise_for_status().headers["Docker-Content-Digest"]
        return digest
