"""What the API server refuses, and the sentence that it says then; what it takes; what it fills in."""

from __future__ import annotations

import pytest
from support.cluster.kube_api import KubeApi, Refused
from support.resources.full_specs import TAKEN
from support.resources.specs import REFUSED, SMALLEST, TAKEN_UPDATES, UPDATES, Json, custom_resource, path_of

SERVICES = "InkService"


@pytest.mark.parametrize(
    ("kind", "spec", "says"), [pytest.param(kind, spec, says, id=name) for name, kind, spec, says in REFUSED]
)
def test_a_wrong_spec_is_refused_with_the_way_out(
    api: KubeApi, namespace: str, kind: str, spec: Json, says: str
) -> None:
    with pytest.raises(Refused) as refused:
        api.create(path_of(kind, namespace), custom_resource(kind, **spec), dry_run=True)
    assert refused.value.code == 422
    assert says in refused.value.message
    assert "evaluation" not in refused.value.message, "a rule failed by itself, which tells nobody anything"


@pytest.mark.parametrize(("kind", "spec"), [pytest.param(kind, spec, id=name) for name, kind, spec in TAKEN])
def test_a_right_spec_is_taken_as_it_is(api: KubeApi, namespace: str, kind: str, spec: Json) -> None:
    """Strictly: a field that the schema does not know would be an error."""
    wanted = custom_resource(kind, **spec)
    made = api.create(f"{path_of(kind, namespace)}?fieldValidation=Strict&dryRun=All", wanted)
    assert {name: made["spec"].get(name) for name in SMALLEST[kind]}.keys() <= made["spec"].keys()
    for name, value in spec.items():
        assert contains(made["spec"][name], value), name


def contains(stored: object, wanted: object) -> bool:
    """Everything wanted is stored; defaults may have been added."""
    if isinstance(wanted, dict):
        return isinstance(stored, dict) and all(contains(stored.get(k), v) for k, v in wanted.items())
    if isinstance(wanted, list):
        return isinstance(stored, list) and all(contains(a, b) for a, b in zip(stored, wanted, strict=True))
    return stored == wanted


@pytest.mark.parametrize(
    ("kind", "steps", "says"),
    [pytest.param(kind, (before, change), says, id=name) for name, kind, before, change, says in UPDATES],
)
def test_what_cannot_change_says_what_to_do_instead(
    api: KubeApi, namespace: str, kind: str, steps: tuple[Json, Json], says: str
) -> None:
    before, change = steps
    api.create(path_of(kind, namespace), custom_resource(kind, **before))
    with pytest.raises(Refused) as refused:
        api.merge(f"{path_of(kind, namespace)}/shop", {"spec": change})
    assert refused.value.code == 422
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("kind", "before", "change"),
    [pytest.param(kind, before, change, id=name) for name, kind, before, change in TAKEN_UPDATES],
)
def test_what_can_change_may_change(api: KubeApi, namespace: str, kind: str, before: Json, change: Json) -> None:
    api.create(path_of(kind, namespace), custom_resource(kind, **before))
    assert api.merge(f"{path_of(kind, namespace)}/shop", {"spec": change})["metadata"]["generation"] == 2


@pytest.mark.parametrize("name", ["a" * 53, "1shop", "shop-", "Shop", "my_shop", "a.b.c.d"])
def test_a_name_that_is_no_dns_label_is_refused(api: KubeApi, namespace: str, name: str) -> None:
    """The last part of the name is the Deployment's, the Service's and the host's: RFC 1035, and room for suffixes."""
    for kind in ("InkService", "InkResource"):
        with pytest.raises(Refused) as refused:
            api.create(path_of(kind, namespace), custom_resource(kind, name), dry_run=True)
        assert refused.value.code == 422
        assert "name" in refused.value.message


@pytest.mark.parametrize("name", ["example.com", "acme.example.com", "shop"])
def test_a_domain_may_be_called_like_its_zone(api: KubeApi, namespace: str, name: str) -> None:
    api.create(path_of("InkDomain", namespace), custom_resource("InkDomain", name), dry_run=True)


def test_an_unknown_field_is_named(api: KubeApi, namespace: str) -> None:
    """As kubectl asks for it; a typing error must not be dropped in silence."""
    with pytest.raises(Refused, match=r'unknown field "spec.helth"'):
        api.create(
            f"{path_of(SERVICES, namespace)}?fieldValidation=Strict&dryRun=All", custom_resource(SERVICES, helth={})
        )


@pytest.mark.parametrize("kind", SMALLEST)
def test_a_new_object_is_not_taken_for_finished(api: KubeApi, namespace: str, kind: str) -> None:
    made = api.create(path_of(kind, namespace), custom_resource(kind))
    assert made["status"] == {"observedGeneration": -1}
    assert made["metadata"]["generation"] == 1


def test_defaults_are_filled_in(api: KubeApi, namespace: str) -> None:
    spec = api.create(path_of(SERVICES, namespace), custom_resource(SERVICES, ports=[{"port": 8000}]))["spec"]
    assert spec["source"]["git"]["branch"] == "main"
    assert (spec["replicas"], spec["mode"], spec["isolation"]) == (1, "Persistent", "Standard")
    assert spec["ports"] == [{"name": "http", "port": 8000, "protocol": "HTTP", "visibility": "Public"}]


def test_defaults_of_the_other_kinds(api: KubeApi, namespace: str) -> None:
    resource = api.create(path_of("InkResource", namespace), custom_resource("InkResource", backup={}))["spec"]
    assert resource == {"type": "SQLite", "deletionPolicy": "Retain", "backup": {"schedule": "@daily", "keep": 7}}
    record = {"name": "www", "type": "A", "values": ["203.0.113.7"]}
    domain = api.create(path_of("InkDomain", namespace), custom_resource("InkDomain", records=[record]))["spec"]
    assert domain == {"zone": "example.com", "records": [{**record, "ttl": 300}]}


def test_what_a_repository_may_also_set_has_no_default(api: KubeApi, namespace: str) -> None:
    """Effective value = spec, else ink.yaml, else the platform's default: a schema default would hide the second."""
    spec = api.create(path_of(SERVICES, namespace), custom_resource(SERVICES))["spec"]
    assert {"build", "command", "args", "ports", "health", "resources"} & set(spec) == set()


def test_status_is_written_through_its_subresource_only(api: KubeApi, namespace: str) -> None:
    api.create(path_of(SERVICES, namespace), custom_resource(SERVICES))
    one = f"{path_of(SERVICES, namespace)}/shop"
    assert api.merge(one, {"status": {"observedGeneration": 7}})["status"]["observedGeneration"] == -1
    assert api.merge(f"{one}/status", {"status": {"observedGeneration": 7}})["status"]["observedGeneration"] == 7


def test_a_write_of_the_status_makes_no_new_generation(api: KubeApi, namespace: str) -> None:
    for kind in SMALLEST:
        api.create(path_of(kind, namespace), custom_resource(kind))
        one = f"{path_of(kind, namespace)}/shop/status"
        assert api.merge(one, {"status": {"observedGeneration": 1}})["metadata"]["generation"] == 1


def test_scaling_goes_through_the_scale_subresource(api: KubeApi, namespace: str) -> None:
    api.create(path_of(SERVICES, namespace), custom_resource(SERVICES))
    one = f"{path_of(SERVICES, namespace)}/shop"
    api.merge(f"{one}/status", {"status": {"replicas": 1, "selector": "ml.ink/service=shop"}})
    scale = api.get(f"{one}/scale")
    assert (scale["spec"]["replicas"], scale["status"]) == (1, {"replicas": 1, "selector": "ml.ink/service=shop"})
    api.merge(f"{one}/scale", {"spec": {"replicas": 3}})
    assert api.get(one)["spec"]["replicas"] == 3


def test_two_appliers_own_their_own_list_items(api: KubeApi, namespace: str) -> None:
    """env is merged by name: one tool's variable survives the other's apply."""
    one = f"{path_of(SERVICES, namespace)}/shop"
    api.apply(one, custom_resource(SERVICES, env=[{"name": "A", "value": "1"}]), manager="argo")
    api.apply(one, custom_resource(SERVICES, env=[{"name": "B", "value": "2"}]), manager="flux")
    assert {item["name"] for item in api.get(one)["spec"]["env"]} == {"A", "B"}


def test_two_appliers_share_a_record_set(api: KubeApi, namespace: str) -> None:
    """records are merged by name and type, values as a set: two tools can each prove something in one TXT record."""
    one = f"{path_of('InkDomain', namespace)}/shop"
    for manager, value in (("argo", "a=1"), ("flux", "b=2")):
        record = {"name": "@", "type": "TXT", "values": [value]}
        api.apply(one, custom_resource("InkDomain", records=[record]), manager=manager)
    (stored,) = api.get(one)["spec"]["records"]
    assert set(stored["values"]) == {"a=1", "b=2"}
