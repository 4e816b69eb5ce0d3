"""Who may build what, and under which name."""

import pytest
from ink_api.conditions import ConditionType
from ink_api.names import ServiceIdentity
from ink_api.reasons import Reason
from ink_operator.inkservice import source
from ink_operator.inkservice.decide_build import build_step
from ink_operator.inkservice.draft import Draft
from ink_operator.inkservice.model import Observed
from ink_operator.ports import Head
from unit.operator.inkservice.making import GIT, IDENTITY, NOW, SETTINGS, service


def git(**more: object) -> object:
    return service(source={"git": {**GIT, **more}})


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://git.localhost:8443/acme/web.git", None),
        ("https://git.localhost:8443/acme/web", None),
        ("https://git.localhost:8443/other/web.git", Reason.REFERENCE_DENIED),
        ("http://git.dp-system.svc.cluster.local:8080/other/web.git", Reason.REFERENCE_DENIED),
        ("https://git.localhost:8443/acme/../other/web.git", Reason.INVALID_SPEC),
        ("https://git.localhost:8443/acme", Reason.INVALID_SPEC),
        ("https://example.com/acme/web.git", Reason.INVALID_SPEC),
    ],
)
def test_internal_repositories_belong_to_the_tenant(url: str, reason: Reason | None) -> None:
    found = source.refusal(git(url=url), IDENTITY, True, SETTINGS)
    assert (found.reason if found else None) == reason


def test_a_namespace_is_not_the_workspace_of_its_name() -> None:
    """Who may name a namespace `acme` gets neither the repositories nor the images of the workspace `acme`."""
    namesake = ServiceIdentity("acme", "", "web", "acme")
    url = "https://git.localhost:8443/acme/web.git"
    found = source.refusal(git(url=url), namesake, False, SETTINGS)
    assert found is not None
    assert found.reason == Reason.REFERENCE_DENIED
    with_token = {"secretRef": {"name": "token"}}
    assert source.refusal(git(url=url, auth=with_token), namesake, False, SETTINGS) is None
    image = service(source={"image": {"ref": f"{SETTINGS.registry}/acme/shop/api@sha256:1"}})
    assert source.refusal(image, namesake, False, SETTINGS) is not None


def test_an_image_of_another_tenant_is_denied() -> None:
    own = f"{SETTINGS.registry}/acme/shop/api@sha256:1"
    for ref, allowed in ((own, True), (f"{SETTINGS.registry}/acme2/shop/api", False), ("ghcr.io/x/y", True)):
        found = source.refusal(service(source={"image": {"ref": ref}}), IDENTITY, True, SETTINGS)
        assert (found is None) is allowed


def test_secrets_cannot_be_named_by_the_gateways_crs() -> None:
    auth = {"secretRef": {"name": "x"}}
    one = service(source={"git": {"url": "https://example.com/x.git", "auth": auth}})
    assert source.refusal(one, IDENTITY, True, SETTINGS) is not None
    assert source.refusal(one, IDENTITY, False, SETTINGS) is None


def test_the_same_inputs_have_the_same_name_and_others_another() -> None:
    base = source.build_plan(service(), IDENTITY, "a" * 40)
    assert base == source.build_plan(service(env=[{"name": "A", "value": "1"}], replicas=3), IDENTITY, "a" * 40)
    others = [
        source.build_plan(service(), IDENTITY, "b" * 40),
        source.build_plan(service(rebuildToken="1"), IDENTITY, "a" * 40),
        source.build_plan(service(build={"dockerfile": "x"}), IDENTITY, "a" * 40),
        source.build_plan(service(), ServiceIdentity("acme", "shop", "api", "n"), "a" * 40),
    ]
    assert len({base.key, *(o.key for o in others)}) == 5


def test_a_failure_names_the_address_that_people_know() -> None:
    told = f"{SETTINGS.git_internal_url}/acme/web.git has no branch 'main'"
    draft = Draft(service(), Observed(IDENTITY, head=Head(None, Reason.BRANCH_NOT_FOUND, told)), SETTINGS, NOW)
    build_step(draft)
    fact = draft.facts[ConditionType.SOURCE_RESOLVED]
    assert fact.message == f"{SETTINGS.git_public_url}/acme/web.git has no branch 'main'"


@pytest.mark.parametrize(
    ("annotation", "commit"),
    [(f"main@{'a' * 40}", "a" * 40), (f"dev@{'a' * 40}", None), ("main@abc", None), (None, None), ("@", None)],
)
def test_hints_speak_of_their_branch(annotation: str | None, commit: str | None) -> None:
    assert source.hinted_commit(annotation, "main") == commit
