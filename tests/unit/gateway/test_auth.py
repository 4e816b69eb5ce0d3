"""API keys and who they open for."""

from datetime import timedelta

import pytest
from ink_gateway.auth import keys
from ink_gateway.auth.authenticate import Authenticator, NotAuthenticated
from ink_gateway.errors import Denied
from ink_gateway.ports import Principal
from unit.gateway.world import KEY, NOW, FakeKeys, key


async def test_a_key_opens_its_workspace() -> None:
    principal = await Authenticator(FakeKeys(), lambda: NOW)(f"Bearer {KEY}")
    assert (principal.workspace, principal.scopes) == ("acme", {"read", "write"})


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic abc", KEY])
async def test_without_a_bearer_token_nobody_calls(header: str | None) -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        await Authenticator(FakeKeys(), lambda: NOW)(header)
    assert refusal.value.key_given is False


@pytest.mark.parametrize("wrong", ["x", "dk_live_short", KEY[:-1] + "X", KEY + "é", "dk_test_" + "a" * 40])
async def test_a_wrong_key_is_refused(wrong: str) -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        await Authenticator(FakeKeys(), lambda: NOW)(f"Bearer {wrong}")
    assert refusal.value.key_given is True
    assert wrong not in str(refusal.value)


async def test_revocation_and_expiry_count_from_the_next_request_on() -> None:
    store = FakeKeys()
    authenticate = Authenticator(store, lambda: NOW)
    store.known = [key(expires_at=NOW + timedelta(seconds=1))]
    await authenticate(f"Bearer {KEY}")
    store.known = [key(expires_at=NOW)]
    with pytest.raises(NotAuthenticated, match="expired"):
        await authenticate(f"Bearer {KEY}")
    store.known = [key(revoked_at=NOW)]
    with pytest.raises(NotAuthenticated, match="revoked"):
        await authenticate(f"Bearer {KEY}")


def test_new_keys_are_well_formed_and_differ() -> None:
    made = {keys.new_key() for _ in range(50)}
    assert len(made) == 50
    assert all(keys.well_formed(k) and len(keys.prefix_of(k)) == 16 for k in made)


def test_a_missing_scope_is_named() -> None:
    with pytest.raises(Denied, match=r"'write'.*has: read"):
        Principal("acme", "k", frozenset({"read"})).require("write")
