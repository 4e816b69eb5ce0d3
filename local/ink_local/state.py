"""What is on disk about clusters: which there are, and the marks that distinguish a kept one from a killed one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ink_artifacts import files
from ink_artifacts.errors import SetupError

from ink_local.cluster import LocalCluster, checked_name, state_root
from ink_local.machine import holder, ledger
from ink_local.network import link
from ink_local.node import image_store

_KEEP = "kept"


def load(name: str) -> LocalCluster:
    """The cluster of this name. Raises SetupError when it was never brought up, or is down."""
    path = state_root() / checked_name(name) / "cluster.json"
    if not path.exists():
        raise SetupError(
            f"there is no cluster {name!r}", seen=f"no {path}", remedy=f"bring it up with make up NAME={name}"
        )
    try:
        record = json.loads(path.read_text())
        return LocalCluster(name, record["index"], state_root(), record["controlPlaneOnly"])
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(
            f"the record of cluster {name!r} is corrupt",
            seen=f"{path}: {error}",
            remedy=f"rm {path}, then make up NAME={name} (and make down NAME={name} if you do not want it)",
        ) from error


def find(name: str) -> LocalCluster | None:
    """The same; None when there is none."""
    return load(name) if (state_root() / checked_name(name) / "cluster.json").exists() else None


def save(cluster: LocalCluster) -> None:
    record = {"index": cluster.index, "controlPlaneOnly": cluster.control_plane_only}
    cluster.paths.root.mkdir(parents=True, exist_ok=True)
    files.write(cluster.paths.root / "cluster.json", json.dumps(record), mode=0o644)


def keep(cluster: LocalCluster) -> None:
    """Let the next `up` find the data."""
    (cluster.paths.root / _KEEP).touch()


def unkeep(cluster: LocalCluster) -> None:
    """Take the mark of `keep` back."""
    (cluster.paths.root / _KEEP).unlink(missing_ok=True)


def is_kept(cluster: LocalCluster) -> bool:
    return (cluster.paths.root / _KEEP).exists()


def clear(cluster: LocalCluster) -> None:
    """Take away what a boot left on the machine, running or killed: and only what is this cluster's.

    Data stays only if it was kept on purpose; the images go back to the cache; logs stay until the next boot.
    """
    holder.stop(cluster)
    link.disconnect(cluster)
    holder.remove_cgroups(cluster)
    _refuse_mounts(cluster)
    _remove(cluster.paths.run)
    if not is_kept(cluster):
        image_store.give_back(cluster)
        for path in (cluster.paths.data, cluster.paths.certs, cluster.paths.certs_d, cluster.paths.config):
            _remove(path)
        for file in (cluster.paths.kubeconfig, cluster.paths.ca, cluster.paths.apps_secret):
            file.unlink(missing_ok=True)


def forget(cluster: LocalCluster) -> None:
    """Give the index back; the last cluster to go restores the machine's settings."""
    with ledger.opened() as record:
        record["clusters"].pop(str(cluster.index), None)
        if not record["clusters"]:
            ledger.restore(record)
    if not is_kept(cluster):
        (cluster.paths.root / "cluster.json").unlink(missing_ok=True)


def _refuse_mounts(cluster: LocalCluster) -> None:
    """Never delete through a mount: what lies behind it may be somebody's."""
    rows = Path("/proc/self/mountinfo").read_text().splitlines()
    below = [row.split()[4] for row in rows if Path(row.split()[4]).is_relative_to(cluster.paths.root)]
    if below:
        raise SetupError(
            "something is mounted below the cluster's directory",
            seen=below[0],
            remedy=f"umount {below[0]}, then run this again",
        )


def _remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)
