"""The files that reach the daemon: the same that BuildKit's own client sends."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.building import daemons as build_daemons

from .conftest import Stack

TREE: dict[str, str | bytes] = {
    ".dockerignore": "",
    "Dockerfile": "FROM scratch\nCOPY . /all/\n",
    ".env": "A=1",
    "README.md": "read",
    "a.log": "log",
    "a/b.log": "log",
    "a/b/c.log": "log",
    "a/b/keep.log": "log",
    "a/link": "-> ../README.md",
    "a-b/file": "sorts between a and a/",
    "a.b/file": "and here",
    "b/empty": "",
    "b/deep/er/file.txt": "x" * 100_000,
    "b/deep/other.txt": "x",
    "broken": "-> nowhere",
    "big": b"\0" * 3_000_000,
    "bin/run": "#!/bin/sh\n",
    "dir-link": "-> b/deep",
    "node_modules/x/index.js": "x",
    "node_modules/x/keep/index.js": "x",
    "ümläut/ß.txt": "x",
    "with space/and[bracket]": "x",
    "z?": "x",
}
IGNORES = [
    "",
    "*.log\n",
    "**/*.log\n!**/keep.log\n",
    "node_modules\n!node_modules/x/keep\n",
    "*\n!a\n!bin/run\n",
    "**\n!b/**/*.txt\n",
    "/a/b\na.?\n[a-b]/*\n",
    "# comment\n\n  b/deep/er  \n!b/deep/er/file.txt\nü*\n",
    "*/*\n!*/b*\n",
    "with space\nz\\?\n",
    "a\n!a/b\na/b/c.log\n",
]
COPIES = [
    "COPY README.md /\n",
    "COPY a/link dir-link/other.txt /x/\n",
    "COPY b/*/er /x/\n",
    "COPY *.md a-*/file /x/\n",
    "COPY --link --chmod=0700 bin /x/\n",
    'COPY ["with space/", "/x/"]\n',
]


def _by_buildctl(stack: Stack, directory: Path) -> str:
    """Build with BuildKit's own client; returns its log. Nothing is exported: the daemon's cache is what is wanted."""
    argv = [str(stack.daemon.buildctl), "--addr", f"unix://{stack.daemon.socket}", "build", "--progress=plain"]
    argv += [
        "--frontend=dockerfile.v0",
        f"--local=context={directory}",
        f"--local=dockerfile={directory}",
        "--no-cache",
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("number", range(len(IGNORES) + len(COPIES)))
def test_the_same_files_arrive_as_with_buildctl(stack: Stack, number: int) -> None:
    """After buildctl has built a directory, our build of it finds the COPY in the cache: same content, modes, links."""
    files = dict(TREE)
    if number < len(IGNORES):
        files[".dockerignore"] = IGNORES[number]
    else:
        files["Dockerfile"] = f"FROM scratch\n{COPIES[number - len(IGNORES)]}"
    name = f"context-{number}"
    stack.git.commit(name, files)
    directory = stack.directory / name
    build_daemons.write_tree(directory, files)
    _by_buildctl(stack, directory)
    outcome = stack.build(name, files)
    assert outcome.code == 0, outcome.log
    assert outcome.log.count(" cached\n") == 1, outcome.log
