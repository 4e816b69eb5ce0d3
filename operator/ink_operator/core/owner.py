"""Who owns something outside the cluster, and its name there. Pure; the same on every pass."""

import re
from dataclasses import dataclass

from ink_api.names import short_hash

READABLE_MAX = 40
HASH_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Owner:
    """Who asked for it. The same three values find the same thing again, even after a lost answer or status."""

    installation: str
    """Names this installation: two of them may share an account."""
    tenant: str
    """Unambiguous: `workspace/acme` and `namespace/acme` are two tenants."""
    name: str
    """Unique in the tenant: the name of a resource or zone."""

    @property
    def mark(self) -> str:
        """Stored with it if the provider has a place for it (label, tag, account field)."""
        return f"ink-{short_hash(self.installation, self.tenant, self.name, length=32)}"

    @property
    def outside_name(self) -> str:
        """`<name>-<hash>`: a DNS label of at most 57 characters, beginning with a letter, unique to this owner."""
        readable = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")[:READABLE_MAX].strip("-")
        if not readable[:1].isalpha():
            readable = f"r-{readable}".rstrip("-")[:READABLE_MAX].strip("-")
        return f"{readable}-{short_hash(self.installation, self.tenant, self.name, length=HASH_LENGTH)}"
