"""InkDomain: a DNS zone delegated to the platform."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ink_api.conditions import Condition
from ink_api.inkservice.network import HOST_PATTERN, HOST_SAYS
from ink_api.metadata import ObjectMeta
from ink_api.model import ApiModel
from ink_api.schema import atomic_list, cel, immutable, list_map, rules, says

ZONE_MAX = 253 - len("_dp-verify.")
"""The longest zone whose verification record still has a name."""
RECORD_NAME_PATTERN = r"^(@|\*|(\*\.)?[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?)*)$"
# Short ones: what a rule may cost is estimated from the lengths of its pattern and of the text, and is limited.
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


_HOST_ASKED = "a full host name without a final dot"
RECORD_RULES = (
    _each("A", _matches(f"{_BYTE}([.]{_BYTE}){{3}}"), "each value of an A record is an IPv4 address, as 203.0.113.7"),
    _each(
        "AAAA",
        f"{_matches(f'{_GROUPS}::{_GROUPS}')} || {_matches(_EIGHT_GROUPS)}",
        "each value of an AAAA record is an IPv6 address, such as 2001:db8::7",
    ),
    _each("CNAME", _matches(_HOST), f"the value of a CNAME record is {_HOST_ASKED}, such as app.example.net"),
    _each("NS", _matches(_HOST), f"each value of an NS record is {_HOST_ASKED}, such as ns1.example.net"),
    _each(
        "MX",
        _matches(f"{_NUMBER} ({_HOST}|[.])"),
        f"each value of an MX record is a priority and {_HOST_ASKED}, such as '10 mail.example.com'",
    ),
    _each(
        "SRV",
        _matches(f"{_NUMBER} {_NUMBER} {_NUMBER} ({_HOST}|[.])"),
        f"each value of an SRV record is priority, weight, port and {_HOST_ASKED}, such as '10 5 5060 sip.example.com'",
    ),
    _each(
        "CAA",
        _matches('(0|128) [a-z0-9]{1,15} "[^"]*"'),
        "each value of a CAA record is flags (0 or 128), a tag and a quoted text, as '0 issue \"letsencrypt.org\"'",
    ),
    _each(
        "TXT",
        "!v.startsWith('\"')",
        "write the values of a TXT record without quotes around them; Ink splits and quotes them",
    ),
    cel("self.type != 'CNAME' || self.values.size() == 1", "a CNAME record has one value: remove the others"),
    cel(
        "self.name != '@' || self.type != 'CNAME'",
        "the zone itself (@) cannot have a CNAME record: use A and AAAA records, or a name such as www",
    ),
    cel(
        "self.name != '@' || self.type != 'NS'",
        "the platform keeps the NS records of the zone itself: remove the record, or name the part to delegate",
    ),
    cel(
        "self.name != '_acme-challenge' && self.name != '_dp-verify'",
        "the platform keeps the names _acme-challenge and _dp-verify for itself: remove the record",
    ),
)


class DnsRecord(ApiModel):
    """All values of one name and type: a record set, as DNS has it."""

    name: str = Field(
        description="Name inside the zone: `www`, `*`, `*.dev`, `_dmarc`, or `@` for the zone itself.",
        pattern=RECORD_NAME_PATTERN,
        max_length=200,
        json_schema_extra=says("write the name relative to the zone and in lower case, such as www, *.dev or @"),
    )
    type: Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "SRV", "TXT"] = Field(description="Type of the record set.")
    ttl: int = Field(
        default=300, description="How many seconds others may remember it: from a minute to a week.", ge=60, le=604800
    )
    values: list[Annotated[str, Field(min_length=1, max_length=800)]] = Field(
        description="Its values, in any order: `203.0.113.7` (A), `10 mail.example.com` (MX), text without quotes "
        "(TXT). Host names are whole and have no final dot.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
        min_length=1,
        max_length=16,
    )

    model_config = ConfigDict(json_schema_extra=rules(*RECORD_RULES))


SPEC_RULES = (
    cel(
        "!has(self.records) || self.records.all(r, r.name != self.zone && !r.name.endsWith('.' + self.zone))",
        "names of records are relative to the zone: write www instead of www.example.com, and @ for the zone itself",
    ),
    cel(
        "!has(self.records) || self.records.all(r, r.name.size() + self.zone.size() <= 252)",
        "the name of a record and the zone together have at most 253 characters: shorten the name",
    ),
    cel(
        "!has(self.records) || self.records.all(r, r.type != 'CNAME' || self.records.exists_one(o, o.name == r.name))",
        "a name with a CNAME record has no other record: remove one of the two",
    ),
)


class InkDomainSpec(ApiModel):
    """What is wanted of the zone."""

    zone: str = Field(
        description="The zone, such as `example.com` or `apps.example.com` (an international name in its `xn--` form). "
        "Cannot be changed.",
        pattern=HOST_PATTERN,
        max_length=ZONE_MAX,
        json_schema_extra={
            **immutable("zone", "create another InkDomain and delete this one"),
            **HOST_SAYS,
        },
    )
    records: list[DnsRecord] | None = Field(
        default=None,
        description="Further records. The platform itself writes SOA, NS, the hosts of services and, unless a record "
        "`*` is given, a wildcard that leads to it.",
        json_schema_extra=list_map("name", "type"),
        max_length=64,
    )

    model_config = ConfigDict(json_schema_extra=rules(*SPEC_RULES))


class Verification(ApiModel):
    """The TXT record that proves that the zone is the tenant's."""

    name: str = Field(description="Name of the record: `_dp-verify.<zone>`.", max_length=253)
    value: str = Field(description="Its value, the same for as long as the tenant asks for this zone.", max_length=256)


class Certificate(ApiModel):
    """The certificate of the zone and of every host directly below it."""

    not_after: str | None = Field(default=None, description="When it ends (RFC 3339); it is renewed before.")


class AttachedHost(ApiModel):
    """A host of the zone under which a service answers."""

    host: str = Field(description="The host.", max_length=253)
    service: str = Field(description="InkService that names it in spec.domains.", max_length=253)


class InkDomainStatus(ApiModel):
    """What is. Written by the operator alone; deleting it loses nothing."""

    observed_generation: int = Field(default=-1, description="metadata.generation this status speaks of.")
    conditions: list[Condition] = Field(
        default_factory=list, description="The facts, by type.", json_schema_extra=list_map("type")
    )
    verification: Verification | None = Field(
        default=None, description="TXT record to create at the present DNS provider of the zone."
    )
    nameservers: list[str] | None = Field(
        default=None,
        description="Name servers to delegate the zone to (its NS records at the registrar).",
        json_schema_extra=atomic_list(),
    )
    expires_at: str | None = Field(
        default=None, description="When an unverified zone is given up (RFC 3339); absent once it is verified."
    )
    certificate: Certificate | None = Field(default=None, description="The zone's certificate.")
    attached_hosts: list[AttachedHost] | None = Field(
        default=None, description="Hosts in use below the zone.", json_schema_extra=list_map("host")
    )


class InkDomain(ApiModel):
    """A DNS zone that Ink serves."""

    metadata: ObjectMeta
    spec: InkDomainSpec
    status: InkDomainStatus = Field(default_factory=InkDomainStatus)
