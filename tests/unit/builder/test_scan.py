"""The scan of the source: made-up records in OSV's format, lock files as tools write them, secrets that are none."""
# ruff: noqa: E501 - lock files

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ink_builder.errors import BuildError
from ink_builder.log import BuildLog, Mask
from ink_builder.scan import lockfiles, osv, secrets, source
from ink_builder.scan.model import ScannedPackage, Severity
from ink_builder.scan.report import Report, enforce, scan
from ink_builder.settings import Scan
from ink_planner.model import files

RECORDS_FILE = Path(__file__).parent / "osv" / "records.json"
RECORDS: list[dict[str, Any]] = json.loads(RECORDS_FILE.read_text())
AWS = "AKIA" + "QWERTYUIOPASDFGH"  # in two parts, or every scanner of this repository would find it
GITHUB = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"


def named(name: str) -> dict[str, Any]:
    return next(record for record in RECORDS if record["id"] == name)


# ---------------------------------------------------------------- lock files
LOCKS: dict[str, tuple[str, set[tuple[str, str, str]]]] = {
    "package-lock.json": (
        json.dumps(
            {
                "lockfileVersion": 3,
                "packages": {
                    "": {"name": "app", "version": "1.0.0"},
                    "node_modules/left-pad": {"version": "1.3.0"},
                    "node_modules/a/node_modules/@acme/ui": {"version": "2.3.9"},
                    "node_modules/linked": {"link": True, "resolved": "packages/linked"},
                },
            }
        ),
        {("npm", "left-pad", "1.3.0"), ("npm", "@acme/ui", "2.3.9")},
    ),
    "old/package-lock.json": (
        json.dumps({"dependencies": {"a": {"version": "1.0.0", "dependencies": {"b": {"version": "2.0.0"}}}}}),
        {("npm", "a", "1.0.0"), ("npm", "b", "2.0.0")},
    ),
    "yarn.lock": (
        '# yarn lockfile v1\n\n\n"@acme/ui@^2.0.0", "@acme/ui@^2.1.0":\n  version "2.3.9"\n  resolved "x"\n\nms@^2:\n  version "2.1.3"\n',
        {("npm", "@acme/ui", "2.3.9"), ("npm", "ms", "2.1.3")},
    ),
    "berry/yarn.lock": (
        '__metadata:\n  version: 8\n\n"ms@npm:^2.1.3":\n  version: 2.1.3\n  resolution: "ms@npm:2.1.3"\n',
        {("npm", "ms", "2.1.3")},
    ),
    "pnpm-lock.yaml": (
        "lockfileVersion: '9.0'\n\npackages:\n\n  '@acme/ui@2.3.9':\n    resolution: {}\n\n  ms@2.1.3:\n    resolution: {}\n",
        {("npm", "@acme/ui", "2.3.9"), ("npm", "ms", "2.1.3")},
    ),
    "uv.lock": (
        'version = 1\n\n[[package]]\nname = "app"\nversion = "1"\nsource = { virtual = "." }\n\n'
        '[[package]]\nname = "Acme_Tools"\nversion = "0.9"\nsource = { registry = "x" }\n',
        {("PyPI", "acme-tools", "0.9")},
    ),
    "poetry.lock": ('[[package]]\nname = "six"\nversion = "1.16.0"\n', {("PyPI", "six", "1.16.0")}),
    "Pipfile.lock": ('{"default": {"six": {"version": "==1.16.0"}, "x": {"git": "y"}}}', {("PyPI", "six", "1.16.0")}),
    "requirements.txt": (
        "# x\nAcme.Tools[all] == 0.9 ; python_version > '3'\nflask>=3\n-r other.txt\n",
        {("PyPI", "acme-tools", "0.9")},
    ),
    "go.mod": (
        "module example.com/app\n\ngo 1.22\n\nrequire (\n\texample.com/mod v1.9.0\n\tgolang.org/x/net v0.20.0 // indirect\n)\n",
        {("Go", "example.com/mod", "1.9.0"), ("Go", "golang.org/x/net", "0.20.0")},
    ),
    "Cargo.lock": ('[[package]]\nname = "acme"\nversion = "1.0.0-beta"\n', {("crates.io", "acme", "1.0.0-beta")}),
    "Gemfile.lock": (
        "GEM\n  remote: x\n  specs:\n    acme (2.1.0)\n      other (>= 1)\n    nokogiri (1.16.0-x86_64-linux)\n",
        {("RubyGems", "acme", "2.1.0"), ("RubyGems", "nokogiri", "1.16.0")},
    ),
    "composer.lock": (
        '{"packages": [{"name": "acme/php", "version": "v1.1.0"}]}',
        {("Packagist", "acme/php", "1.1.0")},
    ),
}


@pytest.mark.parametrize("path", LOCKS)
def test_lock_files_are_read(path: str) -> None:
    text, expected = LOCKS[path]
    found = lockfiles.read([path], lambda _path: text)
    assert {(p.ecosystem, p.name, p.version) for p in found} == expected


@pytest.mark.parametrize("path", LOCKS)
@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"packages": 3}', "\0" * 100, "[" * 100_000, "a = \n", "package = 3"]
)
def test_a_broken_lock_file_holds_nothing(path: str, text: str) -> None:
    assert lockfiles.read([path], lambda _path: text) == []


# ---------------------------------------------------------------- OSV
@pytest.mark.parametrize(
    ("record", "ecosystem", "name", "version", "hit", "fixed"),
    [
        ("INK-TEST-0001", "npm", "left-pad", "1.3.0", True, "1.3.1"),
        ("INK-TEST-0001", "npm", "left-pad", "1.3.1", False, ""),
        ("INK-TEST-0001", "npm", "left-pad", "1.3.1-rc.1", True, "1.3.1"),
        ("INK-TEST-0001", "npm", "other", "1.3.0", False, ""),
        ("INK-TEST-0001", "PyPI", "left-pad", "1.3.0", False, ""),
        ("INK-TEST-0002", "npm", "@acme/ui", "1.9.9", False, ""),
        ("INK-TEST-0002", "npm", "@acme/ui", "2.3.9", True, "2.4.0"),
        ("INK-TEST-0002", "npm", "@acme/ui", "2.4.0", False, ""),
        ("INK-TEST-0002", "npm", "@acme/ui", "3.0.0", True, "3.1.2"),
        ("INK-TEST-0003", "PyPI", "acme-tools", "1.0rc1", True, "1.0"),
        ("INK-TEST-0003", "PyPI", "acme-tools", "1.0.post1", False, ""),
        ("INK-TEST-0004", "PyPI", "acme-tools", "0.9", True, ""),
        ("INK-TEST-0004", "PyPI", "acme-tools", "0.9.1", False, ""),
        ("INK-TEST-0004", "PyPI", "acme-tools", "0.4", False, ""),
        ("INK-TEST-0005", "Go", "example.com/mod", "1.9.0", True, "1.10.0"),
        ("INK-TEST-0005", "Go", "example.com/mod", "1.10.0", False, ""),
        ("INK-TEST-0005", "Go", "example.com/mod", "0.0.0-20200101000000-abcdefabcdef", True, "1.10.0"),
        ("INK-TEST-0006", "crates.io", "acme", "1.0.0-beta", True, "1.0.0"),
        ("INK-TEST-0006", "crates.io", "acme", "1.0.0", False, ""),
        ("INK-TEST-0007", "RubyGems", "acme", "2.1.0", True, ""),
        ("INK-TEST-0007", "RubyGems", "acme", "2.1.1", False, ""),
        ("MAL-2099-1", "npm", "evil-package", "0.0.1", True, ""),
        ("INK-TEST-0008", "npm", "left-pad", "1.3.0", False, ""),
        ("INK-TEST-0009", "npm", "left-pad", "1.3.0", False, ""),
        ("INK-TEST-0010", "Packagist", "acme/php", "1.1.0", True, "1.2.0"),
        ("INK-TEST-0001", "npm", "left-pad", "not a version", False, ""),
    ],
)
def test_which_versions_a_record_means(  # noqa: PLR0917 - a row of the table
    record: str, ecosystem: str, name: str, version: str, hit: bool, fixed: str
) -> None:
    assert osv.affects(named(record), ScannedPackage(ecosystem, name, version)) == (hit, fixed)


@pytest.mark.parametrize(
    ("record", "severity"),
    [
        ("INK-TEST-0001", Severity.HIGH),
        ("INK-TEST-0002", Severity.CRITICAL),
        ("INK-TEST-0003", Severity.MEDIUM),
        ("INK-TEST-0004", Severity.LOW),
        ("INK-TEST-0005", Severity.CRITICAL),
        ("INK-TEST-0007", Severity.MEDIUM),
        ("MAL-2099-1", Severity.CRITICAL),
    ],
)
def test_how_bad_it_is(record: str, severity: Severity) -> None:
    assert osv.severity(named(record)) == severity


def test_a_broken_score_is_unknown() -> None:
    assert osv.severity({"id": "x", "severity": [{"type": "CVSS_V3", "score": "nonsense"}]}) == Severity.MEDIUM


def test_the_line_names_package_record_and_way_out() -> None:
    text = osv.finding(
        named("INK-TEST-0001"), ScannedPackage("npm", "left-pad", "1.3.0", "package-lock.json"), "1.3.1"
    ).text
    assert text == "left-pad 1.3.0 (package-lock.json) has CVE-2099-0001: Pads without end; fixed in 1.3.1"


# ---------------------------------------------------------------- where the records come from
class _Mirror(BaseHTTPRequestHandler):
    """The two calls of OSV's API."""

    def do_POST(self) -> None:
        queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        results = []
        for query in queries:
            package = ScannedPackage(query["package"]["ecosystem"], query["package"]["name"], query["version"])
            results.append({"vulns": [{"id": r["id"]} for r in RECORDS if osv.affects(r, package)[0]]})
        self._answer({"results": results})

    def do_GET(self) -> None:
        self._answer(named(self.path.rpartition("/")[2]))

    def _answer(self, content: object) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def mirror() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Mirror) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(params=["file", "directory", "archive", "server"])
def data(request: pytest.FixtureRequest, tmp_path: Path, mirror: str) -> str:
    place = tmp_path / "osv"
    if request.param == "server":
        return mirror
    if request.param == "file":
        return str(RECORDS_FILE)
    place.mkdir()
    for record in RECORDS:
        (place / f"{record['id']}.json").write_text(json.dumps(record))
    if request.param == "directory":
        return str(place)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in place.iterdir():
            archive.write(file, file.name)
    return str(tmp_path / "all.zip")


def _repository(tmp_path: Path, **changes: str) -> Path:
    root = tmp_path / "repository"
    content = {"package-lock.json": LOCKS["package-lock.json"][0], "uv.lock": LOCKS["uv.lock"][0], **changes}
    for path, text in content.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def _scan(root: Path, **policy: Any) -> Report:
    return scan(root, files.from_directory(root), Scan(**policy))


def test_every_source_of_records_says_the_same(tmp_path: Path, data: str) -> None:
    report = _scan(_repository(tmp_path), vulnerabilities="warn", osv_source=data)
    assert report.headline() == "4 known vulnerabilities in dependencies (1 critical, 1 high, 1 medium, 1 low)"
    assert report.lines()[1].startswith("scan: critical: @acme/ui 2.3.9 (package-lock.json) has INK-TEST-0002")
    assert report.summary()["vulnerabilities"] == {"critical": 1, "high": 1, "medium": 1, "low": 1}


@pytest.mark.parametrize("broken", ["/nowhere/osv.json", "http://127.0.0.1:1", ""])
def test_data_that_is_not_there_is_told_and_blocks_only_who_wants_that(tmp_path: Path, broken: str) -> None:
    root = _repository(tmp_path)
    report = _scan(root, vulnerabilities="warn", osv_source=broken)
    assert "were not checked" in report.lines()[0]
    with pytest.raises(BuildError) as caught:
        _scan(root, vulnerabilities="block", osv_source=broken)
    assert caught.value.infrastructure


def test_a_server_that_answers_nonsense_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("hello")
    with pytest.raises(source.OsvUnavailable):
        list(source.records(str(tmp_path / "x.json"), [ScannedPackage("npm", "a", "1.0.0")]))


# ---------------------------------------------------------------- policy
@pytest.mark.parametrize(
    ("policy", "stopped"),
    [
        ({"vulnerabilities": "off"}, False),
        ({"vulnerabilities": "warn", "severity": "low"}, False),
        ({"vulnerabilities": "block", "severity": "critical"}, True),
        ({"vulnerabilities": "block", "severity": "low"}, True),
    ],
)
def test_the_policy_decides(tmp_path: Path, policy: dict[str, str], stopped: bool) -> None:
    settings = Scan(osv_source=str(RECORDS_FILE), **policy)
    root = _repository(tmp_path)
    report = scan(root, files.from_directory(root), settings)
    if not stopped:
        enforce(report, settings)
        return
    with pytest.raises(BuildError) as caught:
        enforce(report, settings)
    assert caught.value.reason == "ScanBlocked"
    assert not caught.value.infrastructure
    assert "@acme/ui 2.3.9" in str(caught.value)


def test_only_what_is_bad_enough_blocks(tmp_path: Path) -> None:
    settings = Scan(vulnerabilities="block", severity="high", osv_source=str(RECORDS_FILE))
    root = tmp_path
    (root / "uv.lock").write_text(LOCKS["uv.lock"][0])
    report = scan(root, files.from_directory(root), settings)
    assert len(report.vulnerabilities) == 2
    enforce(report, settings)


# ---------------------------------------------------------------- secrets
@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (f"key = '{AWS}'", ["AWS Access Key"]),
        (f"a\nb\ntoken: {GITHUB}\n", ["GitHub Token"]),
        ("-----BEGIN RSA " + "PRIVATE KEY-----\nMII\n", ["Private Key"]),
        (f"key = '{AWS}'  # pragma: allowlist secret", []),
        ("AKIA" + "IOSFODNN7EXAMPLE", []),
        ("password = 'hunter2'", []),
        ("sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", []),
        ("", []),
    ],
)
def test_what_a_secret_is(text: str, kinds: list[str]) -> None:
    assert [kind for _, kind in secrets.look(text)] == kinds


def test_findings_name_the_place_and_never_the_secret(tmp_path: Path) -> None:
    root = _repository(
        tmp_path, **{"config/settings.py": f"\n\nkey = '{AWS}'\n", "tests/test_x.py": f"k = '{GITHUB}'\n"}
    )
    (root / "link").symlink_to("/etc/passwd")
    (root / "binary").write_bytes(b"\0" + AWS.encode())
    report = _scan(root, secrets="block")
    assert [(f.severity, f.text) for f in report.secrets] == [
        (Severity.HIGH, "committed secret: AWS Access Key in 'config/settings.py' line 3"),
        (Severity.LOW, "committed secret: GitHub Token in 'tests/test_x.py' line 1"),
    ]
    with pytest.raises(BuildError) as caught:
        enforce(report, Scan(secrets="block"))
    everything = f"{caught.value} {caught.value.lines} {report.lines()} {report.summary()}"
    assert AWS not in everything
    assert GITHUB not in everything
    assert "Revoke" in everything


def test_the_summary_lists_the_worst_and_counts_the_rest(tmp_path: Path) -> None:
    lock = {f"node_modules/left-pad-{n}/node_modules/left-pad": {"version": f"1.2.{n}"} for n in range(20)}
    root = _repository(
        tmp_path,
        **{"package-lock.json": json.dumps({"packages": lock}), "a.py": "\n".join(f"k = '{AWS}{n}'" for n in range(9))},
    )
    found = _scan(root, secrets="warn", vulnerabilities="warn", osv_source=str(RECORDS_FILE)).summary()
    assert found["vulnerabilities"] == {"high": 20, "medium": 1, "low": 1}
    assert found["worst"][0] == {
        "severity": "high",
        "package": "left-pad",
        "version": "1.2.0",
        "advisory": "CVE-2099-0001",
        "fixedVersion": "1.3.1",
    }
    assert found["secretsFound"] == 9
    assert found["secrets"][0] == {"place": "a.py:1", "kind": "AWS Access Key"}
    assert (len(found["worst"]), len(found["secrets"]), found["more"]) == (5, 5, 22 - 5 + 9 - 5)
    assert AWS not in json.dumps(found)


def test_names_in_the_summary_are_tidied_and_short(tmp_path: Path) -> None:
    root = _repository(tmp_path, **{f"a\nscan: \x1b[31mnothing {GITHUB} {'x' * 180}": f"k = '{AWS}'"})
    found = _scan(root, secrets="warn").summary(BuildLog(Mask()).tidy)
    (secret,) = found["secrets"]
    assert secret["place"].startswith("a scan: nothing ghp_*** xxx")
    assert secret["place"].endswith("…:1")
    assert len(secret["place"]) <= 160
    assert GITHUB not in json.dumps(found)


def test_what_nobody_looked_for_is_not_said_to_be_none(tmp_path: Path) -> None:
    root = _repository(tmp_path)
    assert _scan(root, secrets="warn").summary() == {"secretsFound": 0}
    none = _scan(root, vulnerabilities="warn", osv_source="/nowhere/osv.json").summary()
    assert list(none) == ["unchecked"]


def test_a_name_with_a_newline_forges_no_line(tmp_path: Path) -> None:
    root = _repository(tmp_path, **{"a\nscan: nothing found": f"k = '{AWS}'"})
    assert all("\n" not in line for line in _scan(root, secrets="warn").lines())


def test_nothing_is_looked_at_when_all_is_off(tmp_path: Path) -> None:
    assert not Scan().is_on
    assert _scan(_repository(tmp_path)).lines() == ["scan: nothing found (0 pinned dependencies)"]
