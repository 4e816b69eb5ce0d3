"""The registry of DNS providers. `INK_DNS_PROVIDERS`, such as `PowerDNS`, chooses; the first one serves new zones."""

from ink_operator.ports.dns import DnsProvider
from ink_operator.providers import Registry

DNS: Registry[DnsProvider] = Registry(
    setting="INK_DNS_PROVIDERS",
    modules={
        # "<name>": "ink_operator.providers.dns.<file>",
    },
)
