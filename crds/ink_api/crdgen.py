"""Writes the CustomResourceDefinitions from the models: `python -m ink_api.crdgen DIRECTORY`.

Pydantic's JSON schema becomes a structural one (apiextensions.k8s.io/v1): references inlined, null removed, defaults
and descriptions kept. Source: "Extend the Kubernetes API with CustomResourceDefinitions", Kubernetes documentation.
"""

import sys
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from ink_api.group import GROUP, VERSION
from ink_api.inkdomain import InkDomainSpec, InkDomainStatus
from ink_api.inkresource import InkResourceSpec, InkResourceStatus
from ink_api.inkservice import InkServiceSpec, InkServiceStatus
from ink_api.schema import PATTERN_MESSAGE, cel

COPIED_KEYS = (
    "type", "description", "enum", "default", "pattern", "format", "minimum", "maximum", "minLength", "maxLength",
    "minItems", "maxItems", "required",
)  # fmt: skip


class CustomResource(NamedTuple):
    """What the CRD of one kind needs besides its schema."""

    kind: str
    plural: str
    short: str
    spec: type[BaseModel]
    status: type[BaseModel]
    description: str
    columns: tuple[tuple[str, str, str, int], ...]
    """(name, type, JSONPath, priority)"""
    scale: bool = False
    rules: tuple[dict[str, str], ...] = ()


NAME = "[a-z]([-a-z0-9]{0,50}[a-z0-9])?"
"""Pattern of a service's name. In the tenants namespace, `<workspace>.<project>.` comes before it."""
NAME_MESSAGE = (
    "the name must begin with a letter, end with a letter or digit, have only a-z, 0-9 and '-', and at most 52 "
    "characters"
)
READY = ".status.conditions[?(@.type=='Ready')]"
BASE_COLUMNS = (("Ready", "string", f"{READY}.status", 0), ("Reason", "string", f"{READY}.reason", 0))
AGE = ("Age", "date", ".metadata.creationTimestamp", 0)

KINDS = (
    CustomResource(
        "InkService", "inkservices", "inksvc", InkServiceSpec, InkServiceStatus,
        "An application, built from a git repository or run from an image, with a public URL.",
        (
            *BASE_COLUMNS,
            ("URL", "string", ".status.url", 0),
            ("Commit", "string", ".status.commit", 0),
            AGE,
            ("Image", "string", ".status.image", 1),
            ("Replicas", "integer", ".status.readyReplicas", 1),
        ),
        scale=True,
        rules=(
            {
                "rule": f"self.metadata.name.matches('^({NAME}[.]){{0,2}}{NAME}$')",
                "message": NAME_MESSAGE,
            },
        ),
    ),
    CustomResource(
        "InkResource", "inkresources", "inkres", InkResourceSpec, InkResourceStatus,
        "A database or another backing service.",
        (
            *BASE_COLUMNS,
            ("Type", "string", ".spec.type", 0),
            ("Secret", "string", ".status.secretName", 0),
            AGE,
            ("Provider", "string", ".status.provider", 1),
            ("Region", "string", ".status.region", 1),
            ("Size", "string", ".spec.size", 1),
            ("Endpoint", "string", ".status.endpoint", 1),
        ),
        rules=(
            {
                "rule": f"self.metadata.name.matches('^({NAME}[.])?{NAME}$')",
                "message": NAME_MESSAGE,
            },
        ),
    ),
    CustomResource(
        "InkDomain", "inkdomains", "inkdom", InkDomainSpec, InkDomainStatus,
        "A DNS zone that is delegated to the platform.",
        (
            *BASE_COLUMNS,
            ("Zone", "string", ".spec.zone", 0),
            AGE,
            ("Expires", "string", ".status.expiresAt", 1),
            ("Certificate Until", "string", ".status.certificate.notAfter", 1),
            ("Nameservers", "string", ".status.nameservers", 1),
        ),
    ),
)  # fmt: skip


def structural(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """One pydantic schema node as a structural one; `null` is removed from nullable unions."""
    if "$ref" in schema:
        target = definitions[schema["$ref"].rsplit("/", 1)[1]]
        schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option.get("type") != "null"]
        if len(options) != 1:
            raise ValueError(f"a union cannot be structural: {schema}")
        rest = {k: v for k, v in schema.items() if k != "anyOf" and not (k == "default" and v is None)}
        return structural({**options[0], **rest}, definitions)
    if "const" in schema:
        schema = {**schema, "enum": [schema["const"]]}
    out = {k: schema[k] for k in COPIED_KEYS if k in schema}
    out.update({k: v for k, v in schema.items() if k.startswith("x-kubernetes-")})
    if PATTERN_MESSAGE in schema:
        text = "string(self)" if schema.get("x-kubernetes-int-or-string") else "self"
        explained = cel(f"{text}.matches(r'{schema['pattern']}')", schema[PATTERN_MESSAGE])
        out["x-kubernetes-validations"] = [explained, *out.get("x-kubernetes-validations", [])]
    if out.get("x-kubernetes-int-or-string"):
        del out["type"]
        out["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if schema.get("type") == "object":
        if "properties" in schema:
            out["properties"] = {k: structural(v, definitions) for k, v in schema["properties"].items()}
        elif isinstance(schema.get("additionalProperties"), dict):
            out["additionalProperties"] = structural(schema["additionalProperties"], definitions)
        else:
            out["x-kubernetes-preserve-unknown-fields"] = True
    if "items" in schema:
        out["items"] = structural(schema["items"], definitions)
    return out


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The structural schema of a model."""
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs", {})
    return structural(schema, definitions)


def without_rules(node: Any) -> Any:
    """The schema of a status: only the operator writes it, so rules would cost time and help nobody."""
    if isinstance(node, dict):
        return {k: without_rules(v) for k, v in node.items() if k != "x-kubernetes-validations"}
    return node


def crd(kind: CustomResource) -> dict[str, Any]:
    """The CustomResourceDefinition of one kind."""
    status = without_rules(schema_of(kind.status))
    status["default"] = {"observedGeneration": -1}
    root: dict[str, Any] = {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": schema_of(kind.spec),
            "status": status,
        },
    }
    if kind.rules:
        root["x-kubernetes-validations"] = list(kind.rules)
    subresources: dict[str, Any] = {"status": {}}
    if kind.scale:
        subresources["scale"] = {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        }
    columns = [
        {"name": name, "type": type_, "jsonPath": path, "priority": priority}
        for name, type_, path, priority in kind.columns
    ]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.kind,
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "shortNames": [kind.short],
                "categories": ["ink"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": root},
                    "subresources": subresources,
                    "additionalPrinterColumns": columns,
                }
            ],
        },
    }


def main(directory: str) -> None:
    """Write one YAML file per kind. PyYAML is a development tool only, hence imported here."""
    import yaml

    for kind in KINDS:
        text = yaml.safe_dump(crd(kind), sort_keys=False, width=120, allow_unicode=True)
        header = "# Generated from crds/ink_api by `make crds`; do not edit.\n"
        (Path(directory) / f"{GROUP}_{kind.plural}.yaml").write_text(header + text)


if __name__ == "__main__":
    main(sys.argv[1])
