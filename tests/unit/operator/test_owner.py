"""Names outside: computed, safe everywhere, and never two owners' at once."""

import re

from hypothesis import given
from hypothesis import strategies as st
from ink_operator.core.owner import Owner

OWNERS = st.builds(Owner, st.text(max_size=40), st.text(max_size=80), st.text(max_size=300))


@given(OWNERS)
def test_any_name_becomes_a_dns_label(owner: Owner) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", owner.outside_name)
    assert len(owner.outside_name) <= 57
    assert owner == Owner(owner.installation, owner.tenant, owner.name)


@given(OWNERS, OWNERS)
def test_two_owners_never_meet(one: Owner, other: Owner) -> None:
    assert (one == other) == (one.outside_name == other.outside_name) == (one.mark == other.mark)


def test_a_person_recognises_the_name() -> None:
    owner = Owner("i", "workspace/acme", "my-db")
    assert owner.outside_name.startswith("my-db-")
    assert owner.outside_name != Owner("i", "namespace/acme", "my-db").outside_name
    assert Owner("i", "t", "'; drop table x; ../ü").outside_name.startswith("drop-table-x-")
