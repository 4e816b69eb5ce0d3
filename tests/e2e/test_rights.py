"""The gateway may write custom resources of Ink, and nothing else: asked of the API server, verb by verb."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from support.outside.platform import BUILDS, SYSTEM, TENANTS, Deployed, Platform

GATEWAY = f"system:serviceaccount:{SYSTEM}:gateway"
WRITES = ("create", "update", "patch", "delete", "deletecollection")
SPECIAL = (
    ("impersonate", "", "users"),
    ("impersonate", "", "groups"),
    ("impersonate", "", "serviceaccounts"),
    ("bind", "rbac.authorization.k8s.io", "clusterroles"),
    ("escalate", "rbac.authorization.k8s.io", "clusterroles"),
    ("approve", "certificates.k8s.io", "signers"),
    ("create", "", "serviceaccounts/token"),
    ("get", "", "secrets"),
    ("list", "", "secrets"),
    ("get", "", "nodes/proxy"),
    ("get", "", "pods/exec"),
)
EVERYBODY = {
    ("create", "authentication.k8s.io", "selfsubjectreviews"),
    ("create", "authorization.k8s.io", "selfsubjectaccessreviews"),
    ("create", "authorization.k8s.io", "selfsubjectrulesreviews"),
}
"""What Kubernetes lets every authenticated user ask."""
KINDS = ("inkservices", "inkresources", "inkdomains")


class Right(NamedTuple):
    """One thing that somebody may or may not do; namespace "" means in the whole cluster."""

    verb: str
    group: str
    resource: str
    namespace: str


def resources(platform: Platform) -> Iterator[tuple[str, str, bool]]:
    """(group, resource or resource/subresource, namespaced) of everything that the API server serves."""
    groups = [("", "/api/v1")]
    groups += [
        (group["name"], f"/apis/{group['preferredVersion']['groupVersion']}")
        for group in platform.api.get("/apis")["groups"]
    ]
    for group, path in groups:
        for resource in platform.api.get(path)["resources"]:
            yield group, resource["name"], resource["namespaced"]


def is_allowed(platform: Platform, right: Right) -> bool:
    """The API server's own answer."""
    resource, _, subresource = right.resource.partition("/")
    attributes = {"verb": right.verb, "group": right.group, "resource": resource, "subresource": subresource}
    if right.namespace:
        attributes["namespace"] = right.namespace
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{SYSTEM}", "system:authenticated"]
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": GATEWAY, "groups": groups, "resourceAttributes": attributes},
    }
    answer = platform.api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer["status"]["allowed"])


def is_meant(right: Right) -> bool:
    """What the design lets the gateway do: the three kinds in the tenants' namespace, and head hints elsewhere."""
    if (right.verb, right.group, right.resource) in EVERYBODY:
        return True
    if right.group != "ml.ink" or right.resource not in KINDS:
        return False
    if right.namespace == TENANTS:
        return right.verb in {"create", "update", "patch", "delete"}
    return right.verb == "patch" and right.resource == "inkservices"


@pytest.fixture(scope="module")
def granted(platform: Platform, hello: Deployed) -> set[Right]:
    """Every write of every resource, in the namespaces that matter, that the gateway is allowed."""
    namespaces = (TENANTS, platform.namespace(), SYSTEM, BUILDS, "kube-system", "default", "")
    asked = {
        Right(verb, group, resource, namespace)
        for group, resource, namespaced in resources(platform)
        for verb in WRITES
        for namespace in (namespaces if namespaced else ("",))
    }
    asked |= {Right(*special, namespace) for special in SPECIAL for namespace in namespaces}
    return {right for right in sorted(asked) if is_allowed(platform, right)}


def test_the_gateway_is_refused_every_other_write(granted: set[Right]) -> None:
    assert {right for right in granted if not is_meant(right)} == set()


def test_the_gateway_may_write_services_where_it_should(granted: set[Right]) -> None:
    needed = {Right(verb, "ml.ink", "inkservices", TENANTS) for verb in ("create", "patch", "delete")}
    assert needed <= granted


def test_outside_its_namespace_the_gateway_may_only_hint(platform: Platform, managed: str) -> None:
    """RBAC lets it patch; the admission policy lets it patch nothing but annotations of Ink's."""
    gateway = platform.kubectl.as_user(GATEWAY)
    manifest = {
        "apiVersion": "ml.ink/v1alpha1",
        "kind": "InkService",
        "metadata": {"name": "asleep", "namespace": managed},
        "spec": {"source": {"image": {"ref": "registry.invalid/none:1"}}, "replicas": 0, "ports": []},
    }
    platform.kubectl.apply(manifest)
    one = ("patch", "inksvc", "asleep", "-n", managed, "--type=merge", "-p")
    gateway.run(*one, '{"metadata":{"annotations":{"ml.ink/head":"main@' + "0" * 40 + '"}}}')
    for patch in (
        '{"spec":{"replicas":1}}',
        '{"metadata":{"labels":{"a":"b"}}}',
        '{"metadata":{"annotations":{"example.com/a":"b"}}}',
        '{"metadata":{"finalizers":[]}}',
    ):
        refused = gateway.attempt(*one, patch)
        assert refused.returncode != 0 or "no change" in refused.stdout, f"{patch}: {refused.stdout}"
    platform.kubectl.delete("inksvc", "asleep", managed)


def test_nobody_but_the_gateway_writes_in_its_namespace(platform: Platform) -> None:
    """Not even somebody with RBAC rights there: names in it stand for tenants."""
    body = {
        "apiVersion": "ml.ink/v1alpha1",
        "kind": "InkService",
        "metadata": {"name": "a.b.c", "namespace": TENANTS},
        "spec": {"source": {"image": {"ref": "x"}}},
    }
    somebody = platform.kubectl.attempt(
        "create", "--dry-run=server", "-f", "-", "--as=somebody", "--as-group=system:masters", stdin=json.dumps(body)
    )
    assert somebody.returncode != 0
    assert TENANTS in somebody.stderr
