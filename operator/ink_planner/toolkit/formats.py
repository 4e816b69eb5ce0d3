"""TOML and JSON as repositories hold them: read leniently, or with a sentence on what is wrong."""

import json
import re
import tomllib
from typing import Any

from ink_planner.model.errors import CannotPlan
from ink_planner.model.files import MAX_READ_BYTES, Files


def toml(files: Files, path: str) -> dict[str, Any]:
    """The parsed file; empty when there is none or it cannot be read (its own tools will say why)."""
    return parsed_toml(files.read(path))


def parsed_toml(text: str) -> dict[str, Any]:
    """The same of a text."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def check_toml(files: Files, path: str) -> None:
    """Raises CannotPlan when the file is not TOML."""
    try:
        tomllib.loads(files.read(path))
    except tomllib.TOMLDecodeError as error:
        raise CannotPlan(f"{path} is not valid TOML: {error}") from error
    except RecursionError as error:
        raise CannotPlan(f"{path} is nested too deeply to be read") from error


def table(data: Any, *keys: str) -> dict[str, Any]:
    """A nested table; empty when something on the way is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def json_object(files: Files, path: str) -> dict[str, Any]:
    """The parsed file; empty when there is none. Raises CannotPlan when it is no JSON object."""
    if path not in files:
        return {}
    text = files.read(path)
    try:
        data = json.loads(text)
    except ValueError as error:
        if len(text.encode()) >= MAX_READ_BYTES:
            raise CannotPlan(f"{path} is larger than {MAX_READ_BYTES // 1024} KiB: make it smaller") from error
        raise CannotPlan(f"{path} is not valid JSON: {error}{_hint(text)}") from error
    except RecursionError as error:
        raise CannotPlan(f"{path} is nested too deeply to be read") from error
    if not isinstance(data, dict):
        raise CannotPlan(f"{path} is not an object: it must begin with {{")
    return data


def _hint(text: str) -> str:
    if not text.strip():
        return "; the file is empty"
    if re.search(r"^[ \t]*(//|/\*)", text, re.MULTILINE):
        return "; JSON allows no comments: remove them"
    return "; check for a trailing comma" if re.search(r",\s*[}\]]", text) else ""


def jsonc(text: str) -> str:
    """JSON without the comments and final commas that some tools allow; strings stay as they are."""
    text = re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', lambda m: m[1] or "", text, flags=re.DOTALL)
    return re.sub(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', lambda m: m[1] or "", text)


def strings(value: Any) -> dict[str, str]:
    """The pairs of a mapping whose values are texts."""
    return {str(k): v for k, v in value.items() if isinstance(v, str)} if isinstance(value, dict) else {}


def package_scripts(files: Files) -> dict[str, str]:
    """The scripts of package.json: other ecosystems build their assets by them. Raises CannotPlan."""
    return strings(json_object(files, "package.json").get("scripts"))
