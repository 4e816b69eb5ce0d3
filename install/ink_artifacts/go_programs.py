"""The platform's Go programs: what the cache lacks of them is built, two at a time, with progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ink_artifacts import gobuild
from ink_artifacts.cache import forget, log_file, used
from ink_artifacts.components import COMPONENTS, Component
from ink_artifacts.errors import SetupError
from ink_artifacts.progress import ProgressPrinter

AT_ONCE = 2
"""Go builds that run side by side: while one links on a single core, the other compiles."""


def ensure(names: Iterable[str] = COMPONENTS, progress: ProgressPrinter | None = None) -> dict[str, Path]:
    """Build what the cache lacks of the named components; returns the path of each of their programs by its name.

    Nothing is printed when everything is there. Raises SetupError, naming the log, when a build fails.
    """
    wanted = [_known(name) for name in names]
    missing = [component for component in wanted if not gobuild.home(component).is_dir()]
    if missing:
        _build_all(missing, progress or ProgressPrinter())
        forget(time.time())
    for component in wanted:
        used(gobuild.home(component))
    return {name: path for component in wanted for name, path in gobuild.programs(component).items()}


def _known(name: str) -> Component:
    if name not in COMPONENTS:
        raise SetupError(f"there is no component {name!r}", remedy=f"choose one of {', '.join(COMPONENTS)}")
    return COMPONENTS[name]


def _build_all(missing: list[Component], progress: ProgressPrinter) -> None:
    steps = {component.name: f"[{n}/{len(missing)}] {component.name}" for n, component in enumerate(missing, 1)}

    def one(component: Component) -> None:
        step = f"{steps[component.name]} {component.version}"
        with progress.step(step, "compiled", detail=compiled_so_far(component.name)):
            gobuild.build(component, lambda: progress.say(f"  {step}: waiting for another run that builds it"))

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


def path_of(program: str) -> Path | None:
    """Where the program of this name is, if it is built; nothing is built."""
    for component in COMPONENTS.values():
        path = gobuild.programs(component).get(program)
        if path is not None and path.is_file():
            return path
    return None
