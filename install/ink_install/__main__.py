"""`python -m ink_install install|node-files`: Ink into the cluster that KUBECONFIG names."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ink_artifacts.errors import SetupError, exit_code
from ink_artifacts.progress import ProgressPrinter

from ink_install import inspection, node_files, release, tools
from ink_install.release import RELEASE

_OWN_IMAGES_FROM = "NAME=ARCHIVE"


def parser() -> argparse.ArgumentParser:
    """The command line. What `install` does not know it passes on to helm."""
    made = argparse.ArgumentParser(prog="python -m ink_install", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    text = "check the cluster of KUBECONFIG, then install Ink or upgrade it; helm gets all other arguments as they are"
    commands.add_parser("install", help=text, description=text, usage="%(prog)s [HELM ARGUMENT …]")
    text = "write what every node needs: image archives, BuildKit's seccomp profile, values that name the images"
    files = commands.add_parser("node-files", help=text, description=text)
    files.add_argument("directory", nargs="?", type=Path, default=node_files.DIST, help="default: %(default)s")
    files.add_argument(
        "--base",
        action="append",
        default=[],
        metavar=_OWN_IMAGES_FROM,
        help="build Ink's own images from this OCI archive where their Dockerfile names NAME; without it BuildKit "
        "pulls the image",
    )
    return made


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: done; 1: refused or failed, with a sentence that says why and what to do."""
    made = parser()
    known, rest = made.parse_known_args(arguments)
    if known.command == "node-files":
        if rest:
            made.error(f"unrecognized arguments: {' '.join(rest)}")
        return exit_code(lambda: node_files.make(known.directory, _bases(known.base), ProgressPrinter()))
    return exit_code(lambda: _install(rest))


def _install(helm_arguments: list[str]) -> None:
    progress, found = ProgressPrinter(), tools.find()
    rendered = inspection.check(found, RELEASE, helm_arguments, progress)
    release.install(found, RELEASE, helm_arguments, progress)
    node_files.finish(found, RELEASE, rendered)


def _bases(given: list[str]) -> dict[str, Path]:
    bases = {}
    for one in given:
        name, _, archive = one.partition("=")
        if not name or not Path(archive).is_file():
            raise SetupError("--base does not name an archive", seen=one, remedy=f"give it as {_OWN_IMAGES_FROM}")
        bases[name] = Path(archive)
    return bases


if __name__ == "__main__":
    sys.exit(main())
