"""Writes the API reference, the page of reasons and the schema of ink.yaml: `python -m ink_api.docgen DOCS EXAMPLES`.

They come from the same models as the CRDs, so the pages and the API cannot disagree.
"""

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ink_api.condition_types import ConditionType
from ink_api.crdgen import KINDS, CustomResource, crd
from ink_api.group import API_VERSION
from ink_api.inkfile import json_schema
from ink_api.quantities import DURATION_PATTERN
from ink_api.reasons import Reason, ReasonClass

Schema = dict[str, Any]
HEADER = "<!-- Generated from crds/ink_api by `make docs`; do not edit. -->\n"


def text(value: str) -> str:
    """The value as it is written in a table cell."""
    return value.replace("|", "\\|").replace("\n", " ")


def shown(value: object) -> str:
    """A default as it is written in YAML."""
    return {True: "`true`", False: "`false`"}[value] if isinstance(value, bool) else f"`{value}`"


def type_of(node: Schema) -> str:
    """The type in words, and how a list is merged."""
    if node.get("x-kubernetes-int-or-string"):
        return "quantity"
    if node.get("pattern") == DURATION_PATTERN:
        return "duration"
    if "items" in node:
        keys = node.get("x-kubernetes-list-map-keys")
        kind = f"list of {type_of(node['items'])}"
        return f"{kind} by {' and '.join(keys)}" if keys else kind
    if "additionalProperties" in node:
        return f"map of {type_of(node['additionalProperties'])}"
    return "time" if node.get("format") == "date-time" else str(node["type"])


def span(node: Schema, least: str, most: str, what: str = "") -> list[str]:
    """A range in words."""
    low, high = node.get(least), node.get(most)
    if low is not None and high is not None:
        return [f"{low} to {high}{what}" if low != high else f"{low}{what}"]
    return [f"{word} {value}{what}" for word, value in (("at least", low), ("at most", high)) if value is not None]


def limits(node: Schema) -> str:
    """The limits that the schema itself checks."""
    found = [", ".join(f"`{value}`" for value in node["enum"])] if "enum" in node else []
    found += span(node, "minimum", "maximum")
    found += span(node, "minLength", "maxLength", " characters") if "pattern" not in node else []
    found += span(node, "minItems", "maxItems", " items")
    if "items" in node and node["items"].get("type") == "string":
        inner = limits(node["items"])
        found += [f"each {inner}"] if inner else []
    return "; ".join(found)


def rule_texts(node: Schema) -> list[str]:
    """The messages of the value's rules."""
    return [rule["message"] for rule in node.get("x-kubernetes-validations", [])]


def objects(node: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Every object that has fields, outermost first."""
    while "items" in node:
        node, path = node["items"], f"{path}[]"
    if "properties" in node:
        yield path, node
        for name, child in node["properties"].items():
            yield from objects(child, f"{path}.{name}")


def table(node: Schema) -> Iterator[str]:
    """The fields of one object."""
    required = node.get("required", [])
    yield "| field | type | default | limits | what it is |"
    yield "| --- | --- | --- | --- | --- |"
    for name, child in node["properties"].items():
        default = (
            "**required**" if name in required else shown(child["default"]) if child.get("default", "") != "" else ""
        )
        description = child.get("description", "")
        if rule_texts(child) and "properties" not in child:
            description += f" *Checked: {'; '.join(rule_texts(child))}.*"
        yield f"| `{name}` | {type_of(child)} | {default} | {text(limits(child))} | {text(description)} |"


def summary(example: Path) -> str:
    """The first sentence of the comment that an example begins with."""
    comment = itertools.takewhile(lambda line: line.startswith("#"), example.read_text().splitlines())
    words = " ".join(line.lstrip("# ") for line in comment)
    return words.split(". ")[0].rstrip(".") + "."


def api_page(examples: Path) -> str:
    """The reference of all kinds."""
    lines = [
        HEADER,
        "# API reference",
        "",
        f"`{API_VERSION}`. `kubectl explain inksvc.spec` shows the same texts. *Checked* and *Rules* list the messages "
        "with which the API server rejects a wrong value.",
        "",
        "If a field without a default is left out, the repository or the platform decides. Lists *by name* are merged "
        "by that key under server-side apply, so that two tools can each own some of the items.",
        "",
        "[reasons.md](reasons.md) explains what a status says; [gitops.md](gitops.md) explains how tools read it.",
        "",
    ]
    for kind in KINDS:
        lines += kind_section(kind, examples)
    return "\n".join(lines).rstrip() + "\n"


def kind_section(kind: CustomResource, examples: Path) -> Iterator[str]:
    """One kind: description, examples, spec, status."""
    schema = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    yield from (f"## {kind.kind}", "", f"{kind.description} Short name `{kind.short}`, category `ink`.", "")
    found = sorted(examples.glob(f"{kind.kind.lower()}*.yaml"))
    if found:
        yield "Examples:"
        yield ""
        for file in found:
            yield f"- [{file.name}](../examples/{file.name}): {summary(file)}"
        yield ""
    if rule_texts(schema):
        yield from ("Rules:", "", *(f"- {message}" for message in rule_texts(schema)), "")
    for part in ("spec", "status"):
        for path, node in objects(schema["properties"][part], part):
            yield from (f"### {kind.kind} `{path}`", "")
            if path != part and node.get("description"):
                yield from (node["description"], "")
            yield from table(node)
            yield ""
            if rule_texts(node):
                yield from ("Rules:", "", *(f"- {message}" for message in rule_texts(node)), "")


CLASSES: dict[ReasonClass, str] = {
    ReasonClass.DONE: "Nothing to do.",
    ReasonClass.IN_PROGRESS: "Ink is working on it, and the condition `Reconciling` is present. Just wait.",
    ReasonClass.ACTION_REQUIRED: "Somebody has to change something; the condition `Stalled` is present. Ink checks "
    "again after every change, and every few minutes.",
    ReasonClass.RETRIED: "Ink keeps trying. The condition `Stalled` is present, so that the delay is visible.",
}


def reasons_page() -> str:
    """Every condition and every reason."""
    lines = [
        HEADER,
        "# Conditions and reasons",
        "",
        "Every condition has a `reason` from this page, and a `message` that ends with what to do. "
        "The gateway's tools use the same reasons.",
        "",
        "## Conditions",
        "",
        "| type | kind | what it means when it is `True` |",
        "| --- | --- | --- |",
        *(f"| `{type_}` | {type_.kind or 'all'} | {text(type_.meaning)} |" for type_ in ConditionType),
        "",
    ]
    for reason_class, description in CLASSES.items():
        lines += [f"## {reason_class.value}", "", description, ""]
        for reason in Reason:
            if reason.reason_class is reason_class:
                lines += reason_section(reason)
    return "\n".join(lines).rstrip() + "\n"


def reason_section(reason: Reason) -> Iterator[str]:
    """One reason."""
    yield from (f"### {reason}", "", reason.meaning, "")
    if reason.remedy:
        yield from (f"**What to do:** {reason.remedy}", "")
    yield from (f"Found in: {', '.join(f'`{place}`' for place in reason.stated_by)}.", "")


def main(docs: str, examples: str) -> None:
    """Write both pages, and the schema of ink.yaml."""
    (Path(docs) / "api.md").write_text(api_page(Path(examples)))
    (Path(docs) / "reasons.md").write_text(reasons_page())
    (Path(docs) / "ink.schema.json").write_text(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
