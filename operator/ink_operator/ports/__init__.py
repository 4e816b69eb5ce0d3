"""The outside world as the kinds see it. Implementations are in clients/ and runtime/; tests have their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ink_api.conditions import Condition
from ink_api.reasons import Reason
from ink_api.sealing import Binding

from ink_operator.core.kinds import Kind
from ink_operator.core.objects import Key, Manifest, Ref


class KubernetesApi(Protocol):
    """The API server. Every method may raise Transient, Conflict, Forbidden, Rejected or OverQuota."""

    async def get(self, ref: Ref) -> Manifest | None:
        """The object, or None."""
        ...

    async def list(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """All objects in a namespace (empty: in the cluster) that match a label selector."""
        ...

    async def create(self, manifest: Manifest) -> Manifest:
        """Create; raises AlreadyExists."""
        ...

    async def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply under Ink's field manager, taking over conflicting fields."""
        ...

    async def hand_over(self, manifest: Manifest) -> Manifest:
        """Server-side apply of some fields, by the manager that only preserves values. Conflict: another version."""
        ...

    async def merge_patch(self, ref: Ref, patch: dict[str, Any], *, subresource: str = "") -> Manifest | None:
        """JSON merge patch; None when the object is gone."""
        ...

    async def delete(self, ref: Ref, *, uid: str | None = None, resource_version: str | None = None) -> None:
        """Delete in the background; absent is fine. Raises Conflict when uid or resourceVersion differ."""
        ...


class CachedKubernetesApi(KubernetesApi, Protocol):
    """The API server, where `get` and `list` may answer from the cache of the watches."""

    async def get_fresh(self, ref: Ref) -> Manifest | None:
        """The object as the API server has it now, or None."""
        ...


@dataclass(frozen=True, slots=True)
class HeadQuestion:
    """Where a branch points. `password` is secret."""

    url: str
    branch: str
    tenant: str
    username: str | None = None
    password: str | None = None
    credential: str = ""
    """Identifies the credential without revealing it: minted passwords differ each time, answers do not."""
    hint: str | None = None
    """The branch's head according to a hint."""
    asker: str = ""
    generation: int = 0
    """The service that asks, and the generation of its spec: after a change the answer must not be a cached one."""


@dataclass(frozen=True, slots=True)
class Head:
    """A commit, or the reason why there is none. `fresh_for_seconds`: ask again after that."""

    commit: str | None
    reason: Reason | None = None
    message: str = ""
    fresh_for_seconds: float = 300.0


class PolledBranchHeads(Protocol):
    """Heads of branches, remembered between polls."""

    async def head(self, question: HeadQuestion) -> Head:
        """Never raises for a bad source: the result has a reason."""
        ...


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image in Ink's registry."""

    digest: str
    ports: tuple[int, ...]
    inkfile: str = ""
    """Its label `ml.ink/inkfile`: untrusted."""


class ImageRegistry(Protocol):
    """Ink's own registry. Methods raise Transient if it does not answer."""

    async def find(self, repository: str, tag_prefix: str) -> StoredImage | None:
        """The newest image whose tag starts with the prefix and ends in an attempt number."""
        ...

    async def delete_repository(self, repository: str) -> None:
        """Delete every tag, and every manifest that has a tag."""
        ...

    async def prune(self, repository: str, digests: frozenset[str], tags: frozenset[str]) -> None:
        """Delete all images and build logs except these, given by digest or tag."""
        ...


class EarlyVerdicts(Protocol):
    """How builds ended, known before the kubelet reports the end of their pods."""

    def early(self, key: Key, repository: str, build: str, uid: str) -> str:
        """The builder's verdict, or "" while it is not known; `key` is woken once it is.

        `build` and `uid` are those of its Job. Ask at every pass while the build runs.
        """
        ...


class Tokens(Protocol):
    """Short-lived credentials for one build."""

    def git_read(self, repository: str, tenant: str) -> str:
        """Read token for `<workspace>/<repo>` of Ink's git."""
        ...

    def registry(self, repository: str, *actions: str) -> str:
        """Bearer token for one repository."""
        ...


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its key and the authority that signed it, as PEM. `expires`: RFC 3339."""

    ca: str
    cert: str
    key: str = field(repr=False)
    expires: str


class Certificates(Protocol):
    """Certificates between a tenant's builds and its buildkitd. `tenant` is its `TenantBuildkitd.tenant_id`."""

    def authority(self, tenant: str) -> str:
        """Names the tenant's authority; certificates of another one are not accepted."""
        ...

    def server(self, tenant: str, hosts: tuple[str, ...]) -> Pair:
        """For the tenant's buildkitd under these names."""
        ...

    def client(self, tenant: str) -> Pair:
        """For one build of the tenant."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the public host. `ok`: the application itself answered successfully."""

    ok: bool
    detail: str


class Unsealing(Protocol):
    """Decrypts sealed values. Raises Transient while the keys cannot be read."""

    async def unseal(self, sealed: str, binding: Binding) -> str:
        """The value. Raises SealedValueError if it was not sealed for this binding."""
        ...

    async def digest(self, values: Mapping[Binding, str]) -> str:
        """A digest that is equal for equal values. Keyed, so that nobody can guess values from it."""
        ...


class Prober(Protocol):
    """Asks a public host through the ingress."""

    async def probe(self, host: str, path: str, *, healthy_only: bool, memo: str) -> Answer:
        """`memo` names the revision: a good answer for it is cached for some minutes."""
        ...


class Wakeups(Protocol):
    """The queue, as reconciles may use it."""

    def add(self, key: Key, after_seconds: float = 0.0) -> None:
        """Reconcile that object after this many seconds."""
        ...

    @property
    def is_backlogged(self) -> bool:
        """Whether objects have been waiting long for a worker."""
        ...


class References(Protocol):
    """Objects that are watched because others refer to them by name."""

    def follow(self, key: Key, refs: frozenset[Ref]) -> None:
        """From now on, changes of exactly these objects wake `key`."""
        ...


class WriteGuard(Protocol):
    """Says whether this process may write."""

    def check(self) -> None:
        """Raises LeaseLost if it may not."""
        ...


class Metrics(Protocol):
    """Metrics for Prometheus."""

    def api_call(self, verb: str, resource: str, code: str) -> None:
        """One call to the API server ended."""
        ...

    def build_ended(self, result: str) -> None:
        """One build ended."""
        ...

    def went_live(self, seconds: float) -> None:
        """A new commit is live, this many seconds after its build was created."""
        ...


class EventRecorder(Protocol):
    """Events about objects."""

    def record(self, kind: Kind, owner: Manifest, before: list[Condition], after: list[Condition]) -> None:
        """Record what changed. Written in the background: a lost event does no harm."""
        ...


@dataclass(frozen=True)
class Ports:
    """All of the outside world."""

    cluster: CachedKubernetesApi
    heads: PolledBranchHeads
    registry: ImageRegistry
    verdicts: EarlyVerdicts
    tokens: Tokens
    certificates: Certificates
    sealing: Unsealing
    prober: Prober
    wakeups: Wakeups
    references: References
    metrics: Metrics
    events: EventRecorder
