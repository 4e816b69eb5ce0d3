"""`python -m ink_local.nodefiles [DIRECTORY]`: what the nodes of an existing cluster need, as files to take there.

images/*.tar (OCI archives for `ctr images import`), buildkit.json (the seccomp profile), values.yaml (image names).
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from ink_local import baseimages, images, ownimages, preflight
from ink_local.errors import exit_code
from ink_local.existing import DIST
from ink_local.kubelet import SECCOMP_PROFILE
from ink_local.ticker import Ticker

OTHERS = ("buildkitd", "traefik", "registry")


def make(directory: Path, ticker: Ticker) -> None:
    """Build what the cache lacks, and lay it out in `directory`, in place of what was there."""
    preflight.install_packages(ticker)
    platform = images.platform(baseimages.ensure_images(ticker))
    own = ownimages.ensure(ticker)
    others = {name: images.named(platform, name) for name in OTHERS}
    archives = {"ink": next(iter(own.values())).archive, **{name: platform[others[name]] for name in OTHERS}}
    shutil.rmtree(directory / "images", ignore_errors=True)
    (directory / "images").mkdir(parents=True)
    for name, archive in archives.items():
        _place(archive, directory / "images" / f"{name}.tar")
    shutil.copyfile(SECCOMP_PROFILE, directory / "buildkit.json")
    references = {**{name: image.reference for name, image in own.items()}, **others}
    (directory / "values.yaml").write_text(yaml.safe_dump(_values(references)))
    size = sum(path.stat().st_size for path in (directory / "images").iterdir()) / 2**20
    ticker.say(
        f"  {directory}/images/*.tar    {size:.0f} MiB; on every node: ctr -n k8s.io images import FILE\n"
        f"  {directory}/buildkit.json   on every node: /var/lib/kubelet/seccomp/buildkit.json\n"
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


def main() -> int:
    """Entry point; 0 when the files are there."""
    return exit_code(lambda: make(Path(sys.argv[1]) if len(sys.argv) > 1 else DIST, Ticker()))


if __name__ == "__main__":
    sys.exit(main())
