"""`python -m ink_standins NAME`: make the stand-in for an image of Docker Hub, and print NAME=ARCHIVE.

That is what the installer's --base takes.
"""

from __future__ import annotations

import argparse
import sys

from ink_artifacts import packages
from ink_artifacts.errors import exit_code
from ink_artifacts.progress import ProgressPrinter

from ink_standins import images


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: the archive is there, and its path was printed."""
    parser = argparse.ArgumentParser(prog="python -m ink_standins", description=__doc__)
    parser.add_argument("name", metavar="NAME", help="as in a FROM, such as python:3.11-slim-bookworm")
    return exit_code(lambda: _make(parser.parse_args(arguments).name))


def _make(name: str) -> None:
    progress = ProgressPrinter()
    packages.ensure(progress)
    reference = f"docker.io/library/{name}"
    print(f"{name}={images.ensure(progress, only=reference)[reference]}")


if __name__ == "__main__":
    sys.exit(main())
