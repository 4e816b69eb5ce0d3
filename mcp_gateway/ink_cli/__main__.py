"""`ink`: deploy git repositories and manage the services, from a terminal or a script."""

import argparse
import sys
from collections.abc import Callable, Sequence

from ink_cli import commands, plan
from ink_cli.errors import CliError

EPILOG = """\
exit codes: 0 success; 1 the request was refused, or the service failed; 2 invalid arguments or settings;
3 no gateway answers; 4 the API key was refused; 5 not live yet when the wait ended
environment: INK_URL, INK_API_KEY, INK_CA (a PEM file), instead of the flags"""

Command = Callable[[argparse.Namespace], None]


def parser() -> argparse.ArgumentParser:
    """Every command and flag."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--url", help="address of the gateway, such as https://localhost:8443")
    common.add_argument("--key-file", metavar="FILE", help="file with the API key (never pass a key as an argument)")
    common.add_argument("--ca", metavar="FILE", help="additional certificate authority to trust")
    common.add_argument("--json", action="store_true", help="print the answer as JSON")
    top = argparse.ArgumentParser(
        prog="ink", description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sub = top.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Command, help_text: str, *, service: bool = False) -> argparse.ArgumentParser:
        one = sub.add_parser(name, parents=[common], help=help_text, description=help_text)
        one.set_defaults(run=run)
        if service:
            one.add_argument("name", help="name of the service")
            one.add_argument("--project", help="project of the service (default: default)")
        return one

    add("connect", commands.connect, "check and save the gateway and key; print settings for an MCP client")
    add("whoami", commands.whoami, "show the workspace and scopes of the key")
    add("services", commands.services, "list all services")
    status = add("status", commands.status, "show the state, URL and settings of a service", service=True)
    status.add_argument("--env", action="store_true", help="include values of variables, secrets too (with --json)")
    _deploy_flags(add("deploy", commands.deploy, "build a repository and serve it at a public URL"))
    add("redeploy", commands.redeploy, "deploy a new commit, else rebuild a failed build, else restart", service=True)
    logs = add("logs", commands.logs, "show the end of the application's log, or of the build's", service=True)
    logs.add_argument("--build", action="store_true", help="show the log of the newest build")
    logs.add_argument("--lines", type=int, default=100, help="number of lines, at most 500 (default 100)")
    add("delete", commands.delete, "delete a service, but not its repository", service=True)
    for name, run, words in (
        ("repo", commands.repo, "create a git repository"),
        ("token", commands.token, "get a secret token to push to a repository"),
    ):
        add(name, run, words).add_argument("name", help="name of the repository")
    planned = "show how a directory would be built: the plan and its Dockerfile; needs no cluster and no gateway"
    plan.flags(add("plan", plan.plan, planned))
    helper = add("credential", commands.git_credential, "git's credential helper for Ink's git server")
    helper.add_argument("operation", choices=["get", "store", "erase"], help="as git calls it")
    _seal_flags(add("seal", commands.seal, "encrypt a variable's value, to commit as valueFrom.sealed"))
    return top


def _seal_flags(seal: argparse.ArgumentParser) -> None:
    seal.add_argument("variable", metavar="NAME[=VALUE]", help="without =VALUE, the value is read from standard input")
    seal.add_argument("--service", required=True, help="name of the InkService; the value works only there")
    seal.add_argument("--namespace", required=True, help="its namespace")
    seal.add_argument(
        "--keys", metavar="FILE", help="jwks.json from the ConfigMap ink-sealing, instead of asking the gateway"
    )


def _deploy_flags(deploy: argparse.ArgumentParser) -> None:
    deploy.add_argument("repo", help="name of the repository, or owner/name with --host github.com")
    deploy.add_argument("name", help="name of the service, a DNS label")
    deploy.add_argument(
        "--host", choices=["ml.ink", "github.com"], help="where the repository is hosted (default: ml.ink)"
    )
    deploy.add_argument("--branch", help="branch to follow (default: main)")
    deploy.add_argument("--project", help="project of the service (default: default)")
    deploy.add_argument("--build-pack", choices=["railpack", "auto", "dockerfile", "static"], help="how to build")
    deploy.add_argument("--port", type=int, help="port the application listens on")
    deploy.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="environment variable; may be repeated"
    )
    deploy.add_argument("--env-file", metavar="FILE", help="file with environment variables, one per line")
    deploy.add_argument("--memory", help="limit, such as 512Mi")
    deploy.add_argument("--cpu", help="limit, such as 500m")
    for step in ("install", "build", "start"):
        deploy.add_argument(f"--{step}-command", metavar="COMMAND", help=f"replaces the {step} step")
    deploy.add_argument(
        "--wait",
        type=int,
        default=300,
        metavar="SECONDS",
        help="seconds to wait until it is live (default 300; 0: do not wait)",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    args = parser().parse_args(arguments)
    try:
        args.run(args)
    except CliError as error:
        print(f"ink: {error}", file=sys.stderr)
        return error.code
    except OSError as error:
        print(f"ink: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
