"""What a DatabaseProvider promises: one suite, run on the fake and on every registered provider."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from contract.providers.faults_contract import FAULT_CHECKS, Call, Listening, World, done, refused, same, unable, until
from ink_api.reasons import Reason
from ink_operator.core.errors import InkError, Missing, NotOurs, OverQuota, Rejected
from ink_operator.ports.databases import (
    Database,
    DatabaseBackups,
    DatabaseConnection,
    DatabaseKey,
    DatabaseProvider,
    DatabaseRequest,
    Seed,
)

GIB = 2**30


class DatabaseWorld(World):
    """A provider of databases, and what else the checks need."""

    provider: DatabaseProvider

    def key(self, name: str = "main", tenant: str = "acme") -> DatabaseKey:
        """A database of this world."""
        return DatabaseKey(self.owner(name, tenant), namespace=f"ink-t-{tenant}")

    @property
    def reads(self) -> dict[str, Call]:
        request, provider = DatabaseRequest(self.key()), self.provider
        calls: dict[str, Call] = {"observe": lambda: provider.observe(request), "offer": provider.offer}
        if (backups := provider.backups) is not None:
            calls["list backups"] = lambda: backups.list(request.key)
        return calls

    @property
    def writes(self) -> dict[str, Call]:
        key, provider = self.key(), self.provider
        calls: dict[str, Call] = {
            "create": lambda: provider.create(DatabaseRequest(key, size_bytes=GIB)),
            "update": lambda: provider.update(DatabaseRequest(key, size_bytes=2 * GIB)),
            "issue": lambda: provider.issue(key, 2),
            "revoke": lambda: provider.revoke(key, 2),
        }
        if (backups := provider.backups) is not None:
            calls["back up"] = lambda: backups.back_up(key, "b1")
            calls["delete a backup"] = lambda: backups.delete(key, "b1")
        return calls | {"delete": lambda: provider.delete(key)}

    async def state(self) -> object:
        return await self.provider.observe(DatabaseRequest(self.key()))

    async def settled(self) -> None:
        await settled(self, DatabaseRequest(self.key()))

    async def names(self) -> list[str]:
        """Of all databases that exist outside."""
        unable()

    async def foreign(self, key: DatabaseKey) -> None:
        """Somebody else makes a database of that name."""
        unable()

    async def fill(self) -> None:
        """The account's plan is used up."""
        unable()

    async def write(self, connection: DatabaseConnection, value: str) -> bool:
        """As an application; False: refused."""
        unable()

    async def read(self, connection: DatabaseConnection) -> list[str]:
        """All values written, in their order."""
        unable()

    async def remove(self, key: DatabaseKey) -> None:
        """Somebody deletes it by hand."""
        await self.provider.delete(key)


async def settled(world: DatabaseWorld, request: DatabaseRequest) -> Database | None:
    """What exists once nothing goes on."""
    found: Database | None = None

    async def quiet() -> bool:
        nonlocal found
        found = await world.provider.observe(request)
        return found is None or found.phase in ("Ready", "Failed")

    await until(world, quiet, "the database settles")
    return found


async def ready(world: DatabaseWorld, request: DatabaseRequest) -> Database:
    """Made, and observed Ready."""
    await done(world, lambda: world.provider.create(request))

    async def looked() -> Database | None:
        found = await world.provider.observe(request)
        return found if found is not None and found.phase == "Ready" else None

    return await until(world, looked, "the database is Ready")


async def gone(world: DatabaseWorld, request: DatabaseRequest) -> None:
    """Observed to be absent."""

    async def absent() -> bool:
        return await world.provider.observe(request) is None

    await until(world, absent, "the database is gone")


async def accepted(world: DatabaseWorld, connection: DatabaseConnection) -> bool:
    """Whether a query with it is answered."""
    return (await world.provider.verify(connection)).ok


def with_credential(place: DatabaseConnection, credential: DatabaseConnection) -> DatabaseConnection:
    """The address of one, the credential of another."""
    url = place.url
    for there, ours in ((place.password, credential.password), (place.auth_token, credential.auth_token)):
        url = url.replace(there, ours) if there else url
    url = url.replace(f"//{place.username}:", f"//{credential.username}:")
    return replace(credential, url=url, host=place.host, port=place.port, database=place.database)


def own_backups(world: DatabaseWorld) -> DatabaseBackups:
    """The provider's, if it has any."""
    return world.provider.backups or unable()


async def nothing_is_found_where_nothing_was_made(world: DatabaseWorld) -> None:
    request = DatabaseRequest(world.key())
    assert await world.provider.observe(request) is None
    await world.provider.delete(request.key)
    assert await world.provider.observe(request) is None


async def a_new_database_becomes_ready_as_asked(world: DatabaseWorld) -> None:
    offer = await world.provider.offer()
    request = DatabaseRequest(world.key(), size_bytes=GIB, region=(offer.regions or ("",))[-1])
    found = await ready(world, request)
    assert found.ours
    assert not found.differs, f"differs at once: {found.differs}"
    assert found.region == request.region or not request.region
    assert found.version in offer.versions or not offer.versions


async def a_second_create_keeps_data_and_credentials(world: DatabaseWorld) -> None:
    request = DatabaseRequest(world.key())
    await ready(world, request)
    connection = await world.provider.issue(request.key, 1)
    assert await world.write(connection, "kept")
    await ready(world, request)
    assert await world.read(connection) == ["kept"], "the second create emptied it"


async def creates_at_once_make_one_database(world: DatabaseWorld) -> None:
    request = DatabaseRequest(world.key())
    before = len(await world.names())
    await asyncio.gather(*(done(world, lambda: world.provider.create(request)) for _ in range(20)))
    assert len(await world.names()) == before + 1


async def a_create_whose_answer_is_lost_makes_one_database(world: DatabaseWorld) -> None:
    request = DatabaseRequest(world.key())
    before = len(await world.names())
    world.lose_answer()
    await done(world, lambda: world.provider.create(request))
    await done(world, lambda: world.provider.create(request))
    assert len(await world.names()) == before + 1


async def reads_that_lag_behind_lose_nothing(world: DatabaseWorld) -> None:
    request, provider = DatabaseRequest(world.key()), world.provider
    world.delay_reads(4)
    await provider.create(request)
    assert await provider.observe(request) is None
    connection = await until(world, lambda: provider.issue(request.key, 1), "a credential is issued")
    assert await world.write(connection, "kept")
    await done(world, lambda: provider.create(request))
    await ready(world, request)
    assert await world.read(connection) == ["kept"]
    world.delay_reads(3)
    await provider.delete(request.key)
    await provider.delete(request.key)
    await gone(world, request)


async def what_belongs_to_somebody_else_is_left_alone(world: DatabaseWorld) -> None:
    request, provider = DatabaseRequest(world.key(), size_bytes=5 * GIB), world.provider
    await world.foreign(request.key)
    before = await world.state()
    found = await provider.observe(request)
    assert found is not None
    assert not found.ours, "somebody else's database is taken for ours"
    for call in (
        lambda: provider.create(request),
        lambda: provider.update(request),
        lambda: provider.issue(request.key, 1),
        lambda: provider.revoke(request.key, 9),
        lambda: provider.delete(request.key),
    ):
        error = await refused(call, NotOurs)
        assert error.reason == Reason.NAME_CONFLICT
    same(before, await world.state(), "somebody else's database")


async def tenants_who_ask_for_one_name_get_two_databases(world: DatabaseWorld) -> None:
    provider = world.provider
    ours, theirs = DatabaseRequest(world.key()), DatabaseRequest(world.key(tenant="evil"))
    await ready(world, ours)
    await ready(world, theirs)
    connection, other = await provider.issue(ours.key, 1), await provider.issue(theirs.key, 1)
    assert await accepted(world, connection)
    assert await accepted(world, other)
    assert not await accepted(world, with_credential(connection, other)), "their credential opens our database"
    await provider.delete(theirs.key)
    await gone(world, theirs)
    assert await accepted(world, connection), "deleting theirs took ours"


async def only_create_makes_a_database(world: DatabaseWorld) -> None:
    request, provider = DatabaseRequest(world.key()), world.provider
    await ready(world, request)
    await world.remove(request.key)
    await gone(world, request)
    for call in (
        lambda: provider.update(request),
        lambda: provider.issue(request.key, 1),
        lambda: provider.revoke(request.key, 9),
    ):
        await refused(call, Missing)
    assert await provider.observe(request) is None, "recreated empty, as a side effect"


async def it_grows_and_then_nothing_differs(world: DatabaseWorld) -> None:
    small, large = (DatabaseRequest(world.key(), size_bytes=size * GIB) for size in (1, 3))
    await ready(world, small)
    found = await world.provider.observe(large)
    assert found is not None
    if not found.differs:
        unable()
    assert found.differs == ("size_bytes",)
    await world.provider.update(large)
    grown = await settled(world, large)
    assert grown is not None
    assert (grown.size_bytes, grown.differs) == (large.size_bytes, ())


async def what_would_risk_the_data_is_refused(world: DatabaseWorld) -> None:
    offer = await world.provider.offer()
    request = DatabaseRequest(world.key(), (offer.regions or ("",))[0], 2 * GIB, (offer.versions or ("",))[0])
    await ready(world, request)
    before = await world.state()
    risky = [replace(request, size_bytes=GIB)]
    risky += [replace(request, version=older) for older in offer.versions[1:]]
    risky += [replace(request, region=elsewhere) for elsewhere in offer.regions[1:]]
    for wanted in risky:
        await refused(partial(world.provider.update, wanted), Rejected)
    same(before, await world.state(), "what was refused")


async def a_choice_that_is_not_offered_is_refused_with_those_that_are(world: DatabaseWorld) -> None:
    offer = await world.provider.offer()
    wrong = [(replace(DatabaseRequest(world.key()), region="atlantis-1"), offer.regions)] if offer.regions else []
    wrong += [(replace(DatabaseRequest(world.key()), version="3.99"), offer.versions)] if offer.versions else []
    wrong += [(DatabaseRequest(world.key(), size_bytes=offer.largest_bytes + 1), ())] if offer.largest_bytes else []
    for request, known in wrong:
        error = await refused(partial(world.provider.create, request), Rejected)
        assert error.reason == Reason.INVALID_SPEC
        assert all(choice in str(error) for choice in known), f"{error} does not list {known}"
        assert await world.provider.observe(request) is None


async def credentials_overlap_until_the_older_are_revoked(world: DatabaseWorld) -> None:
    key, provider = world.key(), world.provider
    await ready(world, DatabaseRequest(key))
    old, new = await provider.issue(key, 1), await provider.issue(key, 2)
    assert await accepted(world, old), "the new credential ended the old one"
    assert await accepted(world, new)
    left = [await provider.revoke(key, 2), await provider.revoke(key, 2)]
    assert await accepted(world, new), "revoking the old credential ended the new one"
    if max(left) == 0:
        assert not await accepted(world, old), "the old credential goes on working"
    else:
        assert old.expires is not None, "what cannot be revoked must end by itself"


async def a_credential_issued_again_works(world: DatabaseWorld) -> None:
    key, provider = world.key(), world.provider
    await ready(world, DatabaseRequest(key))
    other = await provider.issue(key, 1)
    await provider.issue(key, 2)
    again = await provider.issue(key, 2)
    assert again.generation == 2
    assert await accepted(world, again)
    assert await accepted(world, other)


async def a_read_only_credential_reads(world: DatabaseWorld) -> None:
    key = world.key()
    await ready(world, DatabaseRequest(key))
    writer, reader = await world.provider.issue(key, 1), await world.provider.issue(key, 2, read_only=True)
    assert await world.write(writer, "seen")
    assert await world.read(reader) == ["seen"]
    assert not await world.write(reader, "no"), "a read-only credential writes"


async def a_wrong_credential_is_an_answer(world: DatabaseWorld) -> None:
    key = world.key()
    await ready(world, DatabaseRequest(key))
    right = await world.provider.issue(key, 1)
    guessed = DatabaseConnection("", password="guessed-password" if right.password else "", auth_token="e30.e30.e30")
    guess = with_credential(right, replace(guessed, username=right.username, generation=1))
    verdict = await world.provider.verify(guess)
    assert not verdict.ok
    assert verdict.detail, "nothing says why it was refused"


async def a_full_account_is_reported_and_harms_nobody(world: DatabaseWorld) -> None:
    key = world.key()
    await ready(world, DatabaseRequest(key))
    connection = await world.provider.issue(key, 1)
    await world.fill()
    error = await refused(lambda: world.provider.create(DatabaseRequest(world.key("second"))), OverQuota)
    assert error.reason == Reason.QUOTA_EXCEEDED
    await world.provider.create(DatabaseRequest(key))
    assert await accepted(world, connection)


async def a_deleted_database_leaves_neither_data_nor_credentials(world: DatabaseWorld) -> None:
    request = DatabaseRequest(world.key())
    await ready(world, request)
    old = await world.provider.issue(request.key, 1)
    await world.provider.delete(request.key)
    await gone(world, request)
    assert not await accepted(world, old)
    await ready(world, request)
    assert not await accepted(world, old), "a credential outlived its database"


async def a_backup_outlives_its_database_and_restores_it(world: DatabaseWorld) -> None:
    backups, request = own_backups(world), DatabaseRequest(world.key())
    await ready(world, request)
    connection = await world.provider.issue(request.key, 1)
    assert await world.write(connection, "before")
    await backups.back_up(request.key, "b1")

    async def complete() -> bool:
        return [(b.name, b.phase) for b in await backups.list(request.key)] == [("b1", "Complete")]

    await until(world, complete, "the backup is complete")
    assert await world.write(connection, "after")
    await backups.back_up(request.key, "b1")
    await world.provider.delete(request.key)
    await gone(world, request)
    copy = DatabaseRequest(world.key("copy"), seed=Seed(request.key, backup="b1"))
    await ready(world, copy)
    assert await world.read(await world.provider.issue(copy.key, 1)) == ["before"]
    await backups.delete(request.key, "b1")
    await backups.delete(request.key, "b1")
    assert await backups.list(request.key) == ()


async def a_seed_is_used_once_and_within_the_tenant(world: DatabaseWorld) -> None:
    source = DatabaseRequest(world.key())
    await ready(world, source)
    connection = await world.provider.issue(source.key, 1)
    assert await world.write(connection, "original")
    copy = DatabaseRequest(world.key("copy"), seed=Seed(source.key))
    await ready(world, copy)
    copied = await world.provider.issue(copy.key, 1)
    assert await world.write(copied, "own")
    await ready(world, copy)
    assert await world.read(copied) == ["original", "own"], "the seed was sown twice, or not at all"
    assert await world.read(connection) == ["original"]
    stolen = DatabaseRequest(world.key("copy", tenant="evil"), seed=Seed(source.key))
    await refused(partial(world.provider.create, stolen), NotOurs)
    assert await world.provider.observe(stolen) is None


async def no_secret_is_printed(world: DatabaseWorld) -> None:
    request, provider = DatabaseRequest(world.key()), world.provider
    with Listening() as heard:
        await ready(world, request)
        connection = await provider.issue(request.key, 1)
        secrets = {connection.password, connection.auth_token, world.platform_key} - {""}
        heard.texts += [repr(provider), repr(connection), f"{connection}", repr(await provider.verify(connection))]
        wrong = with_credential(connection, replace(connection, password="x", auth_token="x"))
        heard.texts.append(repr(await provider.verify(wrong)))
        await provider.delete(request.key)
        await gone(world, request)
        heard.texts.append(repr(await provider.verify(connection)))
        for call in (lambda: provider.update(request), lambda: provider.issue(request.key, 1)):
            error = await refused(call, InkError)
            heard.texts.append(f"{error} {error!r} {error.__cause__!r}")
    assert secrets
    shown = [text for text in heard.texts if any(secret in text for secret in secrets)]
    assert not shown, "a secret is printed"


DATABASE_CHECKS: tuple[Callable[[DatabaseWorld], Awaitable[None]], ...] = (
    *FAULT_CHECKS,
    nothing_is_found_where_nothing_was_made,
    a_new_database_becomes_ready_as_asked,
    a_second_create_keeps_data_and_credentials,
    creates_at_once_make_one_database,
    a_create_whose_answer_is_lost_makes_one_database,
    reads_that_lag_behind_lose_nothing,
    what_belongs_to_somebody_else_is_left_alone,
    tenants_who_ask_for_one_name_get_two_databases,
    only_create_makes_a_database,
    it_grows_and_then_nothing_differs,
    what_would_risk_the_data_is_refused,
    a_choice_that_is_not_offered_is_refused_with_those_that_are,
    credentials_overlap_until_the_older_are_revoked,
    a_credential_issued_again_works,
    a_read_only_credential_reads,
    a_wrong_credential_is_an_answer,
    a_full_account_is_reported_and_harms_nobody,
    a_deleted_database_leaves_neither_data_nor_credentials,
    a_backup_outlives_its_database_and_restores_it,
    a_seed_is_used_once_and_within_the_tenant,
    no_secret_is_printed,
)
