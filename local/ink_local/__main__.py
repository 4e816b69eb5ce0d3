"""`python -m ink_local COMMAND`: a real single-node Kubernetes on this machine, with Ink in it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

from ink_artifacts import go_programs
from ink_artifacts.errors import SetupError, exit_code
from ink_artifacts.progress import ProgressPrinter

from ink_local import boot, build, chart, state, status
from ink_local.node import seccomp

_INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """The command line. Each command's function is its `run`."""
    made = argparse.ArgumentParser(prog="python -m ink_local", description=__doc__)
    commands = made.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        if run is not _build:
            sub.add_argument("--name", default="ink", help="which cluster (default: ink)")
        return sub

    up = command("up", _up, "bring the cluster up, or repair it")
    up.add_argument("--index", type=int, help="number that decides its addresses and ports (default: a free one)")
    up.add_argument("--control-plane-only", action="store_true", help="only the API server and controllers, no node")
    up.add_argument("--json", action="store_true", help="print what was brought up as JSON")
    command("install", _install, "install Ink's chart in the running cluster, or upgrade it")
    command("demo", _demo, "deploy the sample application as an agent would, and print its URL")
    command("env", _env, "print shell settings for eval: PATH, KUBECONFIG, the gateway's address and API key")
    down = command("down", _down, "take the cluster down")
    down.add_argument("--keep", action="store_true", help="keep its data for the next up")
    shown = command("status", _status, "print which components run; exit code 0 when all of them do")
    shown.add_argument("--json", action="store_true")
    logs = command("logs", _logs, "print a component's log, or list the logs")
    logs.add_argument("component", nargs="?")
    command("kubeconfig", _kubeconfig, "print the path of the administrator's kubeconfig")
    built = command("build", _build, "build the programs and images that the cache lacks")
    known = ", ".join(build.CHOICES)
    built.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        choices=build.CHOICES,
        help=f"build only this (repeatable): {known}",
    )
    built.add_argument(
        "--path", metavar="PROGRAM", help="build nothing, print where this program is; exit code 1 when it is not built"
    )
    command("seccomp", _seccomp, "rewrite BuildKit's seccomp profile from the running cluster's containerd")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: done; 1: refused or failed, with a sentence that says why and what to do."""
    chosen = parser().parse_args(arguments)
    try:
        return exit_code(lambda: chosen.run(chosen))
    except KeyboardInterrupt:
        print("interrupted; `make up` continues from here, `make down` takes the cluster down", file=sys.stderr)
        return _INTERRUPTED


def _up(chosen: argparse.Namespace) -> None:
    began = time.monotonic()
    cluster = boot.up(
        chosen.name, chosen.index, control_plane_only=chosen.control_plane_only, progress=ProgressPrinter()
    )
    print(f"cluster {cluster.name} is up ({time.monotonic() - began:.1f} s)", file=sys.stderr)
    if chosen.json:
        print(json.dumps(status.facts(cluster), indent=2))
    else:
        print(f"export KUBECONFIG={cluster.kubeconfig}")


def _install(chosen: argparse.Namespace) -> None:
    chart.install(state.load(chosen.name), ProgressPrinter())


def _demo(chosen: argparse.Namespace) -> None:
    from ink_local import demo  # an MCP client, which no other command needs

    demo.run(state.load(chosen.name), ProgressPrinter())


def _env(chosen: argparse.Namespace) -> None:
    print(chart.shell(state.load(chosen.name)))


def _down(chosen: argparse.Namespace) -> None:
    if not boot.down(chosen.name, keep=chosen.keep, progress=ProgressPrinter()):
        print(f"there is no cluster {chosen.name!r}: nothing to take down", file=sys.stderr)


def _status(chosen: argparse.Namespace) -> int:
    seen = status.look(state.load(chosen.name))
    print(json.dumps(seen.as_json(), indent=2) if chosen.json else seen.as_text())
    return 0 if seen.all_well else 1


def _logs(chosen: argparse.Namespace) -> None:
    folder = state.load(chosen.name).paths.log
    names = sorted(path.stem for path in folder.glob("*.log"))
    if chosen.component is None:
        print("\n".join(f"{name:<20} {folder / name}.log" for name in names))
        return
    if chosen.component not in names:
        remedy = f"choose one of {', '.join(names)}" if names else "bring the cluster up first"
        raise SetupError("there is no log of that name", seen=chosen.component, remedy=remedy)
    with (folder / f"{chosen.component}.log").open(errors="replace") as lines:
        sys.stdout.writelines(lines)


def _kubeconfig(chosen: argparse.Namespace) -> None:
    print(state.load(chosen.name).kubeconfig)


def _build(chosen: argparse.Namespace) -> int:
    if chosen.path:
        path = go_programs.path_of(chosen.path)
        if path is not None:
            print(path)
        return 0 if path is not None else 1
    began = time.monotonic()
    build.build(chosen.only, ProgressPrinter())
    print(f"everything is built ({time.monotonic() - began:.1f} s)", file=sys.stderr)
    return 0


def _seccomp(chosen: argparse.Namespace) -> None:
    seccomp.write(state.load(chosen.name))


if __name__ == "__main__":
    sys.exit(main())
