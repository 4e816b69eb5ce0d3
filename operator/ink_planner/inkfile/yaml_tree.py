"""A small, safe part of YAML: mappings, lists and plain values, each with the line that it stands on.

No anchors and aliases (a few lines of them can stand for gigabytes), no tags, no second document.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_CHARS = 64 * 1024
MAX_DEPTH = 12
Path = tuple[str | int, ...]
_INTEGER = re.compile(r"[-+]?\d{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d{1,3})?")
_WORDS = {"": None, "null": None, "Null": None, "NULL": None, "~": None, "true": True, "True": True, "TRUE": True,
          "false": False, "False": False, "FALSE": False}  # fmt: skip


class NotReadable(Exception):
    """What is wrong, with its line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass
class YamlTree:
    """The value, and the line of each part of it by its path."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """The line of a part, else of what encloses it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


@dataclass
class _Open:
    """A mapping or list whose end has not come."""

    value: Any
    path: Path
    key: str | None = None


def parse(text: str) -> YamlTree:
    """Raises NotReadable."""
    if len(text) > MAX_CHARS:
        raise NotReadable(1, f"it is larger than {MAX_CHARS // 1024} KiB: keep settings only")
    tree, stack = YamlTree(), list[_Open]()
    documents = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise NotReadable(line, "it has a second document: remove `---` and what follows")
            elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise NotReadable(line, "anchors (&) and aliases (*) are not supported: repeat the value")
            elif isinstance(event, yaml.NodeEvent):
                _enter(tree, stack, event, line)
            elif isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        raise NotReadable(mark.line + 1 if mark else 1, f"it is not valid YAML: {problem}") from error
    except RecursionError as error:
        raise NotReadable(1, "it is nested too deeply") from error
    return tree


def _enter(tree: YamlTree, stack: list[_Open], event: Any, line: int) -> None:
    """Put a value, or the beginning of one, where it belongs."""
    if getattr(event, "tag", None) not in {None, "!"}:
        raise NotReadable(line, f"tags such as {event.tag[:40]} are not supported: remove it")
    parent = stack[-1] if stack else None
    if parent is not None and isinstance(parent.value, dict) and parent.key is None:
        _key(tree, parent, event, line)
        return
    value: Any = _scalar(event) if isinstance(event, yaml.ScalarEvent) else _collection(event)
    path: Path = ()
    if parent is None:
        tree.value = value
    elif isinstance(parent.value, list):
        path = (*parent.path, len(parent.value))
        parent.value.append(value)
    else:
        path = (*parent.path, str(parent.key))
        parent.value[parent.key], parent.key = value, None
    tree.lines.setdefault(path, line)
    if not isinstance(event, yaml.ScalarEvent):
        if len(stack) >= MAX_DEPTH:
            raise NotReadable(line, "it is nested too deeply")
        stack.append(_Open(value, path))


def _key(tree: YamlTree, parent: _Open, event: Any, line: int) -> None:
    if not isinstance(event, yaml.ScalarEvent):
        raise NotReadable(line, "a key must be a name")
    if event.value in parent.value:
        raise NotReadable(line, f"{event.value[:60]!r} is there twice: remove one of them")
    parent.key = event.value
    tree.lines[(*parent.path, event.value)] = line


def _collection(event: Any) -> Any:
    return {} if isinstance(event, yaml.MappingStartEvent) else []


def _scalar(event: Any) -> Any:
    """As YAML 1.2 means it: `on` and `no` are texts, and 0x10 as well."""
    text: str = event.value
    if event.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
