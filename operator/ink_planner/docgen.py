"""Writes the table of ecosystems into docs/builds.md: `python -m ink_planner.docgen FOLDER docs/builds.md`.

The page is read, and written to FOLDER with the table between its markers replaced.
"""

import sys
from pathlib import Path

from ink_planner.registry import most_common_first, public_images

BEGIN, END = "<!-- ecosystems: written by `make docs` -->", "<!-- end of ecosystems -->"


def table() -> str:
    """Markdown, a row an ecosystem."""
    rows = [("ecosystem", "recognised by", "packages", "started by"), ("---",) * 4]
    for ecosystem in most_common_first():
        about = ecosystem.documentation
        rows.append((ecosystem.name, about.recognised_by, about.packages, about.started_by))
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows)


def image_sets() -> str:
    """Markdown: the keys of the chart's value."""
    return f"Keys of `builders.baseImages`: {', '.join(f'`{name}`' for name in public_images())}."


def page(text: str) -> str:
    """The page with the current table. Raises ValueError when it has no markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no markers: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{table()}\n\n{image_sets()}\n\n{END}{after}"


def main(folder: str, source: str) -> None:
    """Write the page, under its own name, to `folder`."""
    Path(folder, Path(source).name).write_text(page(Path(source).read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
