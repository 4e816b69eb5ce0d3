"""Where the resolver may connect to."""

from __future__ import annotations

import pytest
from ink_common import public_addresses
from ink_resolver import app, network
from ink_resolver.network import is_literal


def test_it_asks_the_one_policy() -> None:
    assert app.is_public is network.is_public is public_addresses.is_public


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "a.0x7f", "x.1", "::1", "1.1.1.1."])
def test_hosts_that_are_addresses(host: str) -> None:
    assert is_literal(host)


@pytest.mark.parametrize("host", ["github.com", "1.example.com", "0x.example", "localhost", "face.b00k", "a.b"])
def test_hosts_that_are_names(host: str) -> None:
    assert not is_literal(host)
