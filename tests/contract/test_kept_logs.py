"""From the builder to the gateway: the log of a build whose pod is gone, with a real registry in between."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from ink_api.inkservice import InkService
from ink_api.names import identity_of
from ink_builder import kept_log, verdict
from ink_builder.log import BuildLog, Mask
from ink_builder.settings import parse
from ink_gateway.stores.kept_logs import KeptLogs
from ink_gateway.stores.logs import KubeLogs
from ink_operator.clients.registry import RegistryClient
from ink_operator.clients.verdicts import KeptVerdicts
from ink_operator.core.objects import Key
from support.building.daemons import Process, Registry, answers, free_port, program, registry
from support.cluster.control_plane import ROOT

PASSWORD, TOKEN = "nodes-password", "t" * 48
BUILD = "b-" + "0" * 20 + "-1"
REPOSITORY = "acme/shop/web"
HASHED = """
import crypt, sys
print("node:" + crypt.crypt(sys.argv[1], crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))
"""


@dataclass
class House:
    """The registry's two ports and the reader."""

    registry: Registry
    url: str
    pull: Process


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    pull_port, port = free_port(), free_port()
    hashed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", HASHED, PASSWORD], check=True, capture_output=True, text=True
    )
    (tmp_path / "htpasswd").write_text(hashed.stdout)
    with registry(tmp_path / "registry") as running:
        config = json.loads((tmp_path / "registry" / "config.yml").read_text())
        config["storage"]["maintenance"] = {"readonly": {"enabled": True}}
        config["http"]["addr"] = f"127.0.0.1:{pull_port}"
        config["auth"] = {"htpasswd": {"realm": "ink-nodes", "path": str(tmp_path / "htpasswd")}}
        (tmp_path / "pull.yml").write_text(json.dumps(config))
        pull = Process.start([program("docker-registry"), "serve", str(tmp_path / "pull.yml")], tmp_path / "pull.log")
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}/operator",
            "INK_REGISTRY_URL": f"http://127.0.0.1:{pull_port}",
            "INK_REGISTRY_USERNAME": "node",
            "INK_REGISTRY_PASSWORD": PASSWORD,
            "INK_BUILD_LOGS_TOKEN": TOKEN,
            "INK_LISTEN_HOST": "127.0.0.1",
            "INK_PORT": str(port),
        }
        reader = Process.start([sys.executable, "-m", "ink_logs"], tmp_path / "reader.log", env=environment)
        try:
            pull.wait_for("the pull port", lambda: answers(pull_port))
            reader.wait_for("the reader", lambda: answers(port))
            yield House(running, f"http://127.0.0.1:{port}", pull)
        finally:
            reader.stop()
            pull.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def build_ends(
    house: House, text: str, repository: str = REPOSITORY, build: str = BUILD, ended: dict[str, Any] | None = None
) -> str:
    """As the builder of the Job "u-1" leaves its log behind; returns what it printed."""
    settings = parse(
        {
            "INK_BUILD_ID": build,
            "INK_TENANT": "acme",
            "INK_SERVICE": "web",
            "INK_GIT_URL": "https://example.test/x.git",
            "INK_COMMIT": "a" * 40,
            "INK_IMAGE": f"{house.registry.host}/{repository}:aaaaaaaaaaaa-00000000-1",
            "INK_REGISTRY_TOKEN": house.registry.token(repository),
            "INK_REGISTRY_INSECURE": "1",
            "INK_BUILDKIT_ADDRESS": "unused",
            "INK_JOB_UID": "u-1",
        }
    )
    printed = io.StringIO()
    log = BuildLog(Mask(), printed)
    for line in text.splitlines():
        log.line(line)
    await kept_log.keep(settings, log, ended or {"ok": False})
    return printed.getvalue()


def service(build: dict[str, Any] | None) -> InkService:
    meta = {"name": "acme.shop.web", "namespace": "ink-tenants", "uid": "u"}
    return InkService.model_validate({"metadata": meta, "spec": {"source": {}}, "status": {"build": build}})


class Pods:
    """Stands for the API server: the pods that are left, and their logs."""

    def __init__(self, *pods: tuple[str, str, str]) -> None:
        """(build, when it was made, log)."""
        self._pods = {f"{build}-x": (build, created, text) for build, created, text in pods}

    async def json(self, _method: str, _path: str, **_: Any) -> dict[str, Any]:
        items = [
            {
                "metadata": {
                    "name": name,
                    "creationTimestamp": created,
                    "labels": {"batch.kubernetes.io/job-name": build},
                }
            }
            for name, (build, created, _) in self._pods.items()
        ]
        return {"items": items}

    async def text(self, _method: str, path: str, **_: Any) -> str:
        return self._pods[path.split("/")[-2]][2]


def logs(house: House, session: aiohttp.ClientSession, *pods: tuple[str, str, str]) -> KubeLogs:
    api: Any = Pods(*pods)
    return KubeLogs(api, KeptLogs(session, house.url, TOKEN), "ink-tenants", "dp-builds")


async def test_the_log_of_a_build_whose_pod_is_gone(house: House, session: aiohttp.ClientSession) -> None:
    printed = await build_ends(house, "one\ntwo\nthree")
    known = service({"id": BUILD, "started": "2026-01-01T00:00:10Z"})
    assert await logs(house, session).build(known, 100) == printed.splitlines()
    assert await logs(house, session).build(known, 2) == printed.splitlines()[-2:]
    older = ("b-older-1", "2026-01-01T00:00:00Z", "older")
    assert await logs(house, session, older).build(known, 100) == printed.splitlines()


class Operator:
    """What the reader of verdicts needs of it: tokens, a lease that is held, a queue."""

    behind = False

    def __init__(self, house: House) -> None:
        self._house = house
        self.awake: list[Key] = []
        self.woken = asyncio.Event()

    def registry(self, repository: str, *actions: str) -> str:
        return self._house.registry.token(repository, actions=actions)

    def git_read(self, repository: str, tenant: str) -> str:
        raise NotImplementedError

    def check(self) -> None:
        return

    def add(self, key: Key, after_seconds: float = 0.0) -> None:
        self.awake.append(key)
        self.woken.set()


async def test_the_operator_learns_of_a_builds_end_before_its_pod_is_gone(
    house: House, session: aiohttp.ClientSession
) -> None:
    operator, key = Operator(house), Key("InkService", "ink-tenants", "acme.shop.web")
    verdicts = KeptVerdicts(RegistryClient(session, house.registry.host, True, operator, operator), operator)
    assert verdicts.told(key, REPOSITORY, BUILD, "u-1") == ""
    looking = asyncio.create_task(verdicts.run())
    done = verdict.success(verdict.Success("r/acme/shop/web", "sha256:" + "1" * 64, "Dockerfile", (80,)))
    await build_ends(house, "told", ended=done)
    async with asyncio.timeout(20):
        await operator.woken.wait()
    looking.cancel()
    assert json.loads(verdicts.told(key, REPOSITORY, BUILD, "u-1")) == done
    assert operator.awake == [key]


async def test_a_pod_that_is_there_tells_itself(house: House, session: aiohttp.ClientSession) -> None:
    await build_ends(house, "kept")
    known = service({"id": BUILD, "started": "2026-01-01T00:00:10Z"})
    own = (BUILD, "2026-01-01T00:00:10Z", "live")
    newer = ("b-newer-1", "2026-01-01T00:00:20Z", "newer")
    assert await logs(house, session, own).build(known, 9) == ["live"]
    assert await logs(house, session, own, newer).build(known, 9) == ["newer"]
    assert await logs(house, session, own).build(service(None), 9) == ["live"]
    assert await logs(house, session).build(service(None), 9) is None


async def test_only_logs_and_only_with_the_token(house: House, session: aiohttp.ClientSession) -> None:
    await build_ends(house, "kept")
    await build_ends(house, "theirs", "ink.namespaces/team/web")
    image = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}
    other = "b-" + "1" * 20 + "-1"
    manifest = house.registry.manifest(REPOSITORY, f"log-{BUILD}")
    data = json.dumps({**image, "config": manifest["config"], "layers": manifest["layers"]}).encode()
    put(house, f"/v2/{REPOSITORY}/manifests/log-{other}", data)
    good = {"Authorization": f"Bearer {TOKEN}"}
    asked = {
        f"acme/shop/web/{BUILD}": 200,
        f"acme/shop/web/{other}": 404,
        f"acme/shop/other/{BUILD}": 404,
        "acme/shop/web/b-absent-1": 404,
        "acme/shop/web/aaaaaaaaaaaa-00000000-1": 404,
        f"ink.namespaces/team/web/{BUILD}": 404,
        f"acme/shop%2Fweb/x/{BUILD}": 404,
        f"acme/shop/..%2F..%2Fweb/{BUILD}": 404,
    }
    for path, status in asked.items():
        async with session.get(f"{house.url}/v1/logs/{path}", headers=good) as answer:
            assert answer.status == status, path
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}x"}):
        async with session.get(f"{house.url}/v1/logs/acme/shop/web/{BUILD}", headers=headers) as answer:
            assert answer.status == 401


async def test_what_unpacks_to_more_than_a_log_is_cut(house: House, session: aiohttp.ClientSession) -> None:
    bomb = gzip.compress(b"x" * (64 << 20))
    await build_ends(house, "kept")
    repository = house.registry.manifest(REPOSITORY, f"log-{BUILD}")
    digest = blob(house, bomb)
    layer = {"mediaType": "text/plain+gzip", "digest": digest, "size": len(bomb)}
    put(house, f"/v2/{REPOSITORY}/manifests/log-{BUILD}", json.dumps({**repository, "layers": [layer]}).encode())
    text = await KeptLogs(session, house.url, TOKEN).build(identity(), BUILD)
    assert text is not None
    assert len(text) == 2 << 20


async def test_a_registry_that_is_away_is_no_log(house: House, session: aiohttp.ClientSession) -> None:
    await build_ends(house, "kept")
    house.pull.stop()
    assert await KeptLogs(session, house.url, TOKEN).build(identity(), BUILD) is None
    assert await KeptLogs(session, f"http://127.0.0.1:{free_port()}", TOKEN).build(identity(), BUILD) is None


def identity() -> Any:
    return identity_of("ink-tenants", "acme.shop.web", "ink-tenants")


def put(house: House, path: str, data: bytes) -> None:
    headers = {
        "Authorization": f"Bearer {house.registry.token(REPOSITORY)}",
        "Content-Type": "application/vnd.oci.image.manifest.v1+json",
    }
    url = path if path.startswith("http") else f"http://{house.registry.host}{path}"
    urllib.request.urlopen(urllib.request.Request(url, data, headers, method="PUT"), timeout=20).close()


def blob(house: House, data: bytes) -> str:
    """Pushed by hand."""
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    headers = {"Authorization": f"Bearer {house.registry.token(REPOSITORY)}"}
    begin = urllib.request.Request(
        f"http://{house.registry.host}/v2/{REPOSITORY}/blobs/uploads/", b"", headers, method="POST"
    )
    with urllib.request.urlopen(begin, timeout=20) as answer:
        place = answer.headers["Location"]
    put(house, f"{place}&digest={digest}", data)
    return digest
