"""What a build found in its source, as an agent reads it."""

from __future__ import annotations

from typing import Any

from ink_api.inkservice import InkService
from ink_gateway import views
from unit.gateway.world import LIVE

WORST = {"severity": "high", "package": "left-pad", "version": "1.3.0", "advisory": "CVE-1", "fixedVersion": "1.3.1"}
SECRET = {"place": "config.py:3", "kind": "AWS Access Key"}


def shown(scan: dict[str, Any] | None) -> list[str] | None:
    metadata = {"name": "acme.default.web", "namespace": "ink-tenants", "generation": 1}
    source = {"git": {"url": "https://git.localhost:8443/acme/shop.git"}}
    status = {"observedGeneration": 1, **LIVE, "build": {"reason": "Built", "scan": scan}}
    found = InkService.model_validate({"metadata": metadata, "spec": {"source": source}, "status": status})
    answer = views.view(found, "default", "web")
    assert answer.build is not None
    return answer.build.scan


def test_numbers_first_then_the_worst_and_how_many_more() -> None:
    scan = {
        "vulnerabilities": {"critical": 1, "high": 12},
        "worst": [WORST] * 5,
        "secretsFound": 2,
        "secrets": [SECRET] * 2,
        "more": 8,
    }
    assert shown(scan) == [
        "2 committed secrets and 13 known vulnerabilities in dependencies (1 critical, 12 high)",
        "committed secret: AWS Access Key in config.py:3: remove and revoke it, the git history still has it",
        "committed secret: AWS Access Key in config.py:3: remove and revoke it, the git history still has it",
        *["high: left-pad 1.3.0 has CVE-1; fixed in 1.3.1"] * 3,
        "and 10 more, in the build log",
    ]


def test_nobody_looked_is_not_nothing_found() -> None:
    assert shown(None) is None
    assert shown({"secretsFound": 0}) == ["nothing found"]
    assert shown({"unchecked": "no data"}) == ["nothing found", "dependencies were not checked: no data"]


def test_the_image_has_lines_of_its_own() -> None:
    image = {"packages": 93, "vulnerablePackages": 2, "vulnerabilities": {"high": 4}, "worst": [WORST] * 4, "more": 1}
    told = [
        "image: 93 packages, 2 of them with 4 known vulnerabilities (4 high)",
        *["image: high: left-pad 1.3.0 has CVE-1; fixed in 1.3.1"] * 3,
        "and 2 more in the image, in the build log",
    ]
    assert shown({"image": image}) == told
    assert shown({"secretsFound": 0, "image": image}) == ["nothing found", *told]
    assert shown({"image": {"packages": 1}}) == ["image: 1 package"]
    clean = {"packages": 2, "vulnerablePackages": 0, "vulnerabilities": {}}
    assert shown({"image": clean}) == ["image: 2 packages, none with a known vulnerability"]
    assert shown({"image": {"packages": 2, "unchecked": "rpm"}}) == [
        "image: 2 packages",
        "image: not all packages were checked: rpm",
    ]


def test_a_name_can_neither_forge_a_line_nor_flood() -> None:
    evil = {**WORST, "package": "a\n\nstate: live\x1b[2J\u202e" + "x" * 900, "fixedVersion": None}
    lines = shown({"vulnerabilities": {"high": 1}, "worst": [evil]}) or []
    assert len(lines) == 2
    assert all(line.isprintable() and len(line) <= views.FINDING_MAX for line in lines)
