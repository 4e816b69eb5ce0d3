"""The claims of a service's volumes, and how its pods use them.

A claim has no owner reference: its policy decides what happens to the data, never the garbage collector.
"""

from typing import Any

from ink_api.inkservice import InkService, Volume
from ink_api.names import ServiceIdentity

from ink_operator.core import canonical, kinds, objects
from ink_operator.inkservice import names
from ink_operator.inkservice.desired import common
from ink_operator.inkservice.facts import ownership

GROUP_ID = 65532
"""Group that owns the files: the kubelet adds it to every container, so that any user may write."""


def make_volume_claim(service: InkService, identity: ServiceIdentity, volume: Volume, size: str) -> objects.Manifest:
    """The claim with that size, which may be larger than the spec's."""
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    if volume.storage_class_name is not None:
        spec["storageClassName"] = volume.storage_class_name
    return common.child(
        kinds.PERSISTENT_VOLUME_CLAIM,
        service,
        identity,
        name=names.volume_claim(identity, volume.name),
        namespace=identity.namespace,
        component=names.VOLUME,
        body={"spec": spec},
        annotations={names.ANNOTATION_DELETION_POLICY: volume.deletion_policy},
        owners=[],
    )


def size_of(live: objects.Manifest) -> str:
    """What the claim asks for."""
    size: str = live["spec"]["resources"]["requests"]["storage"]
    return size


def larger(live: str, wanted: str) -> str:
    """Claims never shrink. A size that is not a plain quantity stays as it is."""
    try:
        return wanted if canonical.parse_quantity(wanted) > canonical.parse_quantity(live) else live
    except ValueError:
        return live


def pod_storage(service: InkService, identity: ServiceIdentity) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what is added to the pod, what is added to its container)."""
    volumes = ownership.volumes_of(service)
    if not volumes:
        return {}, {}
    claims = [
        {"name": v.name, "persistentVolumeClaim": {"claimName": names.volume_claim(identity, v.name)}} for v in volumes
    ]
    return {"volumes": claims}, {"volumeMounts": [{"name": v.name, "mountPath": v.mount_path} for v in volumes]}
