"""Where the resolver may connect to: a table of attempts."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ink_resolver.addresses import is_public, parse_networks
from ink_resolver.network import is_literal


@pytest.mark.parametrize("address", ["1.1.1.1", "140.82.121.4", "8.8.8.8", "2606:4700::1111", "2a00:1450:4001::1"])
def test_the_public_internet_is_allowed(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.254",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:a00:1::",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1111%eth0",
        "fec0::1",
        "ff02::1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "010.0.0.1",
        "",
        "localhost",
        "1.1.1.1 ",
    ],
)
def test_everything_else_is_refused(address: str) -> None:
    assert not is_public(address)


def test_the_cluster_s_own_public_addresses_are_refused() -> None:
    denied = parse_networks("8.8.8.0/24, 2606:4700::/32 1.1.1.1")
    assert not is_public("8.8.8.8", denied)
    assert not is_public("2606:4700::1111", denied)
    assert not is_public("1.1.1.1", denied)
    assert is_public("1.1.1.2", denied)
    with pytest.raises(ValueError, match="nonsense"):
        parse_networks("nonsense")


@given(st.ip_addresses())
def test_nothing_private_is_ever_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if is_public(str(ip)):
        assert ip.is_global
        assert not any((ip.is_private, ip.is_loopback, ip.is_link_local, ip.is_multicast, ip.is_reserved))
        assert getattr(ip, "ipv4_mapped", None) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "a.0x7f", "x.1", "::1", "1.1.1.1."])
def test_hosts_that_are_addresses(host: str) -> None:
    assert is_literal(host)


@pytest.mark.parametrize("host", ["github.com", "1.example.com", "0x.example", "localhost", "face.b00k", "a.b"])
def test_hosts_that_are_names(host: str) -> None:
    assert not is_literal(host)
