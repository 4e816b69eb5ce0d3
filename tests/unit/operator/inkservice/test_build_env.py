"""Variables of a build: which are served, what they change in its name, and where their values go."""

from __future__ import annotations

import json
import re
from typing import Any

from ink_operator.inkservice.decide.checks import unsupported_fields
from ink_operator.inkservice.desired.buildjob import make_job, make_secret, secret_keys
from ink_operator.inkservice.facts.source import build_plan, settings_hash
from ink_operator.inkservice.model import ServiceContext, StartBuild, WantedBuild
from unit.operator.inkservice.making import IDENTITY, SETTINGS, service

PLAIN = {"name": "A", "value": "1"}
VALUE = "hunter2-in-the-open"


def sealed(text: str = "x.y.z") -> dict[str, Any]:
    return {"name": "TOKEN", "valueFrom": {"sealed": text}}


def key_of(*env: dict[str, Any], secrets: str = "") -> str:
    return build_plan(service(build={"env": list(env)}), IDENTITY, "a" * 40, secrets=secrets).key


def test_what_is_served() -> None:
    refs = [{"secretKeyRef": {"name": "s", "key": "k"}}, {"configMapKeyRef": {"name": "s", "key": "k"}}]
    served = [{"name": f"V{n}", "valueFrom": ref} for n, ref in enumerate(refs)]
    assert unsupported_fields(service(build={"env": [PLAIN, sealed(), *served]}).spec) == []


def test_what_comes_from_other_services_is_refused_in_words() -> None:
    entry = {"name": "A", "valueFrom": {"resourceRef": {"name": "db", "key": "url"}}}
    assert unsupported_fields(service(build={"env": [entry]}).spec) == ["spec.build.env with resourceRef"]


def test_the_value_names_a_build_and_not_its_seal() -> None:
    first = key_of(PLAIN, sealed("1"), secrets="d1")
    assert key_of(PLAIN, sealed("2"), secrets="d1") == first
    assert key_of(PLAIN, sealed("1"), secrets="d2") != first
    assert key_of(PLAIN, secrets="") not in {first, key_of({"name": "A", "value": "2"})}


def test_without_such_variables_nothing_is_named_anew() -> None:
    """Builds of earlier versions keep their names."""
    assert settings_hash(service(build={"env": [PLAIN], "target": "x"}), planner="2")[:20] == "0bc13cd981ebb81e9984"


def test_values_stand_in_the_builds_secret_alone() -> None:
    context = ServiceContext(service(build={"env": [PLAIN, sealed()]}), IDENTITY, SETTINGS)
    plan = WantedBuild("k" * 20, "a" * 40, "acme/shop/web", "t-", secrets="d" * 64)
    start = StartBuild(plan, 1, no_cache=False, secrets={"TOKEN": VALUE})
    job = make_job(context, start, suspend=False)
    text = json.dumps(job)
    assert VALUE not in text + repr(start)
    assert "x.y.z" not in text
    (container,) = job["spec"]["template"]["spec"]["containers"]
    variables = {v["name"]: v for v in container["env"]}
    assert json.loads(variables["INK_BUILD"]["value"])["env"] == [PLAIN]
    assert variables["INK_BUILD_SECRETS"]["valueFrom"] == {
        "secretKeyRef": {"name": job["metadata"]["name"], "key": "INK_BUILD_SECRETS"}
    }
    assert variables["INK_BUILD_SECRETS_DIGEST"]["value"] == "d" * 64
    secret = make_secret(context, start, dict.fromkeys(secret_keys(start), VALUE), None)
    assert set(secret["stringData"]) == set(secret_keys(start))


def test_kubernetes_puts_no_variable_into_a_value() -> None:
    """Of the container's own variables, `$(INK_TENANT)` in a value would show one that is Ink's."""
    value = "$(INK_TENANT) $$(X) $HOME a$"
    spec = service(build={"env": [{"name": "A", "value": value}], "buildCommand": "make -j $(nproc)"})
    start = StartBuild(WantedBuild("k" * 20, "a" * 40, "acme/shop/web", "t-"), 1, no_cache=False)
    job = make_job(ServiceContext(spec, IDENTITY, SETTINGS), start, suspend=False)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    variables = {v["name"]: v["value"] for v in container["env"] if "value" in v}
    build = json.loads(expanded(variables["INK_BUILD"], variables))
    assert (build["env"][0]["value"], build["buildCommand"]) == (value, "make -j $(nproc)")


def expanded(text: str, variables: dict[str, str]) -> str:
    """As the kubelet does: `$$` is a dollar, `$(NAME)` a variable that it knows, everything else stays."""
    pattern = r"\$(?:(\$)|\(([^)]*)\))"
    return re.sub(pattern, lambda m: "$" if m[1] else variables.get(m[2], m[0]), text)


def test_a_build_without_them_is_as_it_was() -> None:
    context = ServiceContext(service(build={"env": [PLAIN]}), IDENTITY, SETTINGS)
    start = StartBuild(WantedBuild("k" * 20, "a" * 40, "acme/shop/web", "t-"), 1, no_cache=False)
    assert "INK_BUILD_SECRETS" not in json.dumps(make_job(context, start, suspend=False))
