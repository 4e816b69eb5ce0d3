"""Volumes on demand: the local path provisioner and the default StorageClass."""

from __future__ import annotations

from ink_local.manifests import rendered


def manifest(image: str, helper_image: str) -> str:
    """`helper_image` needs `sh`: it makes and removes a volume's directory."""
    return rendered("local-path.yaml", IMAGE=image, HELPER_IMAGE=helper_image)
