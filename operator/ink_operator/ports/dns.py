"""DNS zones of providers. Implementations are in providers/dns/, one file each.

The rules of ports/databases.py apply here too: every call may be repeated, none waits for long, errors are those of
core/errors.py and contain no secret, and calls that write check WriteGuard first.

Names of zones are in lower case, without a final dot. Names and values of records are written as `spec.records` of an
InkDomain has them: `@`, `*`, `www`; whole host names without a final dot; TXT as one text without quotes. However the
provider spells them, what was written reads back equal; otherwise every pass would see a difference and write again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from ink_operator.core.owner import Owner

RecordType = Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "SRV", "TXT"]
CHALLENGE = "_acme-challenge"
"""The name that certificate authorities query; its TXT records belong to the client that orders certificates."""


@dataclass(frozen=True, slots=True)
class ZoneKey:
    """Which zone, and its owner."""

    zone: str
    owner: Owner


@dataclass(frozen=True, slots=True)
class ZoneRequest:
    """The wanted state of the zone itself."""

    key: ZoneKey
    nameservers: tuple[str, ...]
    """Names under the platform's domain that are unique to this tenant and zone, so that a delegation to them proves
    which tenant was meant.
    """
    dnssec: bool = False
    """A provider without DNSSEC raises Rejected from `create` and `update` if this is set: no field is ignored."""


class RecordId(NamedTuple):
    """Names a record set within its zone."""

    name: str
    type: RecordType


@dataclass(frozen=True, slots=True)
class RecordSet:
    """All values of one name and type, in no particular order."""

    name: str
    type: RecordType
    ttl: int
    values: frozenset[str]

    @property
    def id(self) -> RecordId:
        """The id by which `change` deletes it."""
        return RecordId(self.name, self.type)


@dataclass(frozen=True, slots=True)
class Zone:
    """The zone as the provider has it."""

    ours: bool
    """False: it has another owner's mark, or none. Then ignore all other fields."""
    nameservers: tuple[str, ...] = ()
    """To delegate to, sorted: those of the request, or the provider's own where it assigns a set to each zone."""
    records: frozenset[RecordSet] = frozenset()
    """All except SOA, the apex's NS, what DNSSEC adds, and challenges."""
    serial: int | None = None
    """Grows with each change; None if the provider has none."""
    ds: tuple[str, ...] = ()
    """Contents of the DS records that the parent should have; empty without DNSSEC."""
    accepts_challenges: bool = False
    """What `challenge_solver` set up is in place."""
    differs: tuple[str, ...] = ()
    """Fields of the request that `update` would change, sorted."""


@dataclass(frozen=True, slots=True)
class ChallengeSolver:
    """How cert-manager answers DNS-01 for one zone."""

    dns01: Mapping[str, Any]
    """As an Issuer's `solvers[].dns01` has it; refers to the Secret that was named."""
    secret: Mapping[str, str] = field(repr=False)
    """Contents of that Secret."""


class DnsProvider(Protocol):
    """Serves zones.

    Calls that write raise NotOurs for another owner's zone and, except for `create` and `delete`, Missing for an absent
    one.
    """

    async def observe(self, request: ZoneRequest) -> Zone | None:
        """What exists; None when there is nothing, or nothing visible yet."""
        ...

    async def create(self, request: ZoneRequest) -> None:
        """Create the zone with SOA and NS. A zone that is already ours is left unchanged, with its records and keys."""
        ...

    async def update(self, request: ZoneRequest) -> None:
        """Change what `differs`: name servers, DNSSEC. Never creates a zone."""
        ...

    async def change(self, key: ZoneKey, upsert: frozenset[RecordSet], delete: frozenset[RecordId]) -> None:
        """Replace each record set of that name and type as a whole, and delete those in `delete`; absent is fine. If
        anything is Rejected, nothing is done. After a Transient failure, part of a large change may be done.
        """
        ...

    async def delete(self, key: ZoneKey) -> None:
        """Remove the zone with its keys. Absent is fine."""
        ...

    async def challenge_solver(self, key: ZoneKey, secret_name: str) -> ChallengeSolver:
        """Let a solver write TXT records at `_acme-challenge` of this zone and nothing else; the same answer each time.

        Raises Rejected if the server would ignore what the solver writes.
        """
        ...
