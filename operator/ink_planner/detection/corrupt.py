"""Corrupt manifests, which no tool can read: reported before a build spends its time on them."""

import re

from ink_planner.model.files import Files
from ink_planner.registry import checked_files

_CONFLICT = tuple(re.compile(mark, re.MULTILINE) for mark in (r"^<{7} ", r"^={7}\r?$", r"^>{7} "))


def sentence(files: Files) -> str | None:
    """What is wrong with a file at the top, and what to do; None when nothing is."""
    utf8_only, names = checked_files()
    for path in filter(files.__contains__, names):
        if problem := files.problem(path):
            return f"{path} {problem}: commit the file itself"
        if path in utf8_only and files.is_utf16(path):
            return f"{path} is saved as UTF-16, which the tools that read it do not understand: save it as UTF-8"
        if _in_a_merge(files.read(path)):
            return (
                f"{path} contains conflict markers of an unfinished merge (<<<<<<<): resolve them and commit the result"
            )
    return None


def _in_a_merge(text: str) -> bool:
    """All three marks, one after the other."""
    place = 0
    for mark in _CONFLICT:
        found = mark.search(text, place)
        if found is None:
            return False
        place = found.end()
    return True
