"""What a kubelet and an ingress would say, said by a test: one service's pods, one host's answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from support.cluster.kube_api import Json, KubeApi, Refused
from support.played.answering import Answering, QuietHandler
from support.waiting import eventually


def ago(seconds: float) -> str:
    """A time in the API's form."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def waiting(reason: str, message: str = "", *, restarts: int = 0, **last: Json) -> Json:
    """A container that waits; `last`: how it ended before, as `terminated`."""
    return {"state": {"waiting": {"reason": reason, "message": message}}, "restartCount": restarts, "lastState": last}


def terminated(code: int, reason: str = "Error", message: str = "") -> Json:
    return {"exitCode": code, "reason": reason, "message": message, "startedAt": ago(9), "finishedAt": ago(1)}


def running(seconds: float) -> Json:
    """A container that has run for so long."""
    return {"state": {"running": {"startedAt": ago(seconds)}}, "restartCount": 0}


def report(
    api: KubeApi, namespace: str, container: Json | None, *, ready_for: float | None = None, because: str = "no node"
) -> None:
    """Say it of every pod in the namespace, as soon as there is one.

    `ready_for`: ready since so many seconds. No container: the scheduler found no place, `because` of that.
    """
    pods = eventually(
        lambda: api.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector=ml.ink/service")["items"],
        within=60,
        what="a pod is made",
    )
    ready = "False" if ready_for is None else "True"
    since = ago(ready_for or 0)
    conditions: list[Json] = [{"type": "PodScheduled", "status": "True", "lastTransitionTime": since}]
    conditions += [
        {"type": kind, "status": ready, "lastTransitionTime": since} for kind in ("ContainersReady", "Ready")
    ]
    if container is None:
        conditions[0] |= {"status": "False", "reason": "Unschedulable", "message": because}
    for pod in pods:
        status: Json = {"phase": "Running" if container else "Pending", "conditions": conditions}
        if container is not None:
            image = pod["spec"]["containers"][0]["image"]
            fixed = {"name": "app", "image": image, "imageID": "", "ready": ready == "True", "started": True}
            status["containerStatuses"] = [{**fixed, **container}]
        try:
            api.merge(f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}/status", {"status": status})
        except Refused as refused:
            if refused.code != 404:  # a rollout took the pod away in between
                raise


class PlayedIngress(Answering):
    """Answers 200 for every host but those in `unrouted`: for them as Traefik does when it has no route."""

    class _Handler(QuietHandler):
        def do_GET(self) -> None:
            server = self.server
            assert isinstance(server, PlayedIngress)
            host = self.headers.get("Host", "").split(":")[0]
            status, body = (404, b"404 page not found\n") if host in server.unrouted else (200, b"ok\n")
            self.say(status, body)

    def __init__(self) -> None:
        self.unrouted: set[str] = set()
        super().__init__(self._Handler)
