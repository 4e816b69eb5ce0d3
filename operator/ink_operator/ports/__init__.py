"""The outside world as the kinds see it. Implementations live in clients/ and runtime/; tests have their own."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ink_api.conditions import Condition
from ink_api.reasons import Reason
from ink_api.sealing import Binding

from ink_operator.core.memo import Memo
from ink_operator.core.objects import Key, Kind, Manifest, Ref


class Cluster(Protocol):
    """The API server. Every method may raise Transient, Conflict, Forbidden, Rejected or OverQuota."""

    async def get(self, ref: Ref, *, fresh: bool = False) -> Manifest | None:
        """The object, or None. `fresh`: not as it was seen last, but as it is."""
        ...

    async def list(self, kind: Kind, namespace: str = "", labels: str = "") -> list[Manifest]:
        """All objects in a namespace (empty: in the cluster) that match a label selector."""
        ...

    async def create(self, manifest: Manifest) -> Manifest:
        """Create; raises AlreadyExists."""
        ...

    async def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply under Ink's field manager, taking conflicting fields over."""
        ...

    async def hand_over(self, manifest: Manifest) -> Manifest:
        """Server-side apply of a part under the manager that only holds. Raises Conflict for another version."""
        ...

    async def merge_patch(self, ref: Ref, patch: dict[str, Any], *, subresource: str = "") -> Manifest | None:
        """JSON merge patch; None when the object is gone."""
        ...

    async def delete(self, ref: Ref, *, uid: str | None = None, resource_version: str | None = None) -> None:
        """Delete in the background; absent is fine. Raises Conflict when uid or resourceVersion differ."""
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
    """Names the credential without telling it: minted passwords differ each time, answers do not."""
    hint: str | None = None
    """A commit that the branch is said to point to by now."""
    asker: str = ""
    generation: int = 0
    """Whose question it is, and of which spec: who has just changed it expects what is true now."""


@dataclass(frozen=True, slots=True)
class Head:
    """A commit, or the reason there is none. `fresh_for_seconds`: when it is due to be asked again."""

    commit: str | None
    reason: Reason | None = None
    message: str = ""
    fresh_for_seconds: float = 300.0


class Heads(Protocol):
    """Heads of branches, remembered between polls."""

    async def head(self, question: HeadQuestion) -> Head:
        """Never raises for a bad source: that is an answer."""
        ...


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image in Ink's registry."""

    digest: str
    ports: tuple[int, ...]
    inkfile: str = ""
    """Its label of that name: anything."""


class Registry(Protocol):
    """Ink's own registry. Methods raise Transient when it does not answer."""

    async def find(self, repository: str, tag_prefix: str) -> StoredImage | None:
        """The newest image whose tag starts with the prefix and ends in an attempt number."""
        ...

    async def delete_repository(self, repository: str) -> None:
        """Delete every tag and manifest that a tag names."""
        ...

    async def prune(self, repository: str, digests: frozenset[str], tags: frozenset[str]) -> None:
        """Delete images and build logs but these, by their digests or tags."""
        ...


class Verdicts(Protocol):
    """How builds ended, learnt sooner than the kubelet looks at their pods."""

    def told(self, key: Key, repository: str, build: str, uid: str) -> str:
        """What the builder said at its end; "" as long as that is not known, and then `key` is woken once it is.

        `build` and `uid` are those of its Job. Ask as long as the build runs.
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
    """Certificates between a tenant's builds and its buildkitd. `tenant` is its `Daemon.whose`."""

    def authority(self, tenant: str) -> str:
        """Names the authority of the tenant; certificates of another one are worth nothing."""
        ...

    def server(self, tenant: str, hosts: tuple[str, ...]) -> Pair:
        """For the tenant's buildkitd under these names."""
        ...

    def client(self, tenant: str) -> Pair:
        """For one build of the tenant."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What the public host said. `ok`: the application itself answered as it should."""

    ok: bool
    detail: str


class Sealing(Protocol):
    """Opens sealed values. Raises Transient while the keys cannot be read."""

    async def unseal(self, sealed: str, binding: Binding) -> str:
        """The value. Raises SealedValueError when it was not sealed for this binding."""
        ...

    async def digest(self, values: Mapping[Binding, str]) -> str:
        """The same values, the same digest; without the key nobody can try values against it."""
        ...


class Prober(Protocol):
    """Asks a public host through the ingress."""

    async def probe(self, host: str, path: str, *, healthy_only: bool, memo: str) -> Answer:
        """`memo` names the revision: a good answer for it is trusted for some minutes."""
        ...


class Wakeups(Protocol):
    """The queue, as reconciles may use it."""

    def add(self, key: Key, after_seconds: float = 0.0) -> None:
        """Look at that object after so many seconds."""
        ...

    @property
    def behind(self) -> bool:
        """There is more to do than can be done at once."""
        ...


class References(Protocol):
    """Objects that are watched because others refer to them by name."""

    def follow(self, key: Key, refs: frozenset[Ref]) -> None:
        """From now on changes of exactly these objects wake `key`."""
        ...


class WriteGuard(Protocol):
    """Says whether this process may write."""

    def check(self) -> None:
        """Raises LeaseLost when it may not."""
        ...


class Meter(Protocol):
    """Figures for Prometheus."""

    def api_call(self, verb: str, resource: str, code: str) -> None:
        """One call to the API server ended."""
        ...

    def build_ended(self, result: str) -> None:
        """One build came to its end."""
        ...

    def went_live(self, seconds: float) -> None:
        """A new commit answers, so many seconds after it was first wanted."""
        ...


class Announcer(Protocol):
    """Events about objects."""

    def announce(self, kind: Kind, owner: Manifest, before: list[Condition], after: list[Condition]) -> None:
        """Tell what changed. In the background: an event that is lost harms nothing."""
        ...


@dataclass(frozen=True)
class Ports:
    """All of the outside world."""

    cluster: Cluster
    heads: Heads
    registry: Registry
    verdicts: Verdicts
    tokens: Tokens
    certificates: Certificates
    sealing: Sealing
    prober: Prober
    wakeups: Wakeups
    references: References
    meter: Meter
    announcer: Announcer
    tenancy: Memo[tuple[str, dict[tuple[str, str], Manifest]]]
    """Namespace -> its uid and what the operator set up in it, by kind and name."""
    without_env: Memo[bool]
    """Uids of services that have no sealed values, and of which no Secret was left behind."""
    untold: Memo[datetime]
    """Uid of a service -> since when its status tells less than is known."""
    build_gate: AbstractAsyncContextManager[Any]
    """Held while it is decided whether one more build may start, so that two never take the last place."""
