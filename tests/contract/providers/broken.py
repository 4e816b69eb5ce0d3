"""Fakes with one mistake each, as providers really make them, and the check that finds it."""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass, replace
from typing import Any

from contract.providers import database_contract as on_databases
from contract.providers import dns_contract as on_dns
from contract.providers import faults_contract as on_faults
from ink_operator.core.errors import InkError, Missing, Rejected, Transient
from ink_operator.core.owner import Owner
from ink_operator.ports.databases import ConnectionResult, Database, DatabaseConnection, DatabaseKey, DatabaseRequest
from ink_operator.ports.dns import CHALLENGE, ChallengeSolver, RecordId, RecordSet, Zone, ZoneKey, ZoneRequest
from support.fakes import databases, dns
from support.fakes.databases import FakeDatabaseBackups, FakeDatabaseProvider
from support.fakes.dns import FakeDnsProvider
from support.fakes.faults import Answer, Guard, as_ours

COUNT = itertools.count(1)


# of both ports: how failures are mapped


def without_retry_after(error: Exception, what: str) -> InkError:
    """A rate limit like any other failure."""
    return Transient(what) if isinstance(error, Answer) and error.status == 429 else as_ours(error, what)


def key_as_transient(error: Exception, what: str) -> InkError:
    """A revoked key is tried for ever."""
    return Transient(what) if isinstance(error, Answer) and error.status == 401 else as_ours(error, what)


def silence_as_refusal(error: Exception, what: str) -> InkError:
    """No answer is taken for a no."""
    return as_ours(error, what) if isinstance(error, Answer) else Rejected(what)


def quota_as_transient(error: Exception, what: str) -> InkError:
    """A plan that is used up is tried for ever."""
    return Transient(what) if isinstance(error, Answer) and error.status == 402 else as_ours(error, what)


class Unguarded(Guard):
    """Lets everybody write."""

    def check(self) -> None:
        return


# databases


class ForgetsRetryAfter(FakeDatabaseProvider):
    map_error = staticmethod(without_retry_after)


class TriesARevokedKey(FakeDatabaseProvider):
    map_error = staticmethod(key_as_transient)


class ShowsItsKey(FakeDatabaseProvider):
    def __repr__(self) -> str:
        return f"FakeDatabaseProvider({self.key!r})"


class TakesSilenceForRefusal(FakeDatabaseProvider):
    map_error = staticmethod(silence_as_refusal)


class TriesAFullAccount(FakeDatabaseProvider):
    map_error = staticmethod(quota_as_transient)


class WritesWithoutLease(FakeDatabaseProvider):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.guard = Unguarded()


class NumbersBackups(FakeDatabaseProvider):
    """Each call makes one more."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._backups = _NumberedBackups(self)


class _NumberedBackups(FakeDatabaseBackups):
    async def back_up(self, key: DatabaseKey, name: str) -> None:
        await super().back_up(key, f"{name}-{next(COUNT)}")


class DropsBackups(FakeDatabaseProvider):
    """Backups go with their database."""

    async def delete(self, key: DatabaseKey) -> None:
        await super().delete(key)
        self.server.rows.backups.pop(key.owner.outside_name, None)


class MissesTheAbsent(FakeDatabaseProvider):
    async def delete(self, key: DatabaseKey) -> None:
        await self.write(lambda rows: self.own(rows, key), "delete")
        await super().delete(key)


class IgnoresTheRegion(FakeDatabaseProvider):
    async def create(self, request: DatabaseRequest) -> None:
        await super().create(replace(request, region=""))


class RecreatesIt(FakeDatabaseProvider):
    """An existing one is replaced."""

    async def create(self, request: DatabaseRequest) -> None:
        await self.write(lambda rows: rows.databases.pop(request.key.owner.outside_name, None), "create")
        await super().create(request)


class TrustsWhatItReads(FakeDatabaseProvider):
    """What is not visible is made, over what there is."""

    async def create(self, request: DatabaseRequest) -> None:
        if await self.observe(request) is None:
            await self.write(lambda rows: rows.databases.pop(request.key.owner.outside_name, None), "create")
            await super().create(request)


class LooksThenCreates(FakeDatabaseProvider):
    """Two at once both see nothing, and each makes one, named by chance."""

    async def create(self, request: DatabaseRequest) -> None:
        if await self.observe(request) is None:
            await super().create(request)
            name = request.key.owner.outside_name
            row = self.server.rows.databases[name]
            self.server.rows.databases[f"{name}-{next(COUNT)}"] = row


class CreatesAnotherWhenUnsure(FakeDatabaseProvider):
    """A lost answer is followed by a second one under another name."""

    async def create(self, request: DatabaseRequest) -> None:
        try:
            await super().create(request)
        except Transient:
            await super().create(replace(request, key=DatabaseKey(Owner("", "", f"again-{next(COUNT)}"))))


class Adopts(FakeDatabaseProvider):
    """Whatever bears the name is ours."""

    @staticmethod
    def own(rows: databases.Rows, key: DatabaseKey) -> databases.Row:
        row = rows.databases.get(key.owner.outside_name)
        if row is None:
            raise Answer(404)
        return row


class DeletesTheForeign(FakeDatabaseProvider):
    """All but delete look at the mark."""

    async def delete(self, key: DatabaseKey) -> None:
        await self.write(lambda rows: rows.databases.pop(key.owner.outside_name, None), "delete")


class NamesWithoutTenant(FakeDatabaseProvider):
    """Two tenants who ask for one name meet."""

    async def create(self, request: DatabaseRequest) -> None:
        await super().create(replace(request, key=flat(request.key)))

    async def observe(self, request: DatabaseRequest) -> Database | None:
        return await super().observe(replace(request, key=flat(request.key)))

    async def issue(self, key: DatabaseKey, generation: int, *, read_only: bool = False) -> DatabaseConnection:
        return await super().issue(flat(key), generation, read_only=read_only)


def flat(key: DatabaseKey) -> DatabaseKey:
    """Of nobody in particular."""
    return DatabaseKey(Owner("", "", key.owner.name))


class MakesOnUpdate(FakeDatabaseProvider):
    """What is gone is recreated empty, as a side effect."""

    async def update(self, request: DatabaseRequest) -> None:
        try:
            await super().update(request)
        except Missing:
            await self.create(request)


class NeverGrows(FakeDatabaseProvider):
    async def update(self, request: DatabaseRequest) -> None:
        await super().update(replace(request, size_bytes=0))


class Shrinks(FakeDatabaseProvider):
    async def update(self, request: DatabaseRequest) -> None:
        def work(rows: databases.Rows) -> None:
            self.own(rows, request.key).size_bytes = request.size_bytes

        await self.write(work, "update")


class TellsNoChoice(FakeDatabaseProvider):
    @staticmethod
    def offered(request: DatabaseRequest) -> None:
        try:
            FakeDatabaseProvider.offered(request)
        except Answer:
            raise Answer(422, "invalid request") from None


class EndsTheOldCredential(FakeDatabaseProvider):
    async def issue(self, key: DatabaseKey, generation: int, *, read_only: bool = False) -> DatabaseConnection:
        connection = await super().issue(key, generation, read_only=read_only)
        self.server.rows.databases[key.owner.outside_name].roles = {generation: (connection.password, read_only)}
        return connection


class RevokesNothing(FakeDatabaseProvider):
    async def revoke(self, key: DatabaseKey, before_generation: int) -> float:
        await super().revoke(key, 0)
        return 0.0


class ForgetsTheNewPassword(FakeDatabaseProvider):
    async def issue(self, key: DatabaseKey, generation: int, *, read_only: bool = False) -> DatabaseConnection:
        row = self.server.rows.databases.get(key.owner.outside_name)
        role = row.roles.get(generation) if row else None
        connection = await super().issue(key, generation, read_only=read_only)
        if row and role:
            row.roles[generation] = role
        return connection


class IgnoresReadOnly(FakeDatabaseProvider):
    async def issue(self, key: DatabaseKey, generation: int, *, read_only: bool = False) -> DatabaseConnection:
        return await super().issue(key, generation)


class RaisesForAWrongPassword(FakeDatabaseProvider):
    async def verify(self, connection: DatabaseConnection) -> ConnectionResult:
        verdict = await super().verify(connection)
        if not verdict.ok:
            raise Rejected(verdict.detail)
        return verdict


class DeletesSoftly(FakeDatabaseProvider):
    """The next one of the name finds the old data and passwords."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.hidden: dict[str, databases.Row] = {}

    async def delete(self, key: DatabaseKey) -> None:
        row = self.server.rows.databases.get(key.owner.outside_name)
        await super().delete(key)
        if row:
            self.hidden[key.owner.outside_name] = row

    async def create(self, request: DatabaseRequest) -> None:
        await super().create(request)
        name = request.key.owner.outside_name
        self.server.rows.databases[name] = self.hidden.pop(name, self.server.rows.databases[name])


class SowsTwice(FakeDatabaseProvider):
    async def create(self, request: DatabaseRequest) -> None:
        row = self.server.rows.databases.get(request.key.owner.outside_name)
        await super().create(request)
        if row and request.seed:
            row.data = databases.seeded(self.server.rows, request.seed, request.key)


class LogsPasswords(FakeDatabaseProvider):
    async def issue(self, key: DatabaseKey, generation: int, *, read_only: bool = False) -> DatabaseConnection:
        connection = await super().issue(key, generation, read_only=read_only)
        logging.getLogger(__name__).debug("connecting to %s", connection.url)
        return connection


@dataclass(frozen=True)
class _Open(DatabaseConnection):
    def __repr__(self) -> str:
        return f"DatabaseConnection({self.url!r})"


class PrintsPasswords(FakeDatabaseProvider):
    async def issue(self, key: DatabaseKey, generation: int, *, read_only: bool = False) -> DatabaseConnection:
        given = await super().issue(key, generation, read_only=read_only)
        return _Open(given.url, given.host, given.port, given.database, given.username, given.password)


BROKEN_DATABASES: tuple[tuple[type[FakeDatabaseProvider], Any], ...] = (
    (NumbersBackups, on_faults.every_call_may_be_repeated),
    (TakesSilenceForRefusal, on_faults.work_whose_answer_is_lost_is_found_done),
    (ForgetsRetryAfter, on_faults.a_rate_limit_says_when_to_come_back),
    (TriesARevokedKey, on_faults.a_revoked_platform_key_is_for_an_administrator),
    (TakesSilenceForRefusal, on_faults.an_outage_is_transient),
    (WritesWithoutLease, on_faults.who_lost_the_lease_writes_nothing),
    (MissesTheAbsent, on_databases.nothing_is_found_where_nothing_was_made),
    (IgnoresTheRegion, on_databases.a_new_database_becomes_ready_as_asked),
    (RecreatesIt, on_databases.a_second_create_keeps_data_and_credentials),
    (LooksThenCreates, on_databases.creates_at_once_make_one_database),
    (CreatesAnotherWhenUnsure, on_databases.a_create_whose_answer_is_lost_makes_one_database),
    (TrustsWhatItReads, on_databases.reads_that_lag_behind_lose_nothing),
    (Adopts, on_databases.what_belongs_to_somebody_else_is_left_alone),
    (DeletesTheForeign, on_databases.what_belongs_to_somebody_else_is_left_alone),
    (NamesWithoutTenant, on_databases.tenants_who_ask_for_one_name_get_two_databases),
    (MakesOnUpdate, on_databases.only_create_makes_a_database),
    (NeverGrows, on_databases.it_grows_and_then_nothing_differs),
    (Shrinks, on_databases.what_would_risk_the_data_is_refused),
    (TellsNoChoice, on_databases.a_choice_that_is_not_offered_is_refused_with_those_that_are),
    (EndsTheOldCredential, on_databases.credentials_overlap_until_the_older_are_revoked),
    (RevokesNothing, on_databases.credentials_overlap_until_the_older_are_revoked),
    (ForgetsTheNewPassword, on_databases.a_credential_issued_again_works),
    (IgnoresReadOnly, on_databases.a_read_only_credential_reads),
    (RaisesForAWrongPassword, on_databases.a_wrong_credential_is_an_answer),
    (TriesAFullAccount, on_databases.a_full_account_is_reported_and_harms_nobody),
    (DeletesSoftly, on_databases.a_deleted_database_leaves_neither_data_nor_credentials),
    (DropsBackups, on_databases.a_backup_outlives_its_database_and_restores_it),
    (SowsTwice, on_databases.a_seed_is_used_once_and_within_the_tenant),
    (LogsPasswords, on_databases.no_secret_is_printed),
    (PrintsPasswords, on_databases.no_secret_is_printed),
    (ShowsItsKey, on_databases.no_secret_is_printed),
)


# zones


class ZonesForgetRetryAfter(FakeDnsProvider):
    map_error = staticmethod(without_retry_after)


class ZonesTryARevokedKey(FakeDnsProvider):
    map_error = staticmethod(key_as_transient)


class ZonesTakeSilenceForRefusal(FakeDnsProvider):
    map_error = staticmethod(silence_as_refusal)


class ZonesWriteWithoutLease(FakeDnsProvider):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.guard = Unguarded()


class ANewKeyEachTime(FakeDnsProvider):
    async def challenge_solver(self, key: ZoneKey, secret_name: str) -> ChallengeSolver:
        if row := self.server.rows.get(f"{key.zone}."):
            row.tsig = ""
        return await super().challenge_solver(key, secret_name)


class MissesTheAbsentZone(FakeDnsProvider):
    async def delete(self, key: ZoneKey) -> None:
        await self.write(lambda rows: self.own(rows, key), "delete")
        await super().delete(key)


class AddsARecord(FakeDnsProvider):
    async def create(self, request: ZoneRequest) -> None:
        await super().create(request)
        self.server.rows[f"{request.key.zone}."].sets.setdefault(
            (f"www.{request.key.zone}.", "A"), (60, ("192.0.2.1",))
        )


class ClearsOnCreate(FakeDnsProvider):
    async def create(self, request: ZoneRequest) -> None:
        await self.write(lambda rows: rows.pop(f"{request.key.zone}.", None), "create")
        await super().create(request)


class TrustsWhatItReadsOfZones(FakeDnsProvider):
    async def create(self, request: ZoneRequest) -> None:
        if await self.observe(request) is None:
            await self.write(lambda rows: rows.pop(f"{request.key.zone}.", None), "create")
            await super().create(request)


class LooksThenCreatesZones(FakeDnsProvider):
    async def create(self, request: ZoneRequest) -> None:
        if await self.observe(request) is None:
            await super().create(request)
            name = f"{request.key.zone}."
            self.server.rows[f"{next(COUNT)}.{name}"] = self.server.rows[name]


class AdoptsZones(FakeDnsProvider):
    @staticmethod
    def own(rows: dns.Rows, key: ZoneKey) -> dns.Row:
        row = rows.get(f"{key.zone}.")
        if row is None:
            raise Answer(404)
        return row


class MakesOnChange(FakeDnsProvider):
    async def change(self, key: ZoneKey, upsert: frozenset[RecordSet], delete: frozenset[RecordId]) -> None:
        try:
            await super().change(key, upsert, delete)
        except Missing:
            await self.create(ZoneRequest(key, ("ns1.example.org", "ns2.example.org")))


class ShowsFinalDots(FakeDnsProvider):
    """The server's spelling, passed on."""

    @staticmethod
    def heard(zone: str, name: str, record_type: str, ttl: int, values: tuple[str, ...]) -> RecordSet:
        own = FakeDnsProvider.heard(zone, name, record_type, ttl, values)
        return replace(own, values=frozenset(values)) if record_type in dns.HOSTS else own


class ShowsChunks(FakeDnsProvider):
    """Long texts come back in pieces."""

    @staticmethod
    def heard(zone: str, name: str, record_type: str, ttl: int, values: tuple[str, ...]) -> RecordSet:
        own = FakeDnsProvider.heard(zone, name, record_type, ttl, values)
        return replace(own, values=frozenset(v.strip('"') for v in values)) if record_type == "TXT" else own


class AddsValues(FakeDnsProvider):
    """Old values stay beside new ones."""

    async def change(self, key: ZoneKey, upsert: frozenset[RecordSet], delete: frozenset[RecordId]) -> None:
        row = self.server.rows.get(f"{key.zone}.")
        old = dict(row.sets) if row else {}
        await super().change(key, upsert, delete)
        if row:
            for name, (ttl, values) in row.sets.items():
                row.sets[name] = (ttl, tuple({*values, *old.get(name, (0, ()))[1]}))


class WritesAHundred(FakeDnsProvider):
    async def change(self, key: ZoneKey, upsert: frozenset[RecordSet], delete: frozenset[RecordId]) -> None:
        await super().change(key, frozenset(list(upsert)[:100]), delete)


class SkipsWhatIsWrong(FakeDnsProvider):
    """The rest is done, and the error comes after."""

    async def change(self, key: ZoneKey, upsert: frozenset[RecordSet], delete: frozenset[RecordId]) -> None:
        failed: Rejected | None = None
        for record in sorted(upsert, key=lambda r: r.name != "fine"):
            try:
                await super().change(key, frozenset({record}), frozenset())
            except Rejected as error:
                failed = error
        await super().change(key, frozenset(), delete)
        if failed:
            raise failed


class DeletesBySuffix(FakeDnsProvider):
    async def delete(self, key: ZoneKey) -> None:
        await super().delete(key)
        for name in [n for n in self.server.rows if n.endswith(f".{key.zone}.")]:
            del self.server.rows[name]


class SharesNameServers(FakeDnsProvider):
    """The same for everybody: a left-over delegation is anybody's."""

    @staticmethod
    def settle(row: dns.Row, request: ZoneRequest) -> None:
        FakeDnsProvider.settle(row, replace(request, nameservers=("ns1.example.org", "ns2.example.org")))


class ReplacesItsKey(FakeDnsProvider):
    @staticmethod
    def settle(row: dns.Row, request: ZoneRequest) -> None:
        row.ds = ()
        FakeDnsProvider.settle(row, request)


class IgnoresDnssec(FakeDnsProvider):
    async def observe(self, request: ZoneRequest) -> Zone | None:
        return await super().observe(replace(request, dnssec=False))

    async def update(self, request: ZoneRequest) -> None:
        await super().update(replace(request, dnssec=False))


class ShowsChallenges(FakeDnsProvider):
    async def observe(self, request: ZoneRequest) -> Zone | None:
        zone = await super().observe(request)
        row = self.server.rows.get(f"{request.key.zone}.")
        name = (f"{CHALLENGE}.{request.key.zone}.", "TXT")
        if zone is None or row is None or name not in row.sets:
            return zone
        return replace(zone, records=zone.records | {self.heard(request.key.zone, *name, *row.sets[name])})


class OneKeyForAll(FakeDnsProvider):
    """Each solver may write in every zone."""

    async def challenge_solver(self, key: ZoneKey, secret_name: str) -> ChallengeSolver:
        solver = await super().challenge_solver(key, secret_name)
        self.server.rows[f"{key.zone}."].tsig = "shared"
        return replace(solver, secret={"tsig": "shared"})


class KeepsKeys(FakeDnsProvider):
    """A deleted zone's key works in the next one of its name."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.keys: dict[str, str] = {}

    async def delete(self, key: ZoneKey) -> None:
        if row := self.server.rows.get(f"{key.zone}."):
            self.keys[key.zone] = row.tsig
        await super().delete(key)

    async def create(self, request: ZoneRequest) -> None:
        await super().create(request)
        row = self.server.rows[f"{request.key.zone}."]
        row.tsig = row.tsig or self.keys.get(request.key.zone, "")


class PutsTheKeyIntoTheIssuer(FakeDnsProvider):
    async def challenge_solver(self, key: ZoneKey, secret_name: str) -> ChallengeSolver:
        solver = await super().challenge_solver(key, secret_name)
        return replace(solver, dns01={"rfc2136": {"tsigSecret": solver.secret["tsig"], "for": secret_name}})


BROKEN_ZONES: tuple[tuple[type[FakeDnsProvider], Any], ...] = (
    (ANewKeyEachTime, on_faults.every_call_may_be_repeated),
    (ZonesTakeSilenceForRefusal, on_faults.work_whose_answer_is_lost_is_found_done),
    (ZonesForgetRetryAfter, on_faults.a_rate_limit_says_when_to_come_back),
    (ZonesTryARevokedKey, on_faults.a_revoked_platform_key_is_for_an_administrator),
    (ZonesTakeSilenceForRefusal, on_faults.an_outage_is_transient),
    (ZonesWriteWithoutLease, on_faults.who_lost_the_lease_writes_nothing),
    (MissesTheAbsentZone, on_dns.nothing_is_found_where_nothing_was_made),
    (AddsARecord, on_dns.a_new_zone_is_as_asked),
    (ClearsOnCreate, on_dns.a_second_create_keeps_the_records),
    (LooksThenCreatesZones, on_dns.creates_at_once_make_one_zone),
    (TrustsWhatItReadsOfZones, on_dns.reads_that_lag_behind_lose_nothing),
    (AdoptsZones, on_dns.a_zone_of_somebody_else_is_left_alone),
    (MakesOnChange, on_dns.only_create_makes_a_zone),
    (ShowsFinalDots, on_dns.what_is_written_reads_back_equal),
    (ShowsChunks, on_dns.what_is_written_reads_back_equal),
    (AddsValues, on_dns.a_record_set_is_replaced_as_a_whole),
    (WritesAHundred, on_dns.a_thousand_record_sets_are_written_in_one_call),
    (SkipsWhatIsWrong, on_dns.what_cannot_be_served_is_refused_whole),
    (DeletesBySuffix, on_dns.other_zones_are_unharmed),
    (SharesNameServers, on_dns.name_servers_are_the_tenants_own),
    (ReplacesItsKey, on_dns.dnssec_shows_what_the_parent_needs),
    (IgnoresDnssec, on_dns.dnssec_shows_what_the_parent_needs),
    (ShowsChallenges, on_dns.a_solver_writes_challenges_and_nothing_else),
    (OneKeyForAll, on_dns.a_solver_writes_challenges_and_nothing_else),
    (KeepsKeys, on_dns.keys_end_with_their_zone),
    (PutsTheKeyIntoTheIssuer, on_dns.no_secret_is_printed),
)
