"""`python -m ink_local up|down|status|logs|kubeconfig`: a real single-node Kubernetes on this machine."""

from __future__ import annotations

import argparse
import json
import sys
import time

from ink_local import boot, state, status
from ink_local.errors import LocalError, exit_code
from ink_local.ticker import Ticker


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m ink_local", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--name", default="ink", help="which cluster (default: ink)")
        return sub

    up = command("up", "bring the cluster up, or mend what is dead in it")
    up.add_argument("--index", type=int, help="number that its addresses and ports follow from (default: a free one)")
    up.add_argument("--control-plane-only", action="store_true", help="API server and controllers, no node")
    up.add_argument("--json", action="store_true", help="print what was brought up as JSON")
    down = command("down", "take the cluster away")
    down.add_argument("--keep", action="store_true", help="keep its data for the next up")
    shown = command("status", "say what runs and what does not; exit code 0 when all of it does")
    shown.add_argument("--json", action="store_true")
    logs = command("logs", "print a component's log, or list the logs")
    logs.add_argument("component", nargs="?")
    command("kubeconfig", "print the path of the administrator's kubeconfig")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: done; 1: refused or failed, with a sentence that says why and what to do."""
    chosen = parser().parse_args(arguments)
    try:
        return exit_code(lambda: _run(chosen))
    except KeyboardInterrupt:
        print("interrupted; `make up` again goes on from here, `make down` takes it away", file=sys.stderr)
        return 130


def _run(chosen: argparse.Namespace) -> int:
    if chosen.command == "up":
        return _up(chosen)
    if chosen.command == "down":
        if not boot.down(chosen.name, keep=chosen.keep, ticker=Ticker()):
            print(f"there is no cluster {chosen.name!r}: nothing to take down", file=sys.stderr)
        return 0
    cluster = state.load(chosen.name)
    if chosen.command == "kubeconfig":
        print(cluster.kubeconfig)
        return 0
    if chosen.command == "logs":
        return _logs(chosen)
    seen = status.look(cluster)
    print(json.dumps(seen.as_json(), indent=2) if chosen.json else seen.as_text())
    return 0 if seen.all_well else 1


def _up(chosen: argparse.Namespace) -> int:
    began = time.monotonic()
    cluster = boot.up(chosen.name, chosen.index, control_plane_only=chosen.control_plane_only, ticker=Ticker())
    print(f"cluster {cluster.name} is up ({time.monotonic() - began:.1f} s)", file=sys.stderr)
    if chosen.json:
        print(json.dumps(status.facts(cluster), indent=2))
    else:
        print(f"export KUBECONFIG={cluster.kubeconfig}")
    return 0


def _logs(chosen: argparse.Namespace) -> int:
    folder = state.load(chosen.name).paths.log
    names = sorted(path.stem for path in folder.glob("*.log"))
    if chosen.component is None:
        print("\n".join(f"{name:<20} {folder / name}.log" for name in names))
        return 0
    if chosen.component not in names:
        raise LocalError(
            "there is no such log", seen=chosen.component, remedy=f"choose from {', '.join(names) or 'none yet'}"
        )
    with (folder / f"{chosen.component}.log").open(errors="replace") as lines:
        sys.stdout.writelines(lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
