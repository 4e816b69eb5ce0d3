"""What a DnsProvider promises: one suite, run on the fake and on every registered provider."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from contract.providers.faults_contract import FAULT_CHECKS, Call, Listening, World, done, refused, same, unable, until
from ink_api.reasons import Reason
from ink_operator.core.errors import InkError, Missing, NotOurs, Rejected
from ink_operator.ports.dns import (
    CHALLENGE,
    ChallengeSolver,
    DnsProvider,
    RecordId,
    RecordSet,
    RecordType,
    Zone,
    ZoneKey,
    ZoneRequest,
)

NOTHING: frozenset[Any] = frozenset()
SECRET = "acme-tsig"


def records(name: str, record_type: RecordType, *values: str, ttl: int = 300) -> RecordSet:
    """A record set."""
    return RecordSet(name, record_type, ttl, frozenset(values))


WWW = records("www", "A", "203.0.113.7", "203.0.113.8")
EVERY_KIND = frozenset(
    (
        WWW,
        records("@", "A", "203.0.113.7", ttl=60),
        records("@", "AAAA", "2001:db8::7"),
        records("*", "A", "203.0.113.7"),
        records("*.dev", "CNAME", "app.example.net"),
        records("@", "MX", "10 mail.example.com", "20 backup.example.com"),
        records("@", "CAA", '0 issue "letsencrypt.org"', '0 iodef "mailto:a@example.com"'),
        records("_sip._tcp", "SRV", "10 5 5060 sip.example.com"),
        records("part", "NS", "ns1.example.net", "ns2.example.net"),
        records("@", "TXT", "v=spf1 -all", "k=" + "v" * 700),
        records("odd", "TXT", 'says "hi"', "back\\slash", "semi;colon", " blanks  ", "Grüße"),
        records("_dmarc", "TXT", "v=DMARC1; p=none", ttl=604800),
    )
)


class DnsWorld(World):
    """A provider of zones, and what else the checks need."""

    provider: DnsProvider

    def request(self, label: str = "apps", tenant: str = "acme", *, dnssec: bool = False) -> ZoneRequest:
        """A zone of this world, as a tenant asks for it."""
        zone = f"{label}-{self.installation[:10]}.example.com"
        servers = tuple(f"{ns}.{tenant}.ns.example.org" for ns in ("ns1", "ns2"))
        return ZoneRequest(ZoneKey(zone, self.owner(zone, tenant)), servers, dnssec)

    @property
    def reads(self) -> dict[str, Call]:
        return {"observe": lambda: self.provider.observe(self.request())}

    @property
    def writes(self) -> dict[str, Call]:
        request, provider = self.request(), self.provider
        moved = replace(request, nameservers=("ns3.ns.example.org", "ns4.ns.example.org"))
        return {
            "create": lambda: provider.create(request),
            "update": lambda: provider.update(moved),
            "change": lambda: provider.change(request.key, frozenset({WWW}), frozenset({RecordId("old", "A")})),
            "allow challenges": lambda: provider.challenge_solver(request.key, SECRET),
            "delete": lambda: provider.delete(request.key),
        }

    async def state(self) -> object:
        found = await self.provider.observe(self.request())
        return found and replace(found, serial=None)

    async def zones(self) -> list[str]:
        """Names of all zones that exist outside."""
        unable()

    async def challenge(self, zone: str, solver: ChallengeSolver, name: str, record_type: str, value: str) -> bool:
        """As cert-manager: add a record with what the solver was given; False: refused."""
        unable()


async def made(world: DnsWorld, request: ZoneRequest, upsert: frozenset[RecordSet] = NOTHING) -> Zone:
    """The zone, with these records, as it is observed."""
    await done(world, lambda: world.provider.create(request))
    if upsert:
        await done(world, lambda: world.provider.change(request.key, upsert, NOTHING))

    async def looked() -> Zone | None:
        found = await world.provider.observe(request)
        return found if found is not None and upsert <= found.records else None

    return await until(world, looked, "what was written reads back equal")


async def observed(world: DnsWorld, request: ZoneRequest) -> Zone:
    """What exists."""
    found = await world.provider.observe(request)
    assert found is not None
    return found


async def nothing_is_found_where_nothing_was_made(world: DnsWorld) -> None:
    request = world.request()
    assert await world.provider.observe(request) is None
    await world.provider.delete(request.key)
    assert await world.provider.observe(request) is None


async def a_new_zone_is_as_asked(world: DnsWorld) -> None:
    request = world.request()
    zone = await made(world, request)
    assert zone.ours
    assert not zone.differs, f"differs at once: {zone.differs}"
    assert len(zone.nameservers) >= 2
    assert list(zone.nameservers) == sorted(zone.nameservers)
    assert not zone.records, f"records that nobody wrote: {zone.records}"
    assert not zone.ds
    assert not zone.accepts_challenges


async def a_second_create_keeps_the_records(world: DnsWorld) -> None:
    request = world.request()
    await made(world, request, frozenset({WWW}))
    await world.provider.create(request)
    assert (await observed(world, request)).records == {WWW}


async def creates_at_once_make_one_zone(world: DnsWorld) -> None:
    request, before = world.request(), len(await world.zones())
    await asyncio.gather(*(done(world, lambda: world.provider.create(request)) for _ in range(20)))
    assert len(await world.zones()) == before + 1


async def reads_that_lag_behind_lose_nothing(world: DnsWorld) -> None:
    request, provider = world.request(), world.provider
    world.delay_reads(4)
    await provider.create(request)
    assert await provider.observe(request) is None
    await done(world, lambda: provider.change(request.key, frozenset({WWW}), NOTHING))
    await done(world, lambda: provider.create(request))

    async def caught_up() -> bool:
        zone = await provider.observe(request)
        return zone is not None and zone.records == {WWW}

    await until(world, caught_up, "the records are still there")


async def a_zone_of_somebody_else_is_left_alone(world: DnsWorld) -> None:
    theirs = world.request(tenant="evil")
    await made(world, theirs, frozenset({WWW}))
    ours, provider = replace(theirs, key=world.request().key), world.provider
    before = await observed(world, theirs)
    assert not (await observed(world, ours)).ours, "somebody else's zone is taken for ours"
    for call in (
        lambda: provider.create(ours),
        lambda: provider.update(replace(ours, nameservers=("ns9.ns.example.org",))),
        lambda: provider.change(ours.key, frozenset({records("www", "A", "198.51.100.1")}), NOTHING),
        lambda: provider.challenge_solver(ours.key, SECRET),
        lambda: provider.delete(ours.key),
    ):
        error = await refused(call, NotOurs)
        assert error.reason == Reason.NAME_CONFLICT
    same(before, await observed(world, theirs), "somebody else's zone")


async def only_create_makes_a_zone(world: DnsWorld) -> None:
    request, provider = world.request(), world.provider
    for call in (
        lambda: provider.update(request),
        lambda: provider.change(request.key, frozenset({WWW}), NOTHING),
        lambda: provider.challenge_solver(request.key, SECRET),
    ):
        await refused(call, Missing)
    assert await provider.observe(request) is None


async def what_is_written_reads_back_equal(world: DnsWorld) -> None:
    request = world.request()
    zone = await made(world, request, EVERY_KIND)
    assert zone.records == EVERY_KIND


async def a_record_set_is_replaced_as_a_whole(world: DnsWorld) -> None:
    request = world.request()
    other, alias = records("www", "AAAA", "2001:db8::7"), records("old", "CNAME", "www.example.net")
    before = await made(world, request, frozenset({WWW, other, alias}))
    changed = records("www", "A", "203.0.113.9", ttl=60)
    await world.provider.change(request.key, frozenset({changed}), frozenset({alias.id, RecordId("never", "TXT")}))
    after = await observed(world, request)
    assert after.records == {changed, other}
    if before.serial is not None and after.serial is not None:
        assert after.serial > before.serial, "the serial does not grow"


async def a_thousand_record_sets_are_written_in_one_call(world: DnsWorld) -> None:
    many = frozenset(records(f"host-{i}", "A", f"203.0.113.{i % 250 + 1}") for i in range(1000))
    request = world.request()
    assert (await made(world, request, many)).records == many
    await world.provider.change(request.key, NOTHING, frozenset(r.id for r in many))
    assert not (await observed(world, request)).records


async def what_cannot_be_served_is_refused_whole(world: DnsWorld) -> None:
    request = world.request()
    await made(world, request, frozenset({WWW}))
    before = await observed(world, request)
    lua: Any = "LUA"
    for wrong in (
        records("lua", lua, 'A "os.exit()"'),
        records("x" * 64, "A", "203.0.113.7"),
        records(".".join(["label"] * 48), "A", "203.0.113.7"),
        records("spaces in it", "A", "203.0.113.7"),
        records("@", "NS", "ns.evil.example"),
        records(CHALLENGE, "TXT", "forged"),
    ):
        good = records("fine", "A", "203.0.113.7")
        error = await refused(partial(world.provider.change, request.key, frozenset({good, wrong}), NOTHING), Rejected)
        assert error.reason == Reason.INVALID_SPEC
    same(before, await observed(world, request), "the zone")


async def other_zones_are_unharmed(world: DnsWorld) -> None:
    outer, other = world.request(), world.request("other")
    inner = world.request()
    inner = replace(inner, key=ZoneKey(f"inner.{inner.key.zone}", world.owner(f"inner.{inner.key.zone}", "acme")))
    for request in (outer, inner, other):
        await made(world, request, frozenset({WWW}))
    await world.provider.change(outer.key, NOTHING, frozenset({WWW.id}))
    await world.provider.delete(outer.key)
    for request in (inner, other):
        assert (await observed(world, request)).records == {WWW}


async def name_servers_are_the_tenants_own(world: DnsWorld) -> None:
    ours, theirs = await made(world, world.request()), await made(world, world.request("other", "evil"))
    assert not set(ours.nameservers) & set(theirs.nameservers), "a left-over delegation could be claimed by others"


async def dnssec_shows_what_the_parent_needs(world: DnsWorld) -> None:
    request, signed = world.request(), world.request(dnssec=True)
    await made(world, request, frozenset({WWW}))
    if "dnssec" not in (await observed(world, signed)).differs:
        # A provider that does not offer it says so.
        await refused(lambda: world.provider.update(signed), Rejected)
        return
    await world.provider.update(signed)
    zone = await observed(world, signed)
    assert zone.ds, "signed, and no DS record to show"
    assert not zone.differs
    assert zone.records == {WWW}, "records of DNSSEC are shown as the tenant's"
    await world.provider.update(signed)
    assert (await observed(world, signed)).ds == zone.ds, "the key changed, so the parent's DS breaks the zone"
    await world.provider.update(request)
    assert not (await observed(world, request)).ds


async def a_solver_writes_challenges_and_nothing_else(world: DnsWorld) -> None:
    request, other = world.request(), world.request("other", "evil")
    await made(world, request, frozenset({WWW}))
    await made(world, other)
    zone, solver = request.key.zone, await world.provider.challenge_solver(request.key, SECRET)
    assert (await observed(world, request)).accepts_challenges
    again = await world.provider.challenge_solver(request.key, SECRET)
    assert (again.dns01, again.secret) == (solver.dns01, solver.secret), "an order that runs would lose its key"
    assert not solver.secret or SECRET in f"{solver.dns01}", "the issuer does not know its key"
    theirs = await world.provider.challenge_solver(other.key, SECRET)
    for value in ("token-1", "token-2"):
        assert await world.challenge(zone, solver, CHALLENGE, "TXT", value)
    for name, record_type, value in (
        ("www", "A", "198.51.100.1"),
        (CHALLENGE, "A", "198.51.100.1"),
        ("www", "TXT", "x"),
        ("_dp-verify", "TXT", "x"),
        (f"{CHALLENGE}.www", "TXT", "x"),
    ):
        assert not await world.challenge(zone, solver, name, record_type, value), f"{name} {record_type} was written"
    assert not await world.challenge(zone, theirs, CHALLENGE, "TXT", "stolen"), "another zone's key writes here"
    await world.provider.change(request.key, frozenset({records("x", "A", "203.0.113.7")}), frozenset({WWW.id}))
    assert (await observed(world, request)).records == {records("x", "A", "203.0.113.7")}, "challenges look like drift"


async def keys_end_with_their_zone(world: DnsWorld) -> None:
    request = world.request()
    await made(world, request)
    solver = await world.provider.challenge_solver(request.key, SECRET)
    await world.provider.delete(request.key)
    await made(world, request)
    assert not (await observed(world, request)).accepts_challenges
    assert not await world.challenge(request.key.zone, solver, CHALLENGE, "TXT", "late")


async def no_secret_is_printed(world: DnsWorld) -> None:
    request, provider = world.request(), world.provider
    with Listening() as heard:
        await made(world, request, frozenset({WWW}))
        solver = await provider.challenge_solver(request.key, SECRET)
        secrets = {*solver.secret.values(), world.platform_key} - {""}
        heard.texts += [repr(provider), repr(solver), f"{solver}", repr(solver.dns01)]
        heard.texts.append(repr(await provider.observe(request)))
        await provider.delete(request.key)
        for call in (lambda: provider.update(request), lambda: provider.challenge_solver(request.key, SECRET)):
            error = await refused(call, InkError)
            heard.texts.append(f"{error} {error!r} {error.__cause__!r}")
    assert secrets
    shown = [text for text in heard.texts if any(secret in text for secret in secrets)]
    assert not shown, "a secret is printed"


DNS_CHECKS: tuple[Callable[[DnsWorld], Awaitable[None]], ...] = (
    *FAULT_CHECKS,
    nothing_is_found_where_nothing_was_made,
    a_new_zone_is_as_asked,
    a_second_create_keeps_the_records,
    creates_at_once_make_one_zone,
    reads_that_lag_behind_lose_nothing,
    a_zone_of_somebody_else_is_left_alone,
    only_create_makes_a_zone,
    what_is_written_reads_back_equal,
    a_record_set_is_replaced_as_a_whole,
    a_thousand_record_sets_are_written_in_one_call,
    what_cannot_be_served_is_refused_whole,
    other_zones_are_unharmed,
    name_servers_are_the_tenants_own,
    dnssec_shows_what_the_parent_needs,
    a_solver_writes_challenges_and_nothing_else,
    keys_end_with_their_zone,
    no_secret_is_printed,
)
