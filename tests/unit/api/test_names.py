"""Names built from names: never ambiguous, never too long, the same on every pass."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ink_api import names

LETTERS = "abz"
WORDS = st.text(f"{LETTERS}09", min_size=1, max_size=7)
WORKSPACE = st.builds(lambda first, words: "-".join([first, *words]), st.text(LETTERS, min_size=1, max_size=7),
                      st.lists(WORDS, max_size=2))  # fmt: skip
"""Few different letters, so that two of them are often nearly the same."""
SERVICE = st.builds(lambda first, rest: first + rest, st.sampled_from(LETTERS),
                    st.text(f"{LETTERS}09-", max_size=51)).map(lambda name: name.rstrip("-"))  # fmt: skip
TENANTS = "ink-tenants"


@given(WORKSPACE, WORKSPACE, WORKSPACE, WORKSPACE)
def test_two_projects_never_share_a_namespace(w1: str, p1: str, w2: str, p2: str) -> None:
    same = names.tenant_namespace(w1, p1) == names.tenant_namespace(w2, p2)
    assert same == ((w1, p1) == (w2, p2))


@given(WORKSPACE, SERVICE)
def test_the_generated_names_are_names(workspace: str, service: str) -> None:
    assert re.fullmatch(names.WORKSPACE_PATTERN, workspace)
    assert len(workspace) <= names.WORKSPACE_MAX
    assert re.fullmatch(names.SERVICE_NAME_PATTERN, service)
    assert len(service) <= names.SERVICE_NAME_MAX


@given(WORKSPACE, WORKSPACE)
def test_a_tenant_namespace_is_a_dns_label(workspace: str, project: str) -> None:
    namespace = names.tenant_namespace(workspace, project)
    assert len(namespace) <= 63
    assert re.fullmatch(names.DNS_LABEL, namespace)


@given(WORKSPACE, WORKSPACE, SERVICE)
def test_a_cr_name_leads_back_to_the_service(workspace: str, project: str, service: str) -> None:
    name = names.cr_name(workspace, project, service)
    assert len(name) <= 253
    identity = names.identity_of(TENANTS, name, TENANTS)
    assert (identity.tenant, identity.project, identity.name) == (workspace, project, service)
    assert identity.namespace == names.tenant_namespace(workspace, project)


@given(SERVICE, WORKSPACE)
def test_outside_the_tenants_namespace_the_namespace_is_the_tenant(service: str, namespace: str) -> None:
    identity = names.identity_of(namespace, service, TENANTS)
    assert identity == names.ServiceIdentity(namespace, "", service, namespace)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("hello", id="no dots"),
        pytest.param("acme.hello", id="one dot"),
        pytest.param("acme.shop.hello.x", id="three dots"),
        pytest.param("acme..hello", id="empty project"),
        pytest.param("acme.sh--op.hello", id="two hyphens, which would make the namespace ambiguous"),
        pytest.param("acme-.shop.hello", id="ends in a hyphen"),
        pytest.param("1acme.shop.hello", id="begins with a digit"),
        pytest.param(f"{'a' * 25}.shop.hello", id="workspace of 25 characters"),
    ],
)
def test_a_misnamed_cr_of_the_tenants_namespace_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"service in|not a valid workspace or project name"):
        names.identity_of(TENANTS, name, TENANTS)


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_equal_hashes_mean_equal_parts(first: list[str], second: list[str]) -> None:
    assert (names.short_hash(*first, length=32) == names.short_hash(*second, length=32)) == (first == second)


@given(st.text(max_size=300))
def test_a_host_claim_is_a_valid_object_name(host: str) -> None:
    assert re.fullmatch(r"host-[0-9a-f]{20}", names.host_claim(host))
