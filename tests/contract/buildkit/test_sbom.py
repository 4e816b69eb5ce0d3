"""The list of an image's packages: made by the real scanner, attached by the real daemon, judged before the push."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.building import daemons as build_daemons

from .conftest import Outcome, Stack

pytestmark = pytest.mark.timeout(1800)  # the first run compiles the scanner
RECORDS = str(Path(__file__).parents[2] / "unit" / "builder" / "osv" / "records.json")
STATUS = "Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.11-1\n\n"
FILES: dict[str, str | bytes] = {
    "Dockerfile": 'FROM scratch\nCOPY . /\nEXPOSE 3000\nCMD ["/server"]\n',
    "node_modules/left-pad/package.json": json.dumps({"name": "left-pad", "version": "1.3.0"}),
    "var/lib/dpkg/status": STATUS,
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
}


@pytest.fixture(scope="module")
def generator(stack: Stack, base_images: None) -> str:
    """The scanner's image, where the daemon finds base images."""
    return build_daemons.sbom_scanner()


SPDX = "https://spdx.dev/Document"


def attested(stack: Stack, service: str, reference: str) -> list[dict[str, Any]]:
    """The statements that are attached to the image."""
    index: dict[str, Any] = stack.registry.manifest(f"tenant/{service}", reference)
    kind = "vnd.docker.reference.type"
    entry = next(m for m in index["manifests"] if m.get("annotations", {}).get(kind) == "attestation-manifest")
    manifest: dict[str, Any] = stack.registry.manifest(f"tenant/{service}", entry["digest"])
    token = stack.registry.token(f"tenant/{service}")
    blobs = (f"/v2/tenant/{service}/blobs/{layer['digest']}" for layer in manifest["layers"])
    return [json.loads(stack.registry.get(blob, token)[1]) for blob in blobs]


def lists(stack: Stack, service: str, reference: str) -> list[dict[str, Any]]:
    return [found for found in attested(stack, service, reference) if found["predicateType"] == SPDX]


def tags(stack: Stack, service: str) -> set[str]:
    _, body = stack.registry.get(f"/v2/tenant/{service}/tags/list", stack.registry.token(f"tenant/{service}"))
    return set(json.loads(body)["tags"])


def test_an_image_carries_the_list_of_its_packages_and_its_provenance(stack: Stack, generator: str) -> None:
    outcome = stack.build("listed", FILES, INK_SBOM_GENERATOR=generator, INK_PROVENANCE="max")
    assert outcome.code == 0, outcome.log
    (spdx,) = lists(stack, "listed", outcome.verdict["digest"])
    assert spdx["subject"][0]["digest"]["sha256"]
    names = {(p["name"], p.get("versionInfo")) for p in spdx["predicate"]["packages"]}
    assert {("left-pad", "1.3.0"), ("openssl", "3.0.11-1")} <= names
    kinds = [found["predicateType"] for found in attested(stack, "listed", outcome.verdict["digest"])]
    assert any(kind.startswith("https://slsa.dev/provenance/") for kind in kinds)
    assert outcome.verdict["scan"] == {"image": {"packages": 2}}
    assert outcome.verdict["ports"] == [3000]
    assert "image: 2 packages" in outcome.log


def test_each_kind_of_package_is_found_once(stack: Stack, generator: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as jar:
        about = "groupId=org.acme\nartifactId=core\nversion=1.2.3\n"
        jar.writestr("META-INF/maven/org.acme/core/pom.properties", about)
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    owned = "usr/lib/python3/dist-packages/owned-1.0.dist-info/METADATA"
    files: dict[str, str | bytes] = {
        "Dockerfile": "FROM scratch\nCOPY . /\n",
        "etc/os-release": FILES["etc/os-release"],
        "var/lib/dpkg/status": STATUS.replace("openssl", "python3-owned"),
        "var/lib/dpkg/info/python3-owned.md5sums": f"{'0' * 32}  {owned}\n",
        owned: "Metadata-Version: 2.1\nName: owned\nVersion: 1.0\n",
        "app/site-packages/own-2.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: own\nVersion: 2.0\n",
        "app/core.jar": archive.getvalue(),
    }
    outcome = stack.build("kinds", files, INK_SBOM_GENERATOR=generator)
    assert outcome.code == 0, outcome.log
    (spdx,) = lists(stack, "kinds", outcome.verdict["digest"])
    references = [r for p in spdx["predicate"]["packages"] for r in p.get("externalRefs", [])]
    names = {r["referenceLocator"].partition("?")[0] for r in references if r["referenceType"] == "purl"}
    assert names == {
        "pkg:deb/debian/python3-owned@3.0.11-1",
        "pkg:pypi/own@2.0",
        "pkg:maven/org.acme/core@1.2.3",
    }, "what came with a package of the distribution is that package's"


def test_its_packages_are_compared_with_what_is_known(stack: Stack, generator: str) -> None:
    outcome = _looked_at(stack, "compared", generator, "warn")
    assert outcome.code == 0, outcome.log
    image = outcome.verdict["scan"]["image"]
    assert (image["packages"], image["vulnerablePackages"], image["vulnerabilities"]) == (2, 1, {"high": 1})
    assert (image["worst"][0]["package"], image["worst"][0]["fixedVersion"]) == ("left-pad", "1.3.1")
    assert tags(stack, "compared") - {"log-b-compared"}


def test_an_image_that_is_stopped_is_not_in_the_registry(stack: Stack, generator: str) -> None:
    outcome = _looked_at(stack, "stopped", generator, "block")
    assert (outcome.code, outcome.reason) == (1, "ScanBlocked"), outcome.log
    assert "left-pad 1.3.0 has CVE-2099-0001" in outcome.message
    assert outcome.verdict["scan"]["image"]["vulnerabilities"] == {"high": 1}
    assert tags(stack, "stopped") == {"log-b-stopped"}, "the log, and no image"


def test_an_image_that_passes_is_pushed_under_its_tag(stack: Stack, generator: str) -> None:
    outcome = _looked_at(stack, "passed", generator, "block", INK_SCAN_SEVERITY="critical")
    assert outcome.code == 0, outcome.log
    tag = next(iter(tags(stack, "passed") - {"log-b-passed"}))
    assert stack.registry.manifest("tenant/passed", tag) == stack.registry.manifest(
        "tenant/passed", outcome.verdict["digest"]
    )
    assert lists(stack, "passed", tag)
    assert outcome.verdict["ports"] == [3000]


def _looked_at(
    stack: Stack,
    service: str,
    generator: str,
    policy: str,
    files: dict[str, str | bytes] = FILES,
    **changes: str,
) -> Outcome:
    look = {"INK_SBOM_GENERATOR": generator, "INK_SCAN_IMAGE": policy, "INK_OSV_SOURCE": RECORDS}
    return stack.build(service, files, **look, **changes)


def test_what_an_image_was_built_from_is_not_in_it(stack: Stack, generator: str) -> None:
    dockerfile = "ARG BUILDKIT_SBOM_SCAN_CONTEXT=true\nFROM scratch\nCOPY etc /etc\n"
    outcome = _looked_at(stack, "sources", generator, "block", files={**FILES, "Dockerfile": dockerfile})
    assert outcome.code == 0, outcome.log
    assert len(lists(stack, "sources", outcome.verdict["digest"])) == 2, "one of the image, one of the context"
    assert outcome.verdict["scan"]["image"]["packages"] == 0


def test_nothing_that_is_attached_holds_a_secret_of_the_build(stack: Stack, generator: str, shell: bytes) -> None:
    files: dict[str, str | bytes] = {
        "Dockerfile": "FROM scratch\nCOPY busybox /bin/sh\n"
        'RUN --mount=type=secret,id=TOKEN,env=TOKEN ["/bin/sh", "-c", "test -n \\"$TOKEN\\""]\n',
        "busybox": shell,
    }
    secret = {"INK_BUILD_SECRETS": json.dumps({"TOKEN": "hush-hush-hush"}), "INK_BUILD_SECRETS_DIGEST": "d1"}
    outcome = stack.build("silent", files, INK_SBOM_GENERATOR=generator, INK_PROVENANCE="max", **secret)
    assert outcome.code == 0, outcome.log
    found = json.dumps(attested(stack, "silent", outcome.verdict["digest"]))
    assert "hush-hush" not in found
    assert stack.registry.token("tenant/silent")[:20] not in found


def test_hostile_trees_are_listed_or_left_out_and_never_stop_the_build(stack: Stack, generator: str) -> None:
    evil = "a\nReady: True\x1b[2J\u202e" + "x" * 300
    files: dict[str, str | bytes] = {
        "Dockerfile": "FROM scratch\nCOPY . /\n",
        "node_modules/a/package.json": json.dumps({"name": evil, "version": evil}),
        "node_modules/b/package.json": "[" * 5_000,
        "node_modules/c/package.json": "-> /proc/self/environ",
        "loop": "-> loop",
        "var/lib/dpkg/status": "Package: x\n" * 20_000 + "Version: \x00\n",
        "lib/x.jar": b"PK\x03\x04" + b"\xff" * 200,
        "usr/bin/x": b"\x7fELF" + b"\xff" * 200,
    }
    outcome = stack.build("hostile", files, INK_SBOM_GENERATOR=generator, INK_SCAN_IMAGE="warn", INK_OSV_SOURCE=RECORDS)
    assert outcome.code == 0, outcome.log
    assert "packages" in outcome.verdict["scan"]["image"]
    assert "\x1b" not in outcome.log + json.dumps(outcome.verdict, ensure_ascii=False)


def test_a_scanner_that_is_not_there_is_the_platforms_fault(stack: Stack) -> None:
    outcome = stack.build("no-scanner", FILES, INK_SBOM_GENERATOR=f"{stack.registry.host}/nobody/scanner:1")
    assert (outcome.code, outcome.reason) == (75, "BuildInfrastructure"), outcome.log
    assert "nobody/scanner:1" in outcome.message


def test_a_program_for_another_processor_has_a_name_of_its_own(stack: Stack, shell: bytes) -> None:
    foreign = bytearray(shell[:4096])
    foreign[18:20] = (183 if shell[18] != 183 else 62).to_bytes(2, "little")  # AArch64, or x86-64
    files: dict[str, str | bytes] = {
        "Dockerfile": 'FROM scratch\nCOPY busybox /bin/sh\nCOPY tool /tool\nRUN ["/tool"]\n',
        "busybox": shell,
        "tool": bytes(foreign),
    }
    outcome = stack.build("foreign", files, INK_PLATFORM="linux/arm64")
    assert (outcome.code, outcome.reason) == (1, "PlatformUnavailable"), outcome.log
    assert "linux/arm64" in outcome.message
