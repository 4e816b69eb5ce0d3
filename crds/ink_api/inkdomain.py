"""InkDomain: a DNS zone that is delegated to the platform."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ink_api.conditions import Condition
from ink_api.inkservice.network import HOST_MESSAGE, HOST_PATTERN
from ink_api.metadata import ObjectMeta
from ink_api.model import ApiModel
from ink_api.schema import atomic_list, cel, immutable, list_map, pattern_message, rules

ZONE_MAX = 253 - len("_dp-verify.")
"""The longest zone whose verification record still has a name."""
RECORD_NAME_PATTERN = r"^(@|\*|(\*\.)?[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?)*)$"
# Short patterns: the API server limits the estimated cost of a rule, which grows with its pattern and the text.
_HOST = r"([-\w]+[.])+[A-Za-z][-A-Za-z0-9]*"
_BYTE = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_NUMBER = r"\d{1,5}"
_GROUPS = r"([\da-fA-F]{1,4}(:[\da-fA-F]{1,4})*)?"
_EIGHT_GROUPS = r"([\da-fA-F]{1,4}:){7}[\da-fA-F]{1,4}"


def _each(record_type: str, rule: str, message: str) -> dict[str, str]:
    """A rule for every value of the records of one type."""
    return cel(f"self.type != '{record_type}' || self.values.all(v, {rule})", message)


def _matches(pattern: str) -> str:
    return f"v.matches(r'^{pattern}$')"


_HOST_ASKED = "a full host name without a trailing dot"
RECORD_RULES = (
    _each(
        "A",
        _matches(f"{_BYTE}([.]{_BYTE}){{3}}"),
        "each value of an A record must be an IPv4 address, such as 203.0.113.7",
    ),
    _each(
        "AAAA",
        f"{_matches(f'{_GROUPS}::{_GROUPS}')} || {_matches(_EIGHT_GROUPS)}",
        "each value of an AAAA record must be an IPv6 address, such as 2001:db8::7",
    ),
    _each("CNAME", _matches(_HOST), f"the value of a CNAME record must be {_HOST_ASKED}, such as app.example.net"),
    _each("NS", _matches(_HOST), f"each value of an NS record must be {_HOST_ASKED}, such as ns1.example.net"),
    _each(
        "MX",
        _matches(f"{_NUMBER} ({_HOST}|[.])"),
        f"each value of an MX record must be a priority and {_HOST_ASKED}, such as '10 mail.example.com'",
    ),
    _each(
        "SRV",
        _matches(f"{_NUMBER} {_NUMBER} {_NUMBER} ({_HOST}|[.])"),
        f"each value of an SRV record must be priority, weight, port and {_HOST_ASKED}, such as "
        "'10 5 5060 sip.example.com'",
    ),
    _each(
        "CAA",
        _matches('(0|128) [a-z0-9]{1,15} "[^"]*"'),
        "each value of a CAA record must be flags (0 or 128), a tag and a quoted text, such as "
        "'0 issue \"letsencrypt.org\"'",
    ),
    _each(
        "TXT",
        "!v.startsWith('\"')",
        "write the values of a TXT record without quotes; Ink splits and quotes them",
    ),
    cel("self.type != 'CNAME' || self.values.size() == 1", "a CNAME record can have only one value: remove the others"),
    cel(
        "self.name != '@' || self.type != 'CNAME'",
        "the zone itself (@) cannot have a CNAME record: use A and AAAA records, or a name such as www",
    ),
    cel(
        "self.name != '@' || self.type != 'NS'",
        "the platform manages the NS records of the zone itself (@): remove the record, or name a subdomain instead",
    ),
    cel(
        "self.name != '_acme-challenge' && self.name != '_dp-verify'",
        "the names _acme-challenge and _dp-verify are reserved for the platform: remove the record",
    ),
)


class DnsRecord(ApiModel):
    """All values of one name and type: a DNS record set."""

    name: str = Field(
        description="Name, relative to the zone: `www`, `*`, `*.dev`, `_dmarc`, or `@` for the zone itself.",
        pattern=RECORD_NAME_PATTERN,
        max_length=200,
        json_schema_extra=pattern_message(
            "write the name relative to the zone and in lower case, such as www, *.dev or @"
        ),
    )
    type: Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "SRV", "TXT"] = Field(description="Type of the record set.")
    ttl: int = Field(
        default=300,
        description="How many seconds resolvers may cache the record set: from a minute to a week.",
        ge=60,
        le=604800,
    )
    values: list[Annotated[str, Field(min_length=1, max_length=800)]] = Field(
        description="Values, in any order: `203.0.113.7` (A), `10 mail.example.com` (MX), text without quotes (TXT). "
        "Host names are full names without a trailing dot.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
        min_length=1,
        max_length=16,
    )

    model_config = ConfigDict(json_schema_extra=rules(*RECORD_RULES))


SPEC_RULES = (
    cel(
        "!has(self.records) || self.records.all(r, r.name != self.zone && !r.name.endsWith('.' + self.zone))",
        "record names are relative to the zone: write www instead of www.example.com, and @ for the zone itself",
    ),
    cel(
        "!has(self.records) || self.records.all(r, r.name.size() + self.zone.size() <= 252)",
        "a record's name and the zone together can have at most 253 characters: shorten the name",
    ),
    cel(
        "!has(self.records) || self.records.all(r, r.type != 'CNAME' || self.records.exists_one(o, o.name == r.name))",
        "a name with a CNAME record cannot have other records: remove one of them",
    ),
)


class InkDomainSpec(ApiModel):
    """Desired state of the zone."""

    zone: str = Field(
        description="The zone, such as `example.com` or `apps.example.com`. International names in their `xn--` form. "
        "Cannot be changed.",
        pattern=HOST_PATTERN,
        max_length=ZONE_MAX,
        json_schema_extra={
            **immutable("zone", "create another InkDomain and delete this one"),
            **HOST_MESSAGE,
        },
    )
    records: list[DnsRecord] | None = Field(
        default=None,
        description="Additional records. The platform itself writes SOA, NS, the hosts of services and, unless there "
        "is a record named `*`, a wildcard that points to the platform.",
        json_schema_extra=list_map("name", "type"),
        max_length=64,
    )

    model_config = ConfigDict(json_schema_extra=rules(*SPEC_RULES))


class Verification(ApiModel):
    """The TXT record with which the tenant proves control of the zone."""

    name: str = Field(description="Name of the record: `_dp-verify.<zone>`.", max_length=253)
    value: str = Field(
        description="Value of the record. It stays the same as long as the tenant asks for this zone.", max_length=256
    )


class Certificate(ApiModel):
    """The certificate for the zone and for every host directly below it."""

    not_after: str | None = Field(default=None, description="When it expires (RFC 3339). It is renewed before that.")


class AttachedHost(ApiModel):
    """A host in the zone at which a service answers."""

    host: str = Field(description="Host name.", max_length=253)
    service: str = Field(description="InkService that lists the host in spec.domains.", max_length=253)


class InkDomainStatus(ApiModel):
    """Observed state of the zone. Only the operator writes it, and can restore it if it is deleted."""

    observed_generation: int = Field(default=-1, description="metadata.generation that this status describes.")
    conditions: list[Condition] = Field(
        default_factory=list,
        description="Conditions, by type. docs/reasons.md explains them.",
        json_schema_extra=list_map("type"),
    )
    verification: Verification | None = Field(
        default=None, description="TXT record to create at the zone's current DNS provider."
    )
    nameservers: list[str] | None = Field(
        default=None,
        description="Name servers to delegate the zone to, by its NS records at the registrar.",
        json_schema_extra=atomic_list(),
    )
    expires_at: str | None = Field(
        default=None,
        description="When Ink gives up on an unverified zone (RFC 3339). Absent once the zone is verified.",
    )
    certificate: Certificate | None = Field(default=None, description="The zone's certificate.")
    attached_hosts: list[AttachedHost] | None = Field(
        default=None, description="Hosts in the zone that services use.", json_schema_extra=list_map("host")
    )


class InkDomain(ApiModel):
    """A DNS zone that Ink serves."""

    metadata: ObjectMeta
    spec: InkDomainSpec
    status: InkDomainStatus = Field(default_factory=InkDomainStatus)
