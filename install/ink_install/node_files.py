"""Files for the nodes of an existing cluster, in `dist/`: before the chart is installed, and after it.

Before: images/*.tar (OCI archives for `ctr images import`), buildkit.json (the seccomp profile), values.yaml (image
names). After: hosts.toml, by which a node pulls what Ink builds.
"""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from ink_artifacts import files, images, own_images, packages, platform_images
from ink_artifacts.progress import ProgressPrinter

from ink_install import cluster_checks
from ink_install.release import HelmRelease
from ink_install.tools import Tools

DIST = Path(__file__).resolve().parents[2] / "dist"
OTHERS = ("buildkitd", "traefik", "registry")
SECCOMP_PROFILE = Path(__file__).with_name("buildkit-seccomp.json")
"""For buildkitd: containerd's default profile, with `keyctl` and `pivot_root` allowed."""


def make(directory: Path, bases: Mapping[str, Path], progress: ProgressPrinter) -> None:
    """Build what the cache lacks, and lay it out in `directory`, in place of what was there.

    `bases`: as for `own_images.ensure`.
    """
    packages.ensure(progress)
    platform = images.ensure(platform_images.shipped(), progress)
    own = own_images.ensure(bases, progress)
    others = {name: platform_images.named(platform, name) for name in OTHERS}
    archives = {"ink": next(iter(own.values())).archive, **{name: platform[others[name]] for name in OTHERS}}
    shutil.rmtree(directory / "images", ignore_errors=True)
    (directory / "images").mkdir(parents=True)
    for name, archive in archives.items():
        _place(archive, directory / "images" / f"{name}.tar")
    shutil.copyfile(SECCOMP_PROFILE, directory / "buildkit.json")
    references = {**{name: image.reference for name, image in own.items()}, **others}
    (directory / "values.yaml").write_text(yaml.safe_dump(_values(references)))
    size = sum(path.stat().st_size for path in (directory / "images").iterdir()) / 2**20
    progress.say(
        f"  {directory}/images/*.tar    {size:.0f} MiB; on every node: ctr -n k8s.io images import FILE\n"
        f"  {directory}/buildkit.json   on every node: copy it to /var/lib/kubelet/seccomp/buildkit.json\n"
        f"  {directory}/values.yaml     for `make up CLUSTER=existing VALUES={directory.name}/values.yaml`"
    )


def _place(archive: Path, target: Path) -> None:
    """Nothing writes into an archive, so a second name of it is as good as a copy."""
    try:
        os.link(archive, target)
    except OSError:
        shutil.copyfile(archive, target)


def _values(references: dict[str, str]) -> dict[str, Any]:
    """Chart values that name the images. `references`: component -> reference with a tag."""
    parts = {name: reference.rpartition(":") for name, reference in references.items()}
    return {
        "images": {name: {"repository": repository, "tag": tag} for name, (repository, _, tag) in parts.items()},
        # This registry's program has another name than the one of docker.io's image.
        "registry": {"command": ["docker-registry", "serve"]},
    }


def finish(tool: Tools, release: HelmRelease, rendered: Sequence[Mapping[str, Any]]) -> None:
    """Write hosts.toml and print what is left to do on the nodes, then the chart's notes."""
    registry = next(one for one in rendered if cluster_checks.is_service(one, "registry"))["metadata"]
    system, name = registry["namespace"], f"registry.{registry['namespace']}.svc.cluster.local:5000"
    found = tool.items("service", "registry", "--namespace", system)[0]
    secret = tool.items("secret", "registry-node", "--namespace", system)[0]["data"]
    plain = {key: base64.b64decode(value).decode() for key, value in secret.items()}
    DIST.mkdir(exist_ok=True)
    file = DIST / "hosts.toml"
    files.write(file, registry_hosts(found["spec"]["clusterIP"], plain))
    print(
        f"\n  Left to do on every node: copy {file} to\n"
        f"    /etc/containerd/certs.d/{name}/hosts.toml\n"
        "  With it the node can pull the images that Ink builds. It holds a password. No restart is needed.\n"
    )
    print(tool.run(tool.helm, "get", "notes", release.name, "--namespace", release.namespace).removeprefix("NOTES:\n"))


def registry_hosts(address: str, credentials: Mapping[str, str]) -> str:
    """hosts.toml by which a node pulls from the chart's registry: its read-only port, by address, with a password."""
    pair = f"{credentials['username']}:{credentials['password']}".encode()
    url = f"http://{address}:5001"
    return (
        f'server = "{url}"\n\n[host."{url}"]\n  capabilities = ["pull", "resolve"]\n'
        f'  [host."{url}".header]\n    Authorization = ["Basic {base64.b64encode(pair).decode()}"]\n'
    )
