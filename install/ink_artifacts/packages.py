"""Debian packages that this machine must have, and their installation."""

from __future__ import annotations

import os
import shutil
import subprocess

from ink_artifacts.errors import SetupError
from ink_artifacts.progress import ProgressPrinter

NAMES = (
    "busybox-static",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "docker-registry",
    "ethtool",
    "git",
    "iptables",
    "ipset",
    "mmdebstrap",
    "nftables",
    "runc",
    "socat",
)
"""What a local node runs, and what makes the images."""


def ensure(progress: ProgressPrinter) -> None:
    """Install the packages that are missing. Raises SetupError when that is not possible."""
    missing = _missing()
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise SetupError(
            "Debian packages are missing",
            seen=", ".join(missing),
            remedy="there is no apt-get here: install what your distribution has in their place",
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with progress.step(f"installing {len(missing)} Debian packages"):
        for command in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
            done = subprocess.run(
                ["apt-get", "-q", *command], capture_output=True, text=True, check=False, env=environment
            )
            if done.returncode != 0 and command[0] == "install":
                raise SetupError(
                    "the Debian packages could not be installed",
                    seen=done.stderr.strip()[-300:],
                    remedy=f"run `apt-get install {' '.join(missing)}` and fix what it reports",
                )


def _missing() -> list[str]:
    show = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *NAMES]
    try:
        rows = subprocess.run(show, capture_output=True, text=True, check=False).stdout.splitlines()
    except FileNotFoundError:
        rows = []
    return sorted(set(NAMES) - {row.split()[0] for row in rows if row.endswith(" installed")})
