"""What the API server refuses, and the sentence that it says then."""

from __future__ import annotations

from typing import Any

import pytest
from support.kube_api import KubeApi, Refused

GIT = {"url": "https://git.example.com/acme/shop.git"}
SOURCE = {"git": GIT}
Json = dict[str, Any]


def service(name: str = "shop", **spec: Any) -> Json:
    """An InkService that is right but for what a test changes."""
    body = {"source": SOURCE, **spec}
    return {"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "metadata": {"name": name}, "spec": body}


def path(namespace: str, plural: str = "inkservices") -> str:
    return f"/apis/ml.ink/v1alpha1/namespaces/{namespace}/{plural}"


REFUSED = [
    ("no source", {"source": {}}, "set exactly one of git and image"),
    ("two sources", {"source": {"git": GIT, "image": {"ref": "x"}}}, "set exactly one of git and image"),
    ("ssh address", {"source": {"git": {"url": "git@example.com:shop.git"}}}, "spec.source.git.url"),
    ("credentials in the address", {"source": {"git": {"url": "https://me:word@x/y.git"}}}, "spec.source.git.url"),
    ("option as a branch", {"source": {"git": {**GIT, "branch": "--upload-pack=x"}}}, "spec.source.git.branch"),
    ("commit that is a branch", {"source": {"git": {**GIT, "commit": "main"}}}, "spec.source.git.commit"),
    ("directory outside", {"source": {"git": {**GIT, "rootDirectory": "a/../../b"}}}, "remove '..'"),
    ("two ways to sign in", {"source": {"git": {**GIT, "auth": {"internal": {}, "secretRef": {"name": "x"}}}}},
     "set exactly one of internal, secretRef and githubApp"),
    ("no way to sign in", {"source": {"git": {**GIT, "auth": {}}}},
     "set exactly one of internal, secretRef and githubApp"),
    ("unknown pack", {"build": {"pack": "Heroku"}}, "spec.build.pack"),
    ("port out of range", {"ports": [{"name": "http", "port": 70000}]}, "spec.ports[0].port"),
    ("two ports of one name", {"ports": [{"name": "a", "port": 80}, {"name": "a", "port": 81}]}, "Duplicate value"),
    ("two values of one variable", {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
     "Duplicate value"),
    ("variable with a space", {"env": [{"name": "A B", "value": "1"}]}, "spec.env[0].name"),
    ("value and valueFrom", {"env": [{"name": "A", "value": "1", "valueFrom": {"sealed": "x"}}]},
     "set value or valueFrom, not both"),
    ("two places for a value",
     {"env": [{"name": "A", "valueFrom": {"sealed": "x", "secretKeyRef": {"name": "s", "key": "k"}}}]},
     "set exactly one of secretKeyRef, configMapKeyRef, resourceRef, serviceEnvRef and sealed"),
    ("too many replicas", {"replicas": 101}, "spec.replicas"),
    ("negative replicas", {"replicas": -1}, "spec.replicas"),
    ("path without a slash", {"health": {"path": "healthz"}}, "spec.health.path"),
    ("memory that is no quantity", {"resources": {"limits": {"memory": "lots"}}}, "spec.resources.limits.memory"),
    ("subdomain with a dot", {"subdomain": "a.b"}, "spec.subdomain"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "says"), [pytest.param(spec, says, id=name) for name, spec, says in REFUSED])
def test_a_wrong_spec_is_refused_with_the_field_or_the_way_out(
    api: KubeApi, namespace: str, spec: Json, says: str
) -> None:
    with pytest.raises(Refused) as refused:
        api.create(path(namespace), service(**spec), dry_run=True)
    assert refused.value.code == 422
    assert says in refused.value.message


ACCEPTED = [
    ("smallest", {}),
    ("pinned commit", {"source": {"git": {**GIT, "commit": "0" * 40}}}),
    ("image", {"source": {"image": {"ref": "registry.example.com/shop@sha256:" + "0" * 64}}}),
    ("worker", {"ports": []}),
    ("sealed value", {"env": [{"name": "A", "valueFrom": {"sealed": "eyJ"}}]}),
    ("asleep", {"replicas": 0}),
]


@pytest.mark.parametrize("spec", [pytest.param(spec, id=name) for name, spec in ACCEPTED])
def test_a_right_spec_is_accepted(api: KubeApi, namespace: str, spec: Json) -> None:
    api.create(path(namespace), service(**spec), dry_run=True)


@pytest.mark.parametrize("name", ["a" * 53, "1shop", "shop-", "Shop", "my_shop", "a.b.c.d"])
def test_a_name_that_is_no_dns_label_is_refused(api: KubeApi, namespace: str, name: str) -> None:
    """The last part of the name is the Deployment's, the Service's and the host's: RFC 1035, and room for suffixes."""
    with pytest.raises(Refused) as refused:
        api.create(path(namespace), service(name), dry_run=True)
    assert refused.value.code == 422
    assert "name" in refused.value.message


IMMUTABLE = [
    ("InkResource", {"type": "SQLite"}, {"type": "Redis"}, "create another resource"),
    ("InkDomain", {"zone": "example.com"}, {"zone": "example.org"}, "create another InkDomain"),
]


@pytest.mark.parametrize("case", IMMUTABLE, ids=lambda case: case[0])
def test_what_cannot_change_says_what_to_do_instead(
    api: KubeApi, namespace: str, case: tuple[str, Json, Json, str]
) -> None:
    kind, before, after, says = case
    where = path(namespace, f"{kind.lower()}s")
    api.create(where, {"apiVersion": "ml.ink/v1alpha1", "kind": kind, "metadata": {"name": "one"}, "spec": before})
    with pytest.raises(Refused, match=says):
        api.merge(f"{where}/one", {"spec": after})


def test_a_new_object_is_not_taken_for_finished(api: KubeApi, namespace: str) -> None:
    made = api.create(path(namespace), service())
    assert made["status"] == {"observedGeneration": -1}
    assert made["metadata"]["generation"] == 1


def test_defaults_are_filled_in(api: KubeApi, namespace: str) -> None:
    spec = api.create(path(namespace), service(ports=[{"port": 8000}]))["spec"]
    assert spec["source"]["git"]["branch"] == "main"
    assert spec["replicas"] == 1
    assert spec["ports"] == [{"name": "http", "port": 8000, "protocol": "HTTP", "visibility": "Public"}]


def test_what_a_repository_may_also_set_has_no_default(api: KubeApi, namespace: str) -> None:
    """Effective value = spec, else ink.yaml, else the platform's default: a schema default would hide the second."""
    spec = api.create(path(namespace), service())["spec"]
    assert {"build", "command", "args", "ports", "health", "resources"} & set(spec) == set()


def test_status_is_written_through_its_subresource_only(api: KubeApi, namespace: str) -> None:
    api.create(path(namespace), service())
    one = f"{path(namespace)}/shop"
    assert api.merge(one, {"status": {"observedGeneration": 7}})["status"]["observedGeneration"] == -1
    assert api.merge(f"{one}/status", {"status": {"observedGeneration": 7}})["status"]["observedGeneration"] == 7


def test_scaling_goes_through_the_scale_subresource(api: KubeApi, namespace: str) -> None:
    api.create(path(namespace), service())
    one = f"{path(namespace)}/shop"
    api.merge(f"{one}/status", {"status": {"replicas": 1, "selector": "ml.ink/service=shop"}})
    scale = api.get(f"{one}/scale")
    assert (scale["spec"]["replicas"], scale["status"]) == (1, {"replicas": 1, "selector": "ml.ink/service=shop"})
    api.merge(f"{one}/scale", {"spec": {"replicas": 3}})
    assert api.get(one)["spec"]["replicas"] == 3


def test_two_appliers_own_their_own_list_items(api: KubeApi, namespace: str) -> None:
    """env is merged by name: one tool's variable survives the other's apply."""
    one = f"{path(namespace)}/shop"
    api.apply(one, service(env=[{"name": "A", "value": "1"}]), manager="argo")
    second = {"apiVersion": "ml.ink/v1alpha1", "kind": "InkService", "metadata": {"name": "shop"}}
    api.apply(one, {**second, "spec": {"source": SOURCE, "env": [{"name": "B", "value": "2"}]}}, manager="flux")
    assert {item["name"] for item in api.get(one)["spec"]["env"]} == {"A", "B"}
