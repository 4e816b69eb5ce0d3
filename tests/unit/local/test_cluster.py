"""Addresses, names and ports of local clusters."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from pathlib import Path

import pytest
from ink_artifacts.errors import SetupError
from ink_local.cluster import MAX_CLUSTERS, Addresses, LocalCluster, checked_name

RESERVED = (IPv4Network("10.255.0.0/16"), IPv4Network("192.0.2.0/24"), IPv4Network("203.0.113.0/24"))


def ranges(index: int) -> list[IPv4Network]:
    a = Addresses(index)
    return [a.link, a.pods, a.services]


def test_no_two_clusters_share_an_address_or_a_port() -> None:
    everything = [(i, net) for i in range(MAX_CLUSTERS) for net in ranges(i)]
    assert not [(a, b) for a, b in combinations(everything, 2) if a[1].overlaps(b[1])]
    clusters = [LocalCluster("dev", i, Path("/s")) for i in range(MAX_CLUSTERS)]
    assert len({c.apps_port for c in clusters} | {c.interface for c in clusters}) == 2 * MAX_CLUSTERS


def test_ranges_in_real_use_stay_reachable() -> None:
    for index in range(MAX_CLUSTERS):
        assert not [net for net in ranges(index) if any(net.overlaps(r) for r in RESERVED)]


def test_the_well_known_services_have_their_places() -> None:
    a = Addresses(1)
    assert (a.host, a.node) == ("10.240.0.5", "10.240.0.6")
    assert (a.api_service, a.dns, a.registry) == ("10.97.0.1", "10.97.0.10", "10.97.0.50")
    assert IPv4Address(a.registry) in a.services


@pytest.mark.parametrize("name", ["", "A", "1a", "a_b", "-a", "a-", "a" * 17, "../x", "a b"])
def test_a_name_that_cannot_name_a_node_is_refused_with_a_remedy(name: str) -> None:
    with pytest.raises(SetupError, match="lower-case"):
        checked_name(name)


@pytest.mark.parametrize("name", ["a", "dev", "ink-test2", "a" * 16])
def test_a_plain_name_is_taken(name: str) -> None:
    assert checked_name(name) == name
