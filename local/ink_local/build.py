"""`python -m ink_local.build [--only NAME …]`: build what the cache lacks of the platform's programs and images."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ink_local import gobuild
from ink_local.buildcache import forget, log_file, used
from ink_local.components import COMPONENTS, ON_REQUEST, Component
from ink_local.errors import LocalError
from ink_local.ticker import Ticker

AT_ONCE = 2
"""Go builds that run side by side: while one links on a single core, the other compiles."""


def ensure(names: Iterable[str] = COMPONENTS, ticker: Ticker | None = None) -> dict[str, Path]:
    """Build what the cache lacks of the named components; returns the path of each of their programs by its name.

    Nothing is printed when everything is there. Raises LocalError, naming the log, when a build fails.
    """
    wanted = [_known(name) for name in names]
    missing = [component for component in wanted if not gobuild.home(component).is_dir()]
    if missing:
        _build_all(missing, ticker or Ticker())
        forget(time.time())
    for component in wanted:
        used(gobuild.home(component))
    return {name: path for component in wanted for name, path in gobuild.programs(component).items()}


def _known(name: str) -> Component:
    if name not in COMPONENTS:
        raise LocalError(f"there is no component {name!r}", remedy=f"choose from {', '.join(COMPONENTS)}")
    return COMPONENTS[name]


def _build_all(missing: list[Component], ticker: Ticker) -> None:
    steps = {component.name: f"[{n}/{len(missing)}] {component.name}" for n, component in enumerate(missing, 1)}

    def one(component: Component) -> None:
        step = f"{steps[component.name]} {component.version}"
        with ticker.step(step, "compiled", detail=compiled_so_far(component.name)):
            gobuild.build(component, lambda: ticker.say(f"  {step}: another run builds it, waiting for that"))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = [pool.submit(one, component) for component in missing]
        try:
            for run in runs:
                run.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def compiled_so_far(name: str) -> Callable[[], str]:
    """How far a build is, in packages: the Go tool logs one line for each that it compiles."""

    def detail() -> str:
        try:
            lines = log_file(name).read_bytes().splitlines()
        except OSError:
            return "starting"
        return f"{len(lines)} packages"

    return detail


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when everything asked for is in the cache."""
    known = [*COMPONENTS, "images"]
    parser = argparse.ArgumentParser(prog="ink_local.build", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", choices=known, help=f"one of {', '.join(known)}")
    parser.add_argument("--path", metavar="PROGRAM", help="print where it lies; exit code 1 if it is not built")
    options = parser.parse_args(arguments)
    if options.path:
        return print_path(options.path)
    chosen = options.only or [name for name in known if name not in ON_REQUEST]
    began = time.monotonic()
    try:
        everything(chosen)
    except LocalError as failure:
        print(f"ink_local.build: {failure}", file=sys.stderr)
        return 1
    print(f"everything is built ({time.monotonic() - began:.1f} s)", file=sys.stderr)
    return 0


def print_path(program: str) -> int:
    """Where a built program lies, for scripts; nothing is built."""
    for component in COMPONENTS.values():
        path = gobuild.programs(component).get(program)
        if path is not None and path.is_file():
            print(path)
            return 0
    return 1


def everything(chosen: Iterable[str], ticker: Ticker | None = None) -> None:
    """Build what the cache lacks of the chosen components and of `images`; needs their Debian packages installed."""
    from ink_local import baseimages, ownimages, preflight  # they build with this module

    names, ticker = list(chosen), ticker or Ticker()
    if "images" in names:
        preflight.install_packages(ticker)
    ensure([name for name in names if name in COMPONENTS], ticker)
    if "images" in names:
        baseimages.ensure_images(ticker)
        ownimages.ensure(ticker)


if __name__ == "__main__":
    sys.exit(main())
