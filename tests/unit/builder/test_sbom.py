"""What an SBOM says of an image, compared with records in OSV's format; names in it are a stranger's."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest
from ink_api.reasons import Reason
from ink_builder import settings as parsing
from ink_builder import verdict
from ink_builder.errors import BuildError
from ink_builder.image import inspection
from ink_builder.image.solve import Built
from ink_builder.log import BuildLog, Mask
from ink_builder.scan import contents, osv, sbom
from ink_builder.scan.model import ScannedPackage
from ink_builder.settings import Scan

DEBIAN = "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl"


def statement(*names: str) -> bytes:
    packages: list[dict[str, Any]] = [{"name": "image", "SPDXID": "SPDXRef-DocumentRoot"}]
    packages += [
        {
            "name": "x",
            "externalRefs": [{"referenceType": "cpe23Type"}, {"referenceType": "purl", "referenceLocator": n}],
        }
        for n in names
    ]
    return json.dumps({"predicateType": "https://spdx.dev/Document", "predicate": {"packages": packages}}).encode()


def listed(*names: str) -> sbom.ImagePackages:
    found = sbom.read(statement(*names))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "package"),
    [
        (DEBIAN, ScannedPackage("Debian:12", "openssl", "3.0.11-1~deb12u2")),
        (
            "pkg:deb/debian/libgcc-s1@12.2.0-14?distro=debian-12&upstream=gcc-12%4012.2.0-13",
            ScannedPackage("Debian:12", "gcc-12", "12.2.0-13"),
        ),
        (
            "pkg:deb/debian/bsdutils@1%3A2.38.1-5?distro=debian-12",
            ScannedPackage("Debian:12", "bsdutils", "1:2.38.1-5"),
        ),
        (
            "pkg:apk/alpine/busybox@1.36.1-r15?distro=alpine-3.19.1",
            ScannedPackage("Alpine:v3.19", "busybox", "1.36.1-r15"),
        ),
        ("pkg:pypi/Flask_Login@0.6.3", ScannedPackage("PyPI", "flask-login", "0.6.3")),
        ("pkg:npm/%40acme/ui@2.0.0", ScannedPackage("npm", "@acme/ui", "2.0.0")),
        ("pkg:golang/github.com/a/b@v1.2.3#sub", ScannedPackage("Go", "github.com/a/b", "1.2.3")),
        ("pkg:golang/stdlib@1.26.8", ScannedPackage("Go", "stdlib", "1.26.8")),
        ("pkg:maven/org.acme/core@1.0", ScannedPackage("Maven", "org.acme:core", "1.0")),
        ("pkg:rpm/fedora/bash@5.2?distro=fedora-40", None),
        ("pkg:deb/ubuntu/bash@5.2?distro=ubuntu-24.04", None),
        ("pkg:pypi/flask", None),
        ("pkg:", None),
        ("nonsense", None),
    ],
)
def test_a_package_url_is_a_package_of_osv(name: str, package: ScannedPackage | None) -> None:
    assert sbom.package_of(name) == package


def test_packages_are_counted_once_and_kinds_without_records_are_named() -> None:
    found = listed(DEBIAN, DEBIAN, DEBIAN.replace("libssl3", "openssl"), "pkg:rpm/fedora/bash@5.2", "pkg:npm/a@1.0.0")
    assert found.total == 4
    assert [p.name for p in found.packages] == ["openssl", "a"]
    assert found.others == ("rpm/fedora",)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"predicate": {"packages": 3}}',
        b'{"predicate": {"packages": [3]}}',
        b'{"predicate": {"packages": [{"externalRefs": [{"referenceType": "purl"}]}]}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_statement_lists_nothing(data: bytes) -> None:
    assert sbom.read(data) is None


# ---------------------------------------------------------------- records
def record(name: str, ecosystem: str, package: str, fixed: str, severity: str = "HIGH") -> dict[str, Any]:
    span = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}
    affected = {"package": {"ecosystem": ecosystem, "name": package}, "ranges": [span]}
    return {"id": name, "affected": [affected], "database_specific": {"severity": severity}}


def test_every_release_of_a_distribution_has_fixes_of_its_own() -> None:
    package = sbom.package_of(DEBIAN)
    assert package is not None
    assert osv.affects(record("D-1", "Debian:12", "openssl", "3.0.11-1~deb12u3"), package) == (True, "3.0.11-1~deb12u3")
    assert osv.affects(record("D-2", "Debian:12", "openssl", "3.0.11-1~deb12u2"), package) == (False, "")
    assert osv.affects(record("D-3", "Debian:11", "openssl", "9.0-1"), package) == (False, "")


@pytest.mark.parametrize(
    ("ecosystem", "older", "newer"),
    [("Alpine:v3.19", "1.2.3-r9", "1.2.3-r10"), ("Maven", "1.9.0", "1.10.0"), ("NuGet", "1.2.9", "1.2.10.0")],
)
def test_versions_are_ordered_as_their_kind_orders_them(ecosystem: str, older: str, newer: str) -> None:
    assert osv.affects(record("A-1", ecosystem, "x", newer), ScannedPackage(ecosystem, "x", older)) == (True, newer)
    assert not osv.affects(record("A-1", ecosystem, "x", older), ScannedPackage(ecosystem, "x", newer))[0]


@pytest.mark.parametrize("ecosystem", ["Debian:12", "Alpine:v3.19", "Maven", "NuGet", "npm", "PyPI"])
@pytest.mark.parametrize("version", ["", "x.y", "!", "9" * 200, "\x00", "..", "1:2:3"])
def test_a_version_that_is_none_is_survived(ecosystem: str, version: str) -> None:
    osv.affects(record("A-1", ecosystem, "x", "2.0"), ScannedPackage(ecosystem, "x", version))


# ---------------------------------------------------------------- policy
@pytest.fixture
def data(tmp_path: Any) -> str:
    place = tmp_path / "records.json"
    known = [
        record("D-1", "Debian:12", "openssl", "3.0.11-1~deb12u3", "CRITICAL"),
        record("D-2", "Debian:12", "openssl", "3.1", "LOW"),
        record("N-1", "npm", "a", "2.0.0", "HIGH"),
    ]
    place.write_text(json.dumps(known))
    return str(place)


def test_numbers_by_severity_and_the_worst_first(data: str) -> None:
    report = contents.compare(listed(DEBIAN, "pkg:npm/a@1.0.0", "pkg:npm/b@1.0.0"), Scan(image="warn", osv_source=data))
    assert report.summary() == {
        "packages": 3,
        "vulnerablePackages": 2,
        "vulnerabilities": {"critical": 1, "high": 1, "low": 1},
        "worst": [
            {
                "severity": "critical",
                "package": "openssl",
                "version": "3.0.11-1~deb12u2",
                "advisory": "D-1",
                "fixedVersion": "3.0.11-1~deb12u3",
            },
            {"severity": "high", "package": "a", "version": "1.0.0", "advisory": "N-1", "fixedVersion": "2.0.0"},
            {
                "severity": "low",
                "package": "openssl",
                "version": "3.0.11-1~deb12u2",
                "advisory": "D-2",
                "fixedVersion": "3.1",
            },
        ],
    }
    assert report.lines()[0] == "image: 3 packages, 2 of them with 3 known vulnerabilities (1 critical, 1 high, 1 low)"


def test_without_a_policy_packages_are_counted_alone() -> None:
    assert contents.compare(listed(DEBIAN), Scan()).summary() == {"packages": 1}


def test_clean_is_not_the_same_as_not_looked_at(data: str) -> None:
    clean = contents.compare(listed("pkg:npm/b@1.0.0"), Scan(image="warn", osv_source=data))
    assert clean.summary() == {"packages": 1, "vulnerablePackages": 0, "vulnerabilities": {}}
    other = contents.compare(listed("pkg:rpm/fedora/bash@5"), Scan(image="warn", osv_source=data))
    assert other.summary() == {
        "packages": 1,
        "unchecked": "there is no vulnerability data for packages of these kinds: rpm/fedora",
    }
    absent = contents.compare(listed(DEBIAN), Scan(image="warn", osv_source="/nonexistent"))
    assert absent.summary().keys() == {"packages", "unchecked"}


def test_only_block_stops_an_image_and_from_the_severity_on(data: str) -> None:
    low = listed("pkg:npm/a@1.0.0")
    contents.enforce(contents.compare(low, Scan(image="warn", osv_source=data)), Scan(image="warn", severity="low"))
    severe = Scan(image="block", osv_source=data, severity="critical")
    contents.enforce(contents.compare(low, severe), severe)
    with pytest.raises(BuildError, match=r"was not pushed: openssl .* has D-1; fixed in") as stopped:
        contents.enforce(contents.compare(listed(DEBIAN), severe), severe)
    assert stopped.value.reason == "ScanBlocked"
    assert not stopped.value.infrastructure


def test_a_policy_that_blocks_needs_its_data() -> None:
    with pytest.raises(BuildError) as failed:
        contents.compare(listed(DEBIAN), Scan(image="block", osv_source="/nonexistent"))
    assert failed.value.infrastructure


def test_hostile_names_stay_text_and_short(data: str) -> None:
    evil = "pkg:npm/" + "a%0AReady%1B%5B2J%E2%80%AE" + "x" * 5000 + "@1.0.0"
    found = listed(evil)
    weak = osv.finding({"id": "E-1\n" + "y" * 500}, found.packages[0], "")
    report = contents.ImageReport(found.total, (weak,) * 900)
    words = json.dumps(report.summary(BuildLog(Mask(())).tidy), ensure_ascii=False)
    assert words.isprintable()
    assert len(words) < 2_000


def test_the_verdict_stays_small_and_keeps_the_numbers() -> None:
    weak = [{"severity": "high", "package": "p" * 80, "version": "v" * 80, "advisory": "a" * 80}] * 5
    found = {"secretsFound": 0, "worst": weak, "image": {"packages": 9, "vulnerablePackages": 3, "worst": weak}}
    failed = BuildError(Reason.SCAN_BLOCKED, "m" * 700, lines=["l" * 400] * 20, scan=found)
    data = verdict.encode(verdict.failure(failed))
    assert len(data) <= verdict.MAX_BYTES
    kept = json.loads(data)["scan"]["image"]
    assert (kept["packages"], kept["vulnerablePackages"]) == (9, 3)
    assert len(kept.get("worst", [])) + kept.get("more", 0) == 5


# ---------------------------------------------------------------- an image without a list
ENVIRONMENT = {
    "INK_TENANT": "t",
    "INK_SERVICE": "s",
    "INK_GIT_URL": "https://g/x.git",
    "INK_COMMIT": "a" * 40,
    "INK_IMAGE": "r:5000/t/s:1",
    "INK_BUILDKIT_ADDRESS": "unix:/x",
    "INK_SBOM_GENERATOR": "scanner:1",
}


def test_a_list_that_is_missing_ends_a_build_only_where_the_policy_needs_it() -> None:
    def looked(policy: str) -> Any:
        settings = parsing.parse_settings({**ENVIRONMENT, "INK_SCAN_IMAGE": policy})
        log = BuildLog(Mask(()), io.StringIO())
        return asyncio.run(inspection.inspect(Built("sha256:0", (), 0), settings, log))

    assert looked("off") is None
    assert looked("warn") is None
    with pytest.raises(BuildError, match="no SBOM for the image") as failed:
        looked("block")
    assert failed.value.infrastructure


def test_a_look_at_the_image_needs_an_sbom() -> None:
    without = {name: value for name, value in ENVIRONMENT.items() if name != "INK_SBOM_GENERATOR"}
    assert parsing.parse_settings({**without, "INK_SCAN_IMAGE": "off"}).scan.image == "off"
    for policy in ("warn", "block"):
        with pytest.raises(BuildError, match="INK_SBOM_GENERATOR"):
            parsing.parse_settings({**without, "INK_SCAN_IMAGE": policy})
    with pytest.raises(BuildError, match="INK_PROVENANCE"):
        parsing.parse_settings({**without, "INK_PROVENANCE": "full"})
