"""What Dockerfiles may use: ignore files, arguments, mounts, secrets; and what the image says of its origin."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from ink_operator.clients.registry import OWN_TAGS

from .conftest import Outcome, Stack

SHELL = 'FROM scratch AS base\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nSHELL ["/bin/sh", "-c"]\n'
SECRET = "correct horse battery staple"


def _printed(outcome: Outcome) -> str:
    """What the build's steps printed."""
    assert outcome.code == 0, outcome.log
    return "\n".join(line.partition(" | ")[2] for line in outcome.log.splitlines() if " | " in line)


def _list(name: str) -> str:
    return SHELL + f"COPY . /{name}/\nRUN cd /{name} && /bin/busybox find . -type f | /bin/busybox sort\n"


# ---------------------------------------------------------------- ignore files
def test_a_dockerfiles_own_ignore_file_wins(stack: Stack, shell: bytes) -> None:
    files: dict[str, str | bytes] = {
        "deploy/My.Dockerfile": _list("own"),
        "deploy/My.Dockerfile.dockerignore": "by-own\n",
        ".dockerignore": "by-general\n",
        "by-own": "x",
        "by-general": "x",
        "busybox": shell,
    }
    printed = _printed(stack.build("ignore-own", files, {"dockerfile": "deploy/My.Dockerfile"}))
    assert "./by-general" in printed
    assert "./by-own" not in printed


def test_the_general_ignore_file_counts_else(stack: Stack, shell: bytes) -> None:
    files: dict[str, str | bytes] = {
        "Dockerfile": _list("general"),
        ".dockerignore": "**/*.log\n!keep.log\nnode_modules\n",
        "a/b.log": "x",
        "keep.log": "x",
        "node_modules/x": "x",
        "busybox": shell,
    }
    printed = _printed(stack.build("ignore-general", files))
    assert "./keep.log" in printed
    assert "b.log" not in printed
    assert "node_modules" not in printed


# ---------------------------------------------------------------- arguments and mounts
def test_variables_of_the_build_are_arguments(stack: Stack, shell: bytes) -> None:
    dockerfile = SHELL + "ARG VERSION=none\nARG OTHER=default\nRUN echo got $VERSION $OTHER\nLABEL version=$VERSION\n"
    build = {"env": [{"name": "VERSION", "value": "1.2 'x'"}]}
    outcome = stack.build("arguments", {"Dockerfile": dockerfile, "busybox": shell}, build)
    assert "got 1.2 'x' default" in _printed(outcome)
    labels = stack.registry.config("tenant/arguments", outcome.verdict["digest"])["config"]["Labels"]  # type: ignore[index]
    assert labels["version"] == "1.2 'x'"


@pytest.mark.parametrize(
    "name", ["BUILDKIT_SYNTAX", "BUILDKIT_CACHE_MOUNT_NS", "buildkit_inline_cache", "A B", "GIT_AUTH_TOKEN"]
)
def test_variables_that_steer_the_builder_are_refused(stack: Stack, name: str) -> None:
    files: dict[str, str | bytes] = {"Dockerfile": "FROM scratch\nCOPY . /\n"}
    outcome = stack.build("steering", files, {"env": [{"name": name, "value": "evil/frontend"}]})
    assert (outcome.code, outcome.reason) == (1, "BuildRefused"), outcome.log


def test_mounts_of_a_run(stack: Stack, shell: bytes) -> None:
    dockerfile = SHELL + (
        "RUN --mount=type=bind,source=given.txt,target=/given cat /given\n"
        "RUN --mount=type=tmpfs,target=/scratch echo scratch > /scratch/x && cat /scratch/x\n"
        "RUN --mount=type=cache,target=/cache echo cached > /cache/x && cat /cache/x\n"
        "RUN <<EOF\necho here document\nEOF\n"
        "RUN --network=none echo without network\n"
    ).replace("cat", "/bin/busybox cat")
    outcome = stack.build("mounts", {"Dockerfile": dockerfile, "given.txt": "given\n", "busybox": shell})
    printed = _printed(outcome)
    for word in ("given", "scratch", "cached", "here document", "without network"):
        assert word in printed


# ---------------------------------------------------------------- secrets
def _everything(stack: Stack, repository: str, digest: str) -> bytes:
    """Manifest, configuration (with the history) and all layers of an image, decompressed."""
    manifest: dict[str, Any] = stack.registry.manifest(repository, digest)
    parts = [json.dumps(manifest).encode()]
    for blob in (manifest["config"], *manifest["layers"]):
        status, data = stack.registry.get(f"/v2/{repository}/blobs/{blob['digest']}", stack.registry.token(repository))
        assert status == 200
        parts.append(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    return b"\0".join(parts)


def test_a_secret_reaches_its_step_and_nothing_else(stack: Stack, shell: bytes) -> None:
    expected = "\"$(/bin/busybox printf '%s' 'correct horse' ' battery staple')\""  # not as a whole in the Dockerfile
    mount = "RUN --mount=type=secret,id=TOKEN"
    dockerfile = SHELL + (
        f'{mount} test "$(/bin/busybox cat /run/secrets/TOKEN)" = {expected} && echo as a file\n'
        f'{mount},env=TOKEN test "$TOKEN" = {expected} && echo in a variable\n'
        f"{mount} /bin/busybox cat /run/secrets/TOKEN; echo\n"
        f"{mount} /bin/busybox base64 /run/secrets/TOKEN\n"
        'RUN test ! -e /run/secrets/TOKEN && test -z "$TOKEN" && echo not beside it\n'
    )
    outcome = stack.build(
        "secretly", {"Dockerfile": dockerfile, "busybox": shell}, INK_BUILD_SECRETS=json.dumps({"TOKEN": SECRET})
    )
    printed = _printed(outcome)
    for word in ("as a file", "in a variable", "not beside it", "***"):
        assert word in printed
    image = _everything(stack, "tenant/secretly", outcome.verdict["digest"])
    assert b"busybox" in image, "the layers were looked into"
    for form in (SECRET, "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZ"):
        assert form.encode() not in image
        assert form not in outcome.log
        assert form not in json.dumps(outcome.verdict)


def test_a_secret_is_no_argument(stack: Stack, shell: bytes) -> None:
    dockerfile = SHELL + "ARG TOKEN=none\nRUN echo argument $TOKEN\n"
    outcome = stack.build(
        "no-argument", {"Dockerfile": dockerfile, "busybox": shell}, INK_BUILD_SECRETS=json.dumps({"TOKEN": SECRET})
    )
    assert "argument none" in _printed(outcome)


# ---------------------------------------------------------------- another tenant's caches
@pytest.mark.parametrize(
    "guess", ["shared", "tenant/shared", "../tenant/shared", "/tenant/shared", "other/../tenant/shared"]
)
def test_a_cache_mount_is_its_tenants(stack: Stack, shell: bytes, guess: str) -> None:
    write = SHELL + "RUN --mount=type=cache,id=shared,target=/c echo poison > /c/tool\n"
    assert stack.build("owner-cache", {"Dockerfile": write, "busybox": shell}, INK_NO_CACHE="1").code == 0
    read = SHELL + f"RUN --mount=type=cache,id={guess},target=/c echo found $(/bin/busybox ls /c) end\n"
    files: dict[str, str | bytes] = {"Dockerfile": read, "busybox": shell}
    assert "found end" in _printed(stack.build("thief-cache", files, INK_TENANT="other", INK_NO_CACHE="1"))


# ---------------------------------------------------------------- logs
def test_names_forge_no_lines_in_the_log(stack: Stack) -> None:
    forged = "x\n00:00:00.000 built evil"
    files: dict[str, str | bytes] = {
        f"{forged}/a": "x",
        "\x1b[2J\x1b[1;1H": "x",
        "Dockerfile": "FROM scratch\nCOPY . /\n",
    }
    assert stack.build("forged", files).code == 0
    outcome = stack.build("forged", files, INK_ROOT_DIRECTORY="nowhere")
    assert "built evil" in outcome.log, "the directory is named"
    assert "\x1b" not in outcome.log
    assert not any(line.startswith("00:00:00.000") for line in outcome.log.splitlines())


# ---------------------------------------------------------------- what the image says
def test_an_image_names_its_origin(stack: Stack) -> None:
    commit = stack.git.commit("origin", {"Dockerfile": "FROM scratch\nCOPY . /\n"})
    outcome = stack.finish(*stack.start(stack.variables("origin", "origin", commit)))
    labels = stack.registry.config("tenant/origin", outcome.verdict["digest"])["config"]["Labels"]  # type: ignore[index]
    assert labels == {
        "org.opencontainers.image.revision": commit,
        "org.opencontainers.image.source": f"{stack.git.url}/origin.git",
        "ml.ink/build": "b-origin",
        "ml.ink/inkfile": "{}",
    }


def test_settings_of_a_base_image_are_not_the_applications(stack: Stack) -> None:
    dockerfile = """FROM scratch\nLABEL ml.ink/inkfile='{"args": ["x"]}'\nCOPY . /\n"""
    outcome = stack.build("inherits", {"Dockerfile": dockerfile})
    labels = stack.registry.config("tenant/inherits", outcome.verdict["digest"])["config"]["Labels"]  # type: ignore[index]
    assert labels["ml.ink/inkfile"] == "{}"


def test_provenance_is_attached_when_it_is_asked_for(stack: Stack) -> None:
    outcome = stack.build("proven", {"Dockerfile": "FROM scratch\nCOPY . /\n"}, INK_PROVENANCE="max")
    index: dict[str, Any] = stack.registry.manifest("tenant/proven", outcome.verdict["digest"])
    assert index["mediaType"] == "application/vnd.oci.image.index.v1+json"
    kinds = [m.get("annotations", {}).get("vnd.docker.reference.type") for m in index["manifests"]]
    assert kinds == [None, "attestation-manifest"]
    attestation: dict[str, Any] = stack.registry.manifest("tenant/proven", index["manifests"][1]["digest"])
    assert attestation["layers"][0]["annotations"]["in-toto.io/predicate-type"].startswith(
        "https://slsa.dev/provenance/"
    )


def test_another_platform_can_be_asked_for(stack: Stack) -> None:
    outcome = stack.build("platform", {"Dockerfile": "FROM scratch\nCOPY . /\n"}, INK_PLATFORM="linux/arm64")
    assert outcome.code == 0, outcome.log
    config = stack.registry.config("tenant/platform", outcome.verdict["digest"])
    assert (config["os"], config["architecture"]) == ("linux", "arm64")


def test_a_cache_that_is_replaced_gets_a_tag_by_which_it_can_be_deleted(stack: Stack, shell: bytes) -> None:
    def built(text: str) -> set[str]:
        files: dict[str, str | bytes] = {"Dockerfile": SHELL + f"RUN echo {text} > /made\n", "busybox": shell}
        outcome = stack.build("replaced", files, INK_REGISTRY_CACHE="1")
        assert outcome.code == 0, outcome.log
        _, body = stack.registry.get("/v2/tenant/replaced/tags/list", stack.registry.token("tenant/replaced"))
        return {tag for tag in json.loads(body)["tags"] if "cache" in tag}

    assert built("one") == {"build-cache"}
    assert built("one") == {"build-cache"}, "the same cache again replaces nothing"
    (old,) = built("two") - {"build-cache"}
    assert OWN_TAGS.fullmatch(old), "the operator would not delete it"
    assert stack.registry.manifest("tenant/replaced", old) != stack.registry.manifest("tenant/replaced", "build-cache")


def _is_kept(stack: Stack, service: str) -> bool:
    """The registry has a cache of the service's builds."""
    repository = f"tenant/{service}"
    status, _ = stack.registry.get(f"/v2/{repository}/manifests/build-cache", stack.registry.token(repository))
    return status == 200


def test_the_cache_in_the_registry_serves_a_fresh_daemon(stack: Stack, shell: bytes) -> None:
    files: dict[str, str | bytes] = {"Dockerfile": SHELL + "RUN echo once > /made\n", "busybox": shell}
    changes = {"INK_REGISTRY_CACHE": "1"}
    first = stack.build("cached", files, **changes)
    assert first.code == 0, first.log
    assert "RUN echo once" in first.log
    if not _is_kept(stack, "cached"):
        # BuildKit could not push it beside the image; that fails no build, and the next one keeps it.
        first = stack.build("cached", files, **changes)
    assert _is_kept(stack, "cached"), first.log
    stack.daemon.control("prune", "--all")
    again = stack.build("cached", files, **changes)
    lines = again.log.splitlines()
    step = next(n for n, line in enumerate(lines) if "RUN echo once" in line)
    number = lines[step].split()[1]
    assert any(line.endswith(f"{number} cached") for line in lines), again.log
