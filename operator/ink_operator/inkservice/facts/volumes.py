"""Pure: a service's volumes, and questions about their live claims."""

from ink_api.group import LABEL_COMPONENT, LABEL_MANAGED_BY, LABEL_PROJECT, LABEL_SERVICE, LABEL_TENANT, MANAGED_BY
from ink_api.inkservice import InkService, Volume
from ink_api.names import ServiceIdentity

from ink_operator.core.objects import Manifest, annotations_of, is_deleting, labels_of
from ink_operator.inkservice import names


def volumes_of(service: InkService) -> list[Volume]:
    """By name."""
    return sorted(service.spec.volumes or [], key=lambda v: v.name)


def belongs(live: Manifest, identity: ServiceIdentity) -> bool:
    """The claim was made for a service of this very name and tenant, perhaps an earlier one."""
    wanted = {
        LABEL_COMPONENT: names.VOLUME,
        LABEL_MANAGED_BY: MANAGED_BY,
        LABEL_PROJECT: identity.project or None,
        LABEL_SERVICE: identity.name,
        LABEL_TENANT: identity.tenant,
    }
    return all(labels_of(live).get(label) == value for label, value in wanted.items())


def is_to_be_deleted(claim: Manifest) -> bool:
    """Its policy says so, and nobody has asked for it yet."""
    return annotations_of(claim).get(names.ANNOTATION_DELETION_POLICY) == "Delete" and not is_deleting(claim)
