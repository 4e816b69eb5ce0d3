"""Addresses, names, settings, patterns: decisions without a daemon."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ink_builder import settings
from ink_builder.buildkit import auth, patterns
from ink_builder.buildkit.proto import generate
from ink_builder.errors import BuildError
from ink_builder.git import egress_proxy, sources
from ink_builder.image.config import exposed_ports
from ink_builder.registry import names

OWN = "http://git.dp-system.svc.cluster.local:8080"
ENVIRONMENT = {
    "INK_TENANT": "t",
    "INK_SERVICE": "s",
    "INK_GIT_URL": "https://example.com/a.git",
    "INK_COMMIT": "0" * 40,
    "INK_IMAGE": "r:5000/t/s:1",
    "INK_BUILDKIT_ADDRESS": "b:1234",
}


def resolves_to(*found: str) -> sources.Resolve:
    return lambda _host, _port: found


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://example.com/a.git", ["93.184.216.34"]),
        ("https://example.com/a.git", ["2606:2800:220:1::1"]),
        ("https://example.com/a.git", ["64:ff9b::5db8:d822"]),
        (f"{OWN}/w/r.git", ["10.96.0.1"]),
    ],
)
def test_addresses_that_may_be_read(url: str, found: list[str]) -> None:
    sources.check(url, OWN, (), resolves_to(*found))


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://example.com/a.git", ["93.184.216.34"]),
        ("ssh://example.com/a.git", ["93.184.216.34"]),
        ("https://u:p@example.com/a.git", ["93.184.216.34"]),
        ("https://example.com/a.git", ["10.0.0.1"]),
        ("https://example.com/a.git", ["93.184.216.34", "127.0.0.1"]),
        ("https://example.com/a.git", ["169.254.169.254"]),
        ("https://example.com/a.git", ["100.64.0.1"]),
        ("https://example.com/a.git", ["::1"]),
        ("https://example.com/a.git", ["fd00::1"]),
        ("https://example.com/a.git", ["::ffff:10.0.0.1"]),
        ("https://example.com/a.git", ["fe80::1%eth0"]),
        ("https://example.com/a.git", ["64:ff9b::a9fe:a9fe"]),
        ("https://example.com/a.git", ["2002:7f00:1::"]),
        ("https://example.com/a.git", ["::7f00:1"]),
        ("https://example.com:99999/a.git", ["93.184.216.34"]),
        # Parsers disagree about the host of these: libgit2 would connect to what follows the `@`, or past the proxy.
        ("https://example.com?@10.0.0.1/a.git", ["93.184.216.34"]),
        ("https://example.com#@10.0.0.1/a.git", ["93.184.216.34"]),
        ("https://example.com\\@10.0.0.1/a.git", ["93.184.216.34"]),
        ("https://@10.0.0.1/a.git", ["93.184.216.34"]),
        ("HTTPS://example.com/a.git", ["93.184.216.34"]),
        (" https://example.com/a.git", ["93.184.216.34"]),
        ("ht\ttps://example.com/a.git", ["93.184.216.34"]),
        (f"{OWN}?@evil.example/w/r.git", ["10.96.0.1"]),
        (f"{OWN}.evil.example/w/r.git", ["10.96.0.1"]),
        (f"{OWN}@10.0.0.1/w/r.git", ["10.0.0.1"]),
        ("http://git.dp-system.svc.cluster.local:8081/w/r.git", ["10.96.0.1"]),
    ],
)
def test_addresses_that_are_refused(url: str, found: list[str]) -> None:
    with pytest.raises(BuildError) as caught:
        sources.check(url, OWN, (), resolves_to(*found))
    assert caught.value.reason == "SourceRefused"


@pytest.mark.parametrize(
    ("base", "host", "port", "own"),
    [
        ("https://git.example", "git.example", 443, True),
        ("https://git.example/w/", "GIT.example", 443, True),
        ("https://git.example:8443", "git.example", 8443, True),
        ("https://git.example:8443", "git.example", 443, False),
        ("http://git.example:443", "git.example", 443, False),
        ("https://git.example", "git.example.evil.example", 443, False),
        (None, "git.example", 443, False),
    ],
)
def test_the_egress_proxy_knows_our_own_server(base: str | None, host: str, port: int, own: bool) -> None:
    assert egress_proxy.is_own_host(host, port, base) is own


@pytest.mark.parametrize(
    ("reference", "repository"),
    [
        ("r:5000/t/s:1", "r:5000/t/s"),
        ("r/t/p/s:a", "r/t/p/s"),
        ("r:5000/s@sha256:0", "r:5000/s"),
        ("r:5000/t/s", "r:5000/t/s"),
    ],
)
def test_the_repository_of_a_reference(reference: str, repository: str) -> None:
    assert names.repository_of(reference) == repository


@pytest.mark.parametrize(
    ("config", "ports"),
    [
        (b'{"config": {"ExposedPorts": {"80/tcp": {}, "53/udp": {}, "8080": {}}}}', (80, 8080)),
        (b'{"config": {}}', ()),
        (b"{}", ()),
        (b"no json", ()),
        (b"[]", ()),
    ],
)
def test_exposed_ports(config: bytes, ports: tuple[int, ...]) -> None:
    assert exposed_ports(config) == ports


def test_settings_have_defaults() -> None:
    parsed = settings.parse_settings(ENVIRONMENT)
    assert (parsed.source.branch, parsed.options.pack, parsed.registry_host) == ("main", "Auto", "r:5000")
    assert (parsed.timeout_seconds, parsed.no_cache, parsed.registry_insecure) == (900, False, False)


@pytest.mark.parametrize("command", ['"npm start"', '["npm", "start"]'])
def test_a_command_is_text_or_a_list(command: str) -> None:
    assert settings.parse_settings({**ENVIRONMENT, "INK_COMMAND": command}).options.start_command == "npm start"


@pytest.mark.parametrize("broken", [{"INK_COMMIT": ""}, {"INK_BUILD": "{"}, {"INK_TIMEOUT_SECONDS": "15m"}])
def test_broken_settings_are_the_platforms_fault(broken: dict[str, str]) -> None:
    with pytest.raises(BuildError) as caught:
        settings.parse_settings({**ENVIRONMENT, **broken})
    assert caught.value.infrastructure


def test_secrets_are_not_in_the_settings_text() -> None:
    secret = {"INK_GIT_PASSWORD": "hush-hush", "INK_REGISTRY_TOKEN": "hush-hush", "INK_BUILDKIT_KEY": "hush-hush"}
    assert "hush" not in repr(settings.parse_settings({**ENVIRONMENT, **secret}))


@pytest.mark.parametrize(
    ("pattern", "path", "matched"),
    [
        ("*.md", "a.md", True),
        ("*.md", "a/b.md", False),
        ("**/*.md", "a.md", True),
        ("**/*.md", "a/b/c.md", True),
        ("a/**", "a/b/c", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        (r"z\?", "z?", True),
        (r"z\?", "zz", False),
        ("a.c", "abc", False),
        ("[", "[", True),
    ],
)
def test_patterns(pattern: str, path: str, matched: bool) -> None:
    assert patterns.match(patterns.parse([pattern]), path, ())[0] is matched


def test_a_token_says_how_long_it_lives() -> None:
    assert auth.life_seconds("x.eyJleHAiOiAxMDB9.y", now=40) == 60
    assert auth.life_seconds("no token", now=0) == 60


def test_the_generated_stubs_are_fresh(tmp_path: Path) -> None:
    """After a change of a .proto file: run the generator (its docstring says how)."""
    done = subprocess.run(
        [sys.executable, generate.__file__, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_text() for path in (tmp_path / "ink_builder/buildkit/proto").iterdir()}
    checked_in = {path.name: path.read_text() for path in generate.HERE.glob("*_pb2*.py")}
    assert made == checked_in
