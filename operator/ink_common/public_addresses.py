"""The one policy for addresses that tenants lead us to: which of them belong to the public internet. Pure.

Everything that connects to a place a tenant named (repositories, submodules, redirects) asks here, with the addresses
that the operator of the platform denies besides. What is not plainly public is refused.
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

IPv4, IPv6 = ipaddress.IPv4Address, ipaddress.IPv6Address
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Block(NamedTuple):
    """A row of a registry. `reachable` is its column "Globally Reachable"; None: not applicable."""

    network: Network
    name: str
    source: str
    reachable: bool | None


def _block(network: str, name: str, source: str, reachable: bool | None = False) -> Block:
    return Block(ipaddress.ip_network(network), name, source, reachable)


SPECIAL_IPV4 = (
    _block("0.0.0.0/8", "this network", "RFC 791"),
    _block("10.0.0.0/8", "private use", "RFC 1918"),
    _block("100.64.0.0/10", "shared address space", "RFC 6598"),
    _block("127.0.0.0/8", "loopback", "RFC 1122"),
    _block("169.254.0.0/16", "link-local", "RFC 3927"),
    _block("172.16.0.0/12", "private use", "RFC 1918"),
    _block("192.0.0.9/32", "Port Control Protocol anycast", "RFC 7723", True),
    _block("192.0.0.10/32", "TURN anycast", "RFC 8155", True),
    _block("192.0.0.0/24", "IETF protocol assignments", "RFC 6890"),
    _block("192.0.2.0/24", "documentation", "RFC 5737"),
    _block("192.31.196.0/24", "AS112", "RFC 7535", True),
    _block("192.52.193.0/24", "automatic multicast tunneling", "RFC 7450", True),
    _block("192.88.99.0/24", "6to4 relay anycast", "RFC 7526", None),
    _block("192.168.0.0/16", "private use", "RFC 1918"),
    _block("192.175.48.0/24", "AS112", "RFC 7534", True),
    _block("198.18.0.0/15", "benchmarking", "RFC 2544"),
    _block("198.51.100.0/24", "documentation", "RFC 5737"),
    _block("203.0.113.0/24", "documentation", "RFC 5737"),
    _block("224.0.0.0/4", "multicast", "RFC 5771"),
    _block("240.0.0.0/4", "reserved", "RFC 1112"),
)
"""https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast. Narrower blocks come first."""

SPECIAL_IPV6 = (
    _block("::/128", "unspecified", "RFC 4291"),
    _block("::1/128", "loopback", "RFC 4291"),
    _block("::/96", "IPv4-compatible", "RFC 4291"),
    _block("::ffff:0:0/96", "IPv4-mapped", "RFC 4291"),
    _block("::ffff:0:0:0/96", "IPv4-translated", "RFC 2765"),
    _block("64:ff9b:1::/48", "local-use NAT64", "RFC 8215"),
    _block("100::/64", "discard-only", "RFC 6666"),
    _block("100:0:0:1::/64", "dummy prefix", "RFC 9780"),
    _block("2001::/32", "Teredo", "RFC 4380", None),
    _block("2001:1::1/128", "Port Control Protocol anycast", "RFC 7723", True),
    _block("2001:1::2/128", "TURN anycast", "RFC 8155", True),
    _block("2001:1::3/128", "DNS-SD service registration anycast", "RFC 9665", True),
    _block("2001:2::/48", "benchmarking", "RFC 5180"),
    _block("2001:3::/32", "automatic multicast tunneling", "RFC 7450", True),
    _block("2001:4:112::/48", "AS112", "RFC 7535", True),
    _block("2001:10::/28", "ORCHID", "RFC 4843"),
    _block("2001:20::/28", "ORCHIDv2", "RFC 7343", True),
    _block("2001:30::/28", "drone remote ID", "RFC 9374", True),
    _block("2001::/23", "IETF protocol assignments", "RFC 2928"),
    _block("2001:db8::/32", "documentation", "RFC 3849"),
    _block("2002::/16", "6to4", "RFC 3056", None),
    _block("2620:4f:8000::/48", "AS112", "RFC 7534", True),
    _block("3fff::/20", "documentation", "RFC 9637"),
    _block("5f00::/16", "segment routing", "RFC 9602"),
    _block("fc00::/7", "unique local", "RFC 4193"),
    _block("fe80::/10", "link-local", "RFC 4291"),
    _block("fec0::/10", "site-local", "RFC 3879"),
    _block("ff00::/8", "multicast", "RFC 4291"),
)
"""https://www.iana.org/assignments/iana-ipv6-special-registry, and the deprecated forms of RFC 4291 and 2765.

A block is refused even where it is globally reachable: anycast services of protocols and identifiers live there, never
a server that a tenant has a use for. NAT64's well-known prefix is the exception, and not in the table: see _CARRIERS.
"""

GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that IANA assigns to the public internet."""
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: how an IPv6-only cluster reaches the IPv4 internet. It is as public as the address it embeds."""

_Embedded = Callable[[int], int | None]


def _isatap(value: int) -> int | None:
    """RFC 5214: the interface identifier `0000:5efe:<IPv4>`, or 0200 for a globally unique address."""
    return value if value >> 32 & 0xFDFFFFFF == 0x00005EFE else None


_CARRIERS: tuple[tuple[ipaddress.IPv6Network, _Embedded], ...] = (
    (NAT64, lambda value: value),
    (GLOBAL_UNICAST, _isatap),
)
"""Where an address that is not refused by the table may embed an IPv4 address, in its last 32 bits."""


def why_not_public(address: str, denied: Iterable[Network] = ()) -> str | None:
    """None for an address of the public internet outside `denied`; otherwise the reason, to follow `<address> is`.

    What is not an address in its usual form (`127.1`, `0x7f000001`, leading zeros), or has a zone, is not public.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "not an IP address"
    if isinstance(ip, IPv6) and ip.scope_id is not None:
        return "valid on one network only (it has a zone)"
    denied = tuple(denied)
    for each in (ip, *_embedded(ip)):
        if why := _why_refused(each, denied):
            return why if each == ip else f"a form of {each}, which is {why}"
    return None


def is_public(address: str, denied: Iterable[Network] = ()) -> bool:
    """Whether why_not_public() has nothing against it."""
    return why_not_public(address, denied) is None


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks from a comma- or space-separated list. Raises ValueError naming the one that is none."""
    found: list[Network] = []
    for part in text.replace(",", " ").split():
        try:
            network = ipaddress.ip_network(part, strict=False)
        except ValueError:
            raise ValueError(f"networks such as 203.0.113.0/24, which {part!r} is not") from None
        if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped is not None:
            raise ValueError(f"networks such as 203.0.113.0/24: {part!r} is IPv4 written as IPv6, write it as IPv4")
        found.append(network)
    return tuple(found)


def _why_refused(ip: Address, denied: tuple[Network, ...]) -> str | None:
    for block in SPECIAL_IPV4 if isinstance(ip, IPv4) else SPECIAL_IPV6:
        if ip in block.network:
            return f"not public ({block.name}, {block.source})"
    if isinstance(ip, IPv6) and ip not in GLOBAL_UNICAST and ip not in NAT64:
        return "not public (not assigned to global unicast)"
    if any(ip in network for network in denied):
        return "denied by this platform (INK_DENIED_CIDRS)"
    return None


def _embedded(ip: Address) -> Iterator[Address]:
    if isinstance(ip, IPv6):
        for network, find in _CARRIERS:
            if ip in network and (value := find(int(ip))) is not None:
                yield IPv4(value & 0xFFFFFFFF)
