"""Which network addresses may be connected to. Pure. Whatever is not plainly the public internet is refused."""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REFUSED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
"""IPv4 special-purpose ranges (IANA registry), multicast and reserved."""

GLOBAL_UNICAST_V6 = ipaddress.ip_network("2000::/3")
"""The only part of IPv6 that is the public internet: ::1, mapped, NAT64, ULA, link-local and multicast lie outside."""

REFUSED_V6: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo, ORCHID: some carry an IPv4 address
        "2001:db8::/32",
        "2002::/16",  # 6to4 carries an IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)


def is_public(address: str, denied: Iterable[Network] = ()) -> bool:
    """True for an address of the public internet that is not in `denied`; False for anything else.

    What is not an address in its usual form (`127.1`, `0x7f000001`, leading zeros) is not public either.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        # Also those that carry an IPv4 address are refused, whichever it is: nobody's git server is reached so.
        inside = ip in GLOBAL_UNICAST_V6 and ip.scope_id is None
        refused: Iterable[Network] = REFUSED_V6
    else:
        inside, refused = True, REFUSED
    return inside and ip.is_global and not any(ip in network for network in (*refused, *denied))


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks from a comma- or space-separated list. Raises ValueError naming the one that is none."""
    return tuple(ipaddress.ip_network(part, strict=False) for part in text.replace(",", " ").split())
