"""What the platform denies besides reaches the builder."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ink_builder import settings as builder
from ink_builder.errors import BuildError
from ink_builder.git.sources import check
from ink_operator.inkservice.desired.buildjob import make_job
from ink_operator.inkservice.facts.source import build_plan
from ink_operator.inkservice.model import ServiceContext, StartBuild
from ink_operator.settings import parse_settings
from unit.operator.making import IDENTITY, SETTINGS, service


def test_the_builder_denies_what_the_operator_was_given() -> None:
    settings = replace(
        SETTINGS, denied_cidrs=parse_settings({"INK_DENIED_CIDRS": "8.8.8.0/24, 2a00::/16"}).denied_cidrs
    )
    start = StartBuild(build_plan(service(), IDENTITY, "a" * 40), 1, no_cache=False)
    job = make_job(ServiceContext(service(), IDENTITY, settings), start, suspend=False)
    environ = {pair["name"]: pair.get("value", "") for pair in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    source = builder.parse_settings(environ).source

    def try_(address: str) -> None:
        check("https://example.com/a.git", source.allowed_private, source.denied, lambda _host, _port: [address])

    for address in ("8.8.8.8", "2a00::1", "64:ff9b::808:808"):
        with pytest.raises(BuildError, match="denied by this platform"):
            try_(address)
    try_("9.9.9.9")
    check(f"{settings.git_internal_url}/w/r.git", source.allowed_private, source.denied)
