"""How long it takes to plan the build of a repository: `.venv/bin/python bench/detection.py [FILES]` (50,000 files).

Trees of several shapes, listed from disk and planned, five times each; the median in milliseconds. Listing alone is
shown for comparison, because no planner can avoid it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("crds", "operator")]

from ink_planner.choice.choose import choose
from ink_planner.model import files
from ink_planner.model.errors import CannotPlan
from ink_planner.model.options import BuildOptions
from ink_planner.registry import base_images

REPEATS = 5
SHAPES: dict[str, Callable[[int], str]] = {
    "many Python modules": lambda n: f"pkg{n % 100}/sub{n // 100 % 50}/module{n}.py",
    "all at the top": lambda n: f"file{n}.py",
    "deep directories": lambda n: "/".join(f"d{n // 10**k % 10}" for k in range(5)) + f"/f{n}.txt",
    "a workspace": lambda n: f"packages/p{n % 500}/src/file{n}.ts",
}


def make(root: Path, count: int, name: Callable[[int], str]) -> None:
    for number in range(count):
        place = root / name(number)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("import os\n")
    for number in range(500):
        if (root / f"packages/p{number}").is_dir():
            (root / f"packages/p{number}/package.json").write_text('{"name": "p%d"}' % number)  # noqa: UP031
            (root / "package.json").write_text('{"workspaces": ["packages/*"], "scripts": {"start": "node x"}}')
    (root / "requirements.txt").write_text("flask\ngunicorn\n")
    (root / "app.py").write_text("from flask import Flask\napp = Flask(__name__)\n")


def milliseconds(run: Callable[[], object]) -> float:
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        run()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def plan(root: Path) -> str:
    try:
        return choose(files.from_directory(root), "", "web", BuildOptions(), base_images()).pack
    except CannotPlan as error:
        return str(error.reason)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    print(f"{'shape':<22}{'files':>8}{'list ms':>10}{'list and plan ms':>18}  result")
    for shape, name in SHAPES.items():
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            make(root, count, name)
            listing = milliseconds(lambda root=root: files.from_directory(root))  # type: ignore[misc]
            whole = milliseconds(lambda root=root: plan(root))  # type: ignore[misc]
            print(f"{shape:<22}{count:>8}{listing:>10.0f}{whole:>18.0f}  {plan(root)}", flush=True)


if __name__ == "__main__":
    main()
