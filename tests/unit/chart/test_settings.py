"""The chart gives each process exactly what it parses."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import yaml
from ink_gateway import settings as gateway
from ink_git import settings as git
from ink_logs import app as ink_logs
from ink_operator import settings as operator
from support.cluster.helm import Manifest
from unit.chart.looking import environment, one


def test_the_operator_takes_its_environment(local: list[Manifest]) -> None:
    env = environment(local, "operator")
    parsed = operator.parse_settings(env)
    assert parsed.apps_domain == "apps.localhost"
    assert parsed.apps_port == 8443
    assert parsed.builder_image == "registry.ink.local/ink-builder:test"
    assert parsed.dns_labels == {"k8s-app": "kube-dns"}
    assert parsed.secrets.registry_token_key.startswith("-----BEGIN")
    assert parsed.secrets.buildkit_ca.startswith("-----BEGIN CERTIFICATE")
    assert len(parsed.secrets.git_signing_key) == 64
    own = {f"INK_{name.upper()}" for name in (*operator.PARSERS, *operator.Secrets.__slots__)}
    assert set(env) - own <= {"INK_LOG_LEVEL"}, "the operator would not read these"


def test_the_operator_takes_its_environment_of_daemons(tenants: list[Manifest]) -> None:
    env = environment(tenants, "operator")
    parsed = operator.parse_settings(env)
    assert not parsed.buildkit_shared
    assert parsed.buildkit_storage == operator.Storage("5Gi")
    assert (parsed.buildkit_idle_seconds, parsed.buildkit_start_seconds) == (600, 120)
    assert len(parsed.secrets.buildkit_seed) == 64
    own = {f"INK_{name.upper()}" for name in (*operator.PARSERS, *operator.Secrets.__slots__)}
    assert set(env) - own <= {"INK_LOG_LEVEL"}, "the operator would not read these"
    assert not [m for m in tenants if m["kind"] == "Secret" and m["metadata"]["name"] == "buildkit-client"]


def test_builders_are_told_what_images_get(
    rendered: Callable[[Manifest], list[Manifest]], local: list[Manifest]
) -> None:
    least = operator.parse_settings(environment(local, "operator"))
    assert (least.build_provenance, least.build_registry_cache) == ("min", False)
    assert (least.sbom_generator, least.scan_image, least.build_platform) == ("", "off", "")
    builders = {
        "provenance": "max",
        "sbom": {"enabled": True},
        "registryCache": True,
        "platform": "linux/arm64",
        "scan": {"image": "block"},
    }
    pools = {"run": {"nodeSelector": {"pool": "run"}}}
    images = {"sbomScanner": {"repository": "hub.example.com/scanner", "tag": "2"}}
    parsed = operator.parse_settings(
        environment(rendered({"builders": builders, "pools": pools, "images": images}), "operator")
    )
    assert (parsed.build_provenance, parsed.build_registry_cache, parsed.scan_image) == ("max", True, "block")
    assert parsed.sbom_generator == "hub.example.com/scanner:2"
    assert parsed.build_platform == "linux/arm64"
    assert parsed.run_pool.node_selector == {"kubernetes.io/arch": "arm64", "pool": "run"}


def test_the_gateway_takes_its_environment(local: list[Manifest]) -> None:
    parsed = gateway.load(environment(local, "gateway"))
    assert parsed.public_url == "https://localhost:8443"
    assert parsed.own_hosts == {"localhost"}
    assert parsed.bootstrap_api_key is not None
    assert parsed.bootstrap_api_key.get_secret_value().startswith("dk_live_")


def test_the_git_server_takes_its_environment(local: list[Manifest]) -> None:
    parsed = git.from_environment(environment(local, "git"))
    assert parsed.push_events_url == "http://gateway.dp-system.svc.cluster.local:8081/internal/v1/pushes"


def test_both_ends_share_their_secrets(local: list[Manifest]) -> None:
    gateway_env, git_env = environment(local, "gateway"), environment(local, "git")
    for name in ("INK_INTERNAL_TOKEN", "INK_GIT_ADMIN_TOKEN"):
        assert gateway_env[name] == git_env[name]
    assert environment(local, "operator")["INK_GIT_SIGNING_KEY"] == git_env["INK_GIT_SIGNING_KEY"]


def test_buildkitd_reads_its_configuration(local: list[Manifest]) -> None:
    config = tomllib.loads(one(local, "ConfigMap", "buildkitd")["data"]["buildkitd.toml"])
    assert config["registry"] == {
        "10.240.0.2:5001": {"http": True},
        "docker.io": {"mirrors": ["10.240.0.2:5001"]},
        "registry.dp-system.svc.cluster.local:5000": {"http": True},
    }
    assert config["worker"]["oci"]["binary"] == "/usr/local/bin/runc-ca"
    assert config["grpc"]["tls"].keys() == {"cert", "key", "ca"}


def test_without_a_bundle_the_runtime_is_not_wrapped(plain: list[Manifest]) -> None:
    data = one(plain, "ConfigMap", "buildkitd")["data"]
    assert "binary" not in tomllib.loads(data["buildkitd.toml"])["worker"]["oci"]
    assert "ca-certificates.crt" not in data


def test_the_registry_pushes_by_token_and_pulls_read_only(local: list[Manifest]) -> None:
    data = one(local, "ConfigMap", "registry")["data"]
    push, pull = yaml.safe_load(data["push.yml"]), yaml.safe_load(data["pull.yml"])
    assert push["auth"]["token"]["issuer"] == "ink-operator"
    assert push["storage"]["delete"]["enabled"] is True
    assert pull["auth"].keys() == {"htpasswd"}
    assert pull["storage"]["maintenance"]["readonly"]["enabled"] is True
    assert all("cache" not in config["storage"] for config in (push, pull))


def test_the_registry_that_is_collected_is_the_same_but_read_only(local: list[Manifest]) -> None:
    data = one(local, "ConfigMap", "registry")["data"]
    push, readonly = yaml.safe_load(data["push.yml"]), yaml.safe_load(data["push-readonly.yml"])
    assert readonly["storage"].pop("maintenance")["readonly"]["enabled"] is True
    assert "readonly" not in push["storage"].pop("maintenance")
    assert readonly == push
    assert data["serve.sh"].startswith("#!/bin/sh\n")


def test_the_reader_of_kept_logs_and_the_gateway_share_a_token(local: list[Manifest]) -> None:
    parsed = ink_logs.from_environment(environment(local, "build-logs"))
    asking = gateway.load(environment(local, "gateway"))
    assert parsed.token == asking.build_logs_token.get_secret_value()
    assert asking.build_logs_url == "http://build-logs.dp-system.svc.cluster.local:8080"
    assert (parsed.registry_url.rpartition(":")[2], parsed.username) == ("5001", "node")
