"""Writes the API reference, the page of reasons and the schema of ink.yaml: `python -m ink_api.docgen DOCS EXAMPLES`.

From the same models as the CRDs, so that neither can say what is not so.
"""

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ink_api.conditions import ConditionType
from ink_api.crdgen import KINDS, Kind, crd
from ink_api.group import API_VERSION
from ink_api.inkfile import json_schema
from ink_api.meanings import CONDITIONS, MEANINGS
from ink_api.quantities import DURATION_PATTERN
from ink_api.reasons import PROGRESS, RETRIED, Reason, remedy

Schema = dict[str, Any]
HEADER = "<!-- Generated from crds/ink_api by `make docs`; do not edit. -->\n"


def text(value: str) -> str:
    """The value inside a cell of a table."""
    return value.replace("|", "\\|").replace("\n", " ")


def shown(value: object) -> str:
    """A default as it stands in YAML."""
    return {True: "`true`", False: "`false`"}[value] if isinstance(value, bool) else f"`{value}`"


def type_of(node: Schema) -> str:
    """What a person writes: a word for the type, and how a list is merged."""
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
    """What the schema itself checks."""
    found = [", ".join(f"`{value}`" for value in node["enum"])] if "enum" in node else []
    found += span(node, "minimum", "maximum")
    found += span(node, "minLength", "maxLength", " characters") if "pattern" not in node else []
    found += span(node, "minItems", "maxItems", " items")
    if "items" in node and node["items"].get("type") == "string":
        inner = limits(node["items"])
        found += [f"each {inner}"] if inner else []
    return "; ".join(found)


def rule_texts(node: Schema) -> list[str]:
    """What the rules of this value say."""
    return [rule["message"] for rule in node.get("x-kubernetes-validations", [])]


def objects(node: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Every object with fields of its own, outermost first."""
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
        default = "**required**" if name in required else shown(child["default"]) if "default" in child else ""
        said = child.get("description", "")
        if rule_texts(child) and "properties" not in child:
            said += f" *Checked: {'; '.join(rule_texts(child))}.*"
        yield f"| `{name}` | {type_of(child)} | {default} | {text(limits(child))} | {text(said)} |"


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
        f"`{API_VERSION}`. `kubectl explain inksvc.spec` says the same. What a wrong value is answered with stands "
        "behind *Checked* and under *Rules*.",
        "",
        "A field without a default that is left out is decided by the repository or by the platform. Lists *by name* "
        "are merged by that key under server-side apply, so that two tools can each own some of their items.",
        "",
        "What a status says is explained in [reasons.md](reasons.md); how tools read it, in [gitops.md](gitops.md).",
        "",
    ]
    for kind in KINDS:
        lines += kind_section(kind, examples)
    return "\n".join(lines).rstrip() + "\n"


def kind_section(kind: Kind, examples: Path) -> Iterator[str]:
    """One kind: what it is, examples, spec, status."""
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


GROUPS: tuple[tuple[str, str], ...] = (
    ("As it should be", "Nothing to do."),
    ("On its way", "Ink is at work, and says so by `Reconciling`. Nothing to do but wait."),
    ("What you can mend", "`Stalled` is there, and Ink looks again after every change and every few minutes."),
    ("What Ink gets past by itself", "`Stalled` is there so that nobody waits in vain; Ink keeps trying."),
)


def group_of(reason: Reason) -> int:
    """Which of the GROUPS a reason belongs to."""
    if reason in RETRIED:
        return 3
    if reason in PROGRESS:
        return 1
    return 2 if remedy(reason) else 0


def reasons_page() -> str:
    """Every condition and every reason."""
    lines = [
        HEADER,
        "# Conditions and reasons",
        "",
        "Every condition has a `reason` from this page and a `message` that ends with what to do. "
        "The gateway's tools answer with the same words.",
        "",
        "## Conditions",
        "",
        "| type | what `True` says |",
        "| --- | --- |",
        *(f"| `{kind}` | {text(said)} |" for kind, said in CONDITIONS.items() if kind in set(ConditionType)),
        "",
    ]
    for number, (title, said) in enumerate(GROUPS):
        lines += [f"## {title}", "", said, ""]
        for reason in Reason:
            if group_of(reason) == number:
                lines += reason_section(reason)
    return "\n".join(lines).rstrip() + "\n"


def reason_section(reason: Reason) -> Iterator[str]:
    """One reason."""
    meaning = MEANINGS[reason]
    yield from (f"### {reason}", "", meaning.text, "")
    if remedy(reason):
        yield from (f"**What to do:** {remedy(reason)}", "")
    yield from (f"Said by: {', '.join(f'`{kind}`' for kind in meaning.conditions)}.", "")


def main(docs: str, examples: str) -> None:
    """Write both pages, and the schema of ink.yaml."""
    (Path(docs) / "api.md").write_text(api_page(Path(examples)))
    (Path(docs) / "reasons.md").write_text(reasons_page())
    (Path(docs) / "ink.schema.json").write_text(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
