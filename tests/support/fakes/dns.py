"""A name server with an API in memory, and its provider. It spells records as zone files do, which is not Ink's way."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from ink_operator.core.errors import NotOurs
from ink_operator.ports import WriteGuard
from ink_operator.ports.dns import (
    CHALLENGE,
    ChallengeSolver,
    RecordId,
    RecordSet,
    RecordType,
    Zone,
    ZoneKey,
    ZoneRequest,
)
from ink_operator.providers import Outside

from support.fakes.faults import Answer, Line, NoAnswer, as_ours

T = TypeVar("T")
TYPES = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "SRV", "TXT")
HOSTS = ("CNAME", "MX", "NS", "SRV")
"""Types whose values end in a host name."""
CHUNK = 255
NS_TTL = 3600


@dataclass
class Row:
    """One zone; names are whole and have a final dot."""

    mark: str
    serial: int = 1
    sets: dict[tuple[str, str], tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    ds: tuple[str, ...] = ()
    tsig: str = ""


Rows = dict[str, Row]


class FakeDnsServer:
    """The server. `line` is where faults are put."""

    def __init__(self) -> None:
        self.line: Line[Rows] = Line({})

    @property
    def rows(self) -> Rows:
        """What is there, for tests."""
        return self.line.rows

    def dns_update(self, zone: str, tsig: str, name: str, record_type: str, value: str) -> bool:
        """A signed update as RFC 2136 has it, under the policy for challenges; False: refused."""
        row = self.rows.get(f"{zone}.")
        challenge = (f"{CHALLENGE}.{zone}.", "TXT")
        if row is None or not row.tsig or tsig != row.tsig or (f"{name}.{zone}.", record_type) != challenge:
            return False
        row.sets[challenge] = (60, (*row.sets.get(challenge, (0, ()))[1], quoted(value)))
        row.serial += 1
        return True


class FakeDnsProvider:
    """Implements ports.dns.DnsProvider."""

    map_error = staticmethod(as_ours)
    """How the server's failures become ours."""

    def __init__(self, server: FakeDnsServer, guard: WriteGuard, key: str) -> None:
        self.server, self.guard, self.key = server, guard, key

    async def observe(self, request: ZoneRequest) -> Zone | None:
        """All of the zone."""

        def work(rows: Rows) -> Zone | None:
            zone = request.key.zone
            row = rows.get(f"{zone}.")
            if row is None:
                return None
            if row.mark != request.key.owner.mark:
                return Zone(ours=False)
            servers = tuple(sorted(v.rstrip(".") for v in row.sets[f"{zone}.", "NS"][1]))
            records = frozenset(
                self.heard(zone, name, record_type, *content)
                for (name, record_type), content in row.sets.items()
                if (name, record_type) not in ((f"{zone}.", "NS"), (f"{CHALLENGE}.{zone}.", "TXT"))
            )
            wrong = {
                "nameservers": servers != tuple(sorted(request.nameservers)),
                "dnssec": request.dnssec != bool(row.ds),
            }
            differs = tuple(sorted(name for name, is_wrong in wrong.items() if is_wrong))
            return Zone(True, servers, records, row.serial, row.ds, bool(row.tsig), differs)

        return await self.read(work, "observe")

    async def create(self, request: ZoneRequest) -> None:
        """Make it, or find it made."""

        def work(rows: Rows) -> None:
            name = f"{request.key.zone}."
            if name in rows:
                self.own(rows, request.key)
                return
            rows[name] = Row(request.key.owner.mark)
            self.settle(rows[name], request)

        await self.write(work, "create")

    async def update(self, request: ZoneRequest) -> None:
        """Name servers and DNSSEC."""
        await self.write(lambda rows: self.settle(self.own(rows, request.key), request), "update")

    async def change(self, key: ZoneKey, upsert: frozenset[RecordSet], delete: frozenset[RecordId]) -> None:
        """All of it or nothing."""

        def work(rows: Rows) -> None:
            row = self.own(rows, key)
            spelled = {self.whole(key.zone, s.id): (s.ttl, self.said(s)) for s in upsert}
            gone = {self.whole(key.zone, i) for i in delete}
            row.sets = {i: content for i, content in row.sets.items() if i not in gone} | spelled
            row.serial += 1

        await self.write(work, "change records")

    async def delete(self, key: ZoneKey) -> None:
        """Absent is fine."""

        def work(rows: Rows) -> None:
            if f"{key.zone}." in rows:
                self.own(rows, key)
                del rows[f"{key.zone}."]

        await self.write(work, "delete")

    async def challenge_solver(self, key: ZoneKey, secret_name: str) -> ChallengeSolver:
        """A TSIG key of the zone's own."""

        def work(rows: Rows) -> str:
            row = self.own(rows, key)
            row.tsig = row.tsig or secrets.token_hex(16)
            return row.tsig

        tsig = await self.write(work, "allow challenges")
        reference = {"name": secret_name, "key": "tsig"}
        dns01 = {"rfc2136": {"nameserver": "192.0.2.53", "tsigKeyName": key.zone, "tsigSecretSecretRef": reference}}
        return ChallengeSolver(dns01, {"tsig": tsig})

    @staticmethod
    def own(rows: Rows, key: ZoneKey) -> Row:
        """The zone, when it is ours. Raises Answer 404, NotOurs."""
        row = rows.get(f"{key.zone}.")
        if row is None:
            raise Answer(404, f"zone {key.zone} does not exist")
        if row.mark != key.owner.mark:
            raise NotOurs(f"the zone {key.zone} belongs to somebody else")
        return row

    @staticmethod
    def settle(row: Row, request: ZoneRequest) -> None:
        """Apex and keys as wanted."""
        apex = (f"{request.key.zone}.", "NS")
        servers = (NS_TTL, tuple(f"{n}." for n in request.nameservers))
        digest = secrets.token_hex(32).upper()
        ds = (row.ds or (f"{secrets.randbelow(65536)} 13 2 {digest}",)) if request.dnssec else ()
        if row.sets.get(apex) != servers or row.ds != ds:
            row.sets[apex], row.ds = servers, ds
            row.serial += 1

    @staticmethod
    def whole(zone: str, record: RecordId) -> tuple[str, str]:
        """Relative -> whole. Raises Answer 422 for what cannot be served, or is not the caller's to write."""
        if record.type not in TYPES:
            raise Answer(422, f"no records of type {record.type}: choose one of {', '.join(TYPES)}")
        name = f"{zone}." if record.name == "@" else f"{record.name}.{zone}."
        if not re.fullmatch(r"(\*\.)?([a-z0-9_-]{1,63}\.)+", name) or len(name) > 254:
            raise Answer(422, f"{record.name!r} is no name below {zone}")
        if (record.name, record.type) in (("@", "NS"), (CHALLENGE, "TXT")):
            raise Answer(422, f"{record.name} {record.type} is not among the records of a zone")
        return name, record.type

    @staticmethod
    def said(record: RecordSet) -> tuple[str, ...]:
        """Values as the server spells them: quoted texts in chunks, hosts with a final dot, in no order of ours."""
        if record.type == "TXT":
            return tuple(quoted(value) for value in record.values)
        return tuple(f"{v}." if record.type in HOSTS and not v.endswith(".") else v for v in record.values)

    @staticmethod
    def heard(zone: str, name: str, record_type: str, ttl: int, values: tuple[str, ...]) -> RecordSet:
        """The way back of `whole` and `said`."""
        relative = name.removesuffix(f"{zone}.").rstrip(".") or "@"
        if record_type == "TXT":
            own = frozenset(unquoted(value) for value in values)
        elif record_type in HOSTS:
            own = frozenset(v if v.endswith(" .") else v.removesuffix(".") for v in values)
        else:
            own = frozenset(values)
        return RecordSet(relative, cast("RecordType", record_type), ttl, own)

    async def read(self, work: Callable[[Rows], T], what: str) -> T:
        """Over the line."""
        try:
            return await self.server.line.read(self.key, work)
        except (Answer, NoAnswer) as error:
            raise self.map_error(error, what) from None

    async def write(self, work: Callable[[Rows], T], what: str) -> T:
        """Over the line, by whoever may write."""
        self.guard.check()
        try:
            return await self.server.line.write(self.key, work)
        except (Answer, NoAnswer) as error:
            raise self.map_error(error, what) from None


def quoted(text: str) -> str:
    """`"…" "…"` in chunks of 255 octets, others than printable ASCII as \\DDD."""
    octets = text.encode()
    chunks = [octets[i : i + CHUNK] for i in range(0, len(octets), CHUNK)] or [b""]
    return " ".join('"' + "".join(_spelled(octet) for octet in chunk) + '"' for chunk in chunks)


def _spelled(octet: int) -> str:
    if octet in b'"\\':
        return f"\\{chr(octet)}"
    return chr(octet) if 32 <= octet < 127 else f"\\{octet:03d}"


def unquoted(content: str) -> str:
    """The way back of `quoted`."""
    inner = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', content))
    octets = bytearray()
    for number, escaped, plain in re.findall(r"\\(\d{3})|\\(.)|(.)", inner):
        octets.append(int(number) if number else ord(escaped or plain))
    return octets.decode()


def make(outside: Outside, environ: Mapping[str, str]) -> FakeDnsProvider:
    """The provider as the registry makes it, with a server of its own."""
    key = environ.get("INK_FAKE_KEY", "")
    if not key:
        raise ValueError("INK_FAKE_KEY is missing: set it to the platform's key")
    return FakeDnsProvider(FakeDnsServer(), outside.guard, key)
