"""The node's routes and the machine's rules, as text."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest
from ink_artifacts.errors import SetupError
from ink_local.cluster import LocalCluster
from ink_local.network import link, standin

CLUSTER = LocalCluster("dev", 0, Path("/s"))


def test_no_line_before_outbound_traffic_names_a_default_route() -> None:
    before = link.node_batch(CLUSTER) + standin.node_routes() + link.host_batch(CLUSTER)
    assert "default" not in before
    assert link.outbound_batch(CLUSTER, ["10.200.0.53"]).splitlines()[-1].startswith("route replace default")


def test_every_range_kept_inside_is_walled_answered_for_and_dropped() -> None:
    walls, answers = link.node_batch(CLUSTER), standin.node_routes()
    rules = link.nft_rules(CLUSTER, ["10.200.0.53"])
    for inside in link.INSIDE:
        assert f"unreachable {inside} metric" in walls
        assert f"route replace {inside} via" in answers
        assert inside in rules


def test_private_cgnat_and_metadata_addresses_are_inside() -> None:
    inside = [IPv4Network(net) for net in link.INSIDE]
    for address in ("10.1.1.1", "172.31.255.255", "192.168.0.1", "100.127.0.1", "169.254.169.254", "198.51.100.9"):
        assert any(IPv4Network(address).subnet_of(net) for net in inside), address
    for public in ("192.0.2.2", "203.0.113.80", "1.1.1.1"):
        assert not any(IPv4Network(public).subnet_of(net) for net in inside), public


def test_only_web_and_names_leave_the_node() -> None:
    rules = link.nft_rules(CLUSTER, ["10.200.0.53"])
    accepted = [line.strip() for line in rules.splitlines() if line.strip().endswith("accept")]
    assert accepted == [
        "ct state established,related accept",
        "ip daddr { 10.200.0.53 } udp dport 53 accept",
        "ip daddr { 10.200.0.53 } tcp dport 53 accept",
        'iifname "ink0" tcp dport { 80, 443 } accept',
        'oifname "ink0" ct state established,related accept',
        'iifname "ink0" icmp type echo-request accept',
    ]


def test_a_resolver_on_a_private_address_gets_a_route_of_its_own() -> None:
    assert "10.200.0.53/32 via 10.240.0.1" in link.outbound_batch(CLUSTER, ["10.200.0.53"])
    assert "8.8.8.8" not in link.outbound_batch(CLUSTER, ["8.8.8.8"])


def test_loopback_resolvers_are_replaced_by_the_upstream_ones() -> None:
    assert link.resolvers("nameserver 127.0.0.53\n", "nameserver 9.9.9.9\n") == ["9.9.9.9"]
    assert link.resolvers("# x\nnameserver 10.1.1.1\nnameserver ::1\nsearch x\n") == ["10.1.1.1"]


def test_a_machine_without_a_usable_resolver_is_refused_with_a_remedy() -> None:
    with pytest.raises(SetupError, match="nameserver line"):
        link.resolvers("nameserver ::1\nnameserver 127.0.0.1\n")


def test_another_programs_route_over_our_ranges_is_seen_and_a_wide_one_is_not() -> None:
    routes: list[dict[str, object]] = [
        {"dst": "default", "dev": "eth0"},
        {"dst": "10.0.0.0/8", "dev": "vpn0"},
        {"dst": "10.240.0.0/30", "dev": "ink0"},
        {"dst": "10.96.4.0/24", "dev": "docker0"},
        {"dst": "10.244.0.7", "dev": "cali0"},
        {"dst": "192.168.1.0/24", "dev": "eth0"},
    ]
    assert link.conflicting_routes(CLUSTER, routes) == ["10.96.4.0/24", "10.244.0.7"]
