"""The one policy for addresses: a table of attempts, and what embeds an address."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ink_builder.git import sources
from ink_common import public_addresses
from ink_common.public_addresses import SPECIAL_IPV4, SPECIAL_IPV6, is_public, parse_networks, why_not_public


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "140.82.121.4",
        "8.8.8.8",
        "2606:4700::1111",
        "2a00:1450:4001::1",
        "64:ff9b::808:808",  # NAT64 of 8.8.8.8
        "2606:4700::5efe:808:808",  # ISATAP of 8.8.8.8
    ],
)
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
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::c612:1",
        "64:ff9b:1:a00:1::",
        "2606:4700::5efe:a00:1",
        "2606:4700::200:5efe:a9fe:a9fe",
        "::ffff:0:8.8.8.8",
        "2001:0:808:808::",
        "100:0:0:1::1",
        "192.0.0.9",
        "192.31.196.1",
        "192.52.193.1",
        "192.175.48.1",
        "2001:1::1",
        "2001:2::1",
        "2001:3::1",
        "2001:4:112::1",
        "2001:20::1",
        "2620:4f:8000::1",
        "4000::1",
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
    with pytest.raises(ValueError, match="write it as IPv4"):
        parse_networks("::ffff:8.8.8.0/120")


@given(st.ip_addresses())
def test_nothing_private_is_ever_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if is_public(str(ip)):
        assert ip.is_global
        # `is_reserved` is true for all of ::/8: NAT64's prefix was assigned out of it later, as globally reachable.
        reserved = ip.is_reserved and ip not in public_addresses.NAT64
        assert not any((ip.is_private, ip.is_loopback, ip.is_link_local, ip.is_multicast, reserved))
        assert getattr(ip, "ipv4_mapped", None) is None


PRIVATE = st.one_of([st.ip_addresses(v=4, network=str(block.network)) for block in SPECIAL_IPV4])
PREFIXES = st.ip_addresses(v=6, network="2000::/3").map(lambda ip: int(ip) >> 64 << 64)
FORMS = {
    "mapped": lambda ip, _: 0xFFFF << 32 | ip,
    "compatible": lambda ip, _: ip,
    "translated": lambda ip, _: 0xFFFF << 48 | ip,
    "6to4": lambda ip, rest: 0x2002 << 112 | ip << 80 | rest,
    "Teredo": lambda ip, rest: 0x20010000 << 96 | rest << 32 | ip ^ 0xFFFFFFFF,
    "Teredo's server": lambda ip, rest: 0x20010000 << 96 | ip << 64 | rest,
    "NAT64": lambda ip, _: 0x0064FF9B << 96 | ip,
    "local NAT64": lambda ip, _: 0x0064FF9B0001 << 80 | ip,
}


@given(PRIVATE, st.sampled_from(sorted(FORMS)), st.integers(0, 2**64 - 1))
def test_what_embeds_an_address_that_is_not_public_is_not_public(
    inner: ipaddress.IPv4Address, form: str, rest: int
) -> None:
    assert not is_public(str(inner))
    assert not is_public(str(ipaddress.IPv6Address(FORMS[form](int(inner), rest)))), form


@given(PRIVATE, PREFIXES, st.sampled_from([0x00005EFE, 0x02005EFE]))
def test_nor_is_a_tunnel_to_it(inner: ipaddress.IPv4Address, prefix: int, identifier: int) -> None:
    assert not is_public(str(ipaddress.IPv6Address(prefix | identifier << 32 | int(inner))))


@given(st.ip_addresses(v=4))
def test_nat64_is_as_public_as_what_it_embeds(inner: ipaddress.IPv4Address) -> None:
    outer = ipaddress.IPv6Address(0x0064FF9B << 96 | int(inner))
    assert is_public(str(outer)) is is_public(str(inner))
    assert not is_public(str(outer), [ipaddress.ip_network(inner)])


@given(st.ip_addresses())
def test_only_what_is_an_address_in_its_usual_form_is_one(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert not is_public(f"[{ip}]")
    assert not is_public(f"{ip}/32")
    assert not is_public(f"{ip}%eth0")


def test_every_row_of_the_registries_is_refused_with_its_source() -> None:
    for block in (*SPECIAL_IPV4, *SPECIAL_IPV6):
        for ip in (block.network[0], block.network[-1]):
            assert "RFC" in str(why_not_public(str(ip))), block


def test_what_is_refused_although_the_registry_calls_it_globally_reachable() -> None:
    assert {block.name for block in (*SPECIAL_IPV4, *SPECIAL_IPV6) if block.reachable} == {
        "AS112",
        "DNS-SD service registration anycast",
        "ORCHIDv2",
        "Port Control Protocol anycast",
        "TURN anycast",
        "automatic multicast tunneling",
        "drone remote ID",
    }


def test_narrow_blocks_come_before_the_wider_ones_that_hold_them() -> None:
    for table in (SPECIAL_IPV4, SPECIAL_IPV6):
        for number, block in enumerate(table):
            assert not any(
                block.network.subnet_of(earlier.network)  # type: ignore[arg-type]
                for earlier in table[:number]
            ), block


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("10.0.0.1", "not public (private use, RFC 1918)"),
        ("2002:a00:1::", "not public (6to4, RFC 3056)"),
        ("64:ff9b::a9fe:a9fe", "a form of 169.254.169.254, which is not public (link-local, RFC 3927)"),
        ("4000::1", "not public (not assigned to global unicast)"),
        ("8.8.8.8", "denied by this platform (INK_DENIED_CIDRS)"),
        ("fe80::1%eth0", "valid on one network only (it has a zone)"),
        ("0x7f.1", "not an IP address"),
        ("9.9.9.9", None),
    ],
)
def test_a_refusal_says_why(address: str, why: str | None) -> None:
    assert why_not_public(address, parse_networks("8.8.8.0/24")) == why


def test_the_builder_asks_the_one_policy() -> None:
    assert sources.why_not_public is public_addresses.why_not_public
