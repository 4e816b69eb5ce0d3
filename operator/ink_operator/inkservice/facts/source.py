"""Pure: the address of the source, who may use it, and how its builds are named."""

import json

from ink_api.inkservice import GitSource, InkService
from ink_api.names import ServiceIdentity, short_hash
from ink_api.reasons import Reason

from ink_operator.core.plan import Failure
from ink_operator.inkservice import model
from ink_operator.settings import Settings

PLANNER_VERSION = "2"
"""Part of every build's name: a new planner rebuilds, but not what already runs."""


def internal_repository(git: GitSource, settings: Settings) -> str | None:
    """`<workspace>/<repo>` if the address is on Ink's own git server."""
    for base in (settings.git_public_url, settings.git_internal_url):
        if git.url.startswith(base + "/"):
            return git.url[len(base) + 1 :].rstrip("/").removesuffix(".git")
    return None


def reads_by_right(git: GitSource, identity: ServiceIdentity, settings: Settings) -> bool:
    """Whether the repository is on Ink's own git server and belongs to the service's own workspace."""
    repository = internal_repository(git, settings)
    return repository is not None and identity.is_workspace and repository.partition("/")[0] == identity.tenant


def clone_url(git: GitSource, settings: Settings) -> str:
    """The address that resolver and builder use: Ink's own git server is reached inside the cluster."""
    repository = internal_repository(git, settings)
    return git.url if repository is None else f"{settings.git_internal_url}/{repository}.git"


def refusal(service: InkService, identity: ServiceIdentity, in_tenants: bool, settings: Settings) -> Failure | None:
    """Why the source may not be used by this tenant, or None."""
    spec = service.spec
    if spec.source.git is not None:
        return _git_refusal(spec.source.git, identity, in_tenants, settings)
    image = spec.source.image
    if image is None:
        return Failure(Reason.INVALID_SPEC, "spec.source has neither git nor image.")
    if image.pull_secret_ref is not None and in_tenants:
        message = "spec.source.image.pullSecretRef cannot be used in a gateway workspace."
        return Failure(Reason.REFERENCE_DENIED, message)
    own = repository_of(identity).rsplit("/", 1)[0]
    if image.ref.startswith(settings.registry.split(":")[0]) and not image.ref.startswith(
        f"{settings.registry}/{own}/"
    ):
        return Failure(Reason.REFERENCE_DENIED, "spec.source.image.ref names an image that belongs to another tenant.")
    return None


def _git_refusal(git: GitSource, identity: ServiceIdentity, in_tenants: bool, settings: Settings) -> Failure | None:
    auth = git.auth
    if auth is not None and auth.secret_ref is not None and in_tenants:
        return Failure(Reason.REFERENCE_DENIED, "spec.source.git.auth.secretRef cannot be used in a gateway workspace.")
    repository = internal_repository(git, settings)
    if auth is not None and auth.internal is not None and repository is None:
        return Failure(
            Reason.INVALID_SPEC,
            f"spec.source.git.auth.internal only works for repositories under {settings.git_public_url}.",
        )
    if repository is not None:
        workspace, _, name = repository.partition("/")
        if not name or "/" in name or ".." in name:
            return Failure(
                Reason.INVALID_SPEC, "spec.source.git.url must be <workspace>/<repository>.git on Ink's git server."
            )
        if not reads_by_right(git, identity, settings) and (auth is None or auth.secret_ref is None):
            return Failure(
                Reason.REFERENCE_DENIED,
                f"The repository belongs to the workspace {workspace}. "
                "Set source.git.auth.secretRef to a Secret with a token from get_git_token.",
            )
    return None


def hinted_commit(annotation: str | None, branch: str) -> str | None:
    """The commit of a head hint `<branch>@<sha>`, if it is about this branch."""
    if not annotation:
        return None
    hinted, _, commit = annotation.rpartition("@")
    return commit if hinted == branch and len(commit) == 40 else None


def repository_of(identity: ServiceIdentity) -> str:
    """The service's image repository, without the registry. A dot keeps namespaces apart: no workspace has one."""
    if identity.is_workspace:
        return f"{identity.tenant}/{identity.project}/{identity.name}"
    return f"ink.namespaces/{identity.tenant}/{identity.name}"


def settings_hash(service: InkService, planner: str = PLANNER_VERSION, secrets: str = "") -> str:
    """64 hex digits for everything that goes into a build except the commit. `secrets`: keyed digest of values."""
    spec = service.spec
    git = spec.source.git
    parts = {
        "planner": planner,
        "url": git.url if git else "",
        "root": (git.root_directory if git else None) or "",
        # The values of variables from elsewhere count (`secrets`), not where they are stored or how they are sealed.
        "build": plain_build(service, timeout=None),
        "command": spec.command,
        "token": spec.rebuild_token or "",
        **({"secrets": secrets} if secrets else {}),
    }
    return short_hash(json.dumps(parts, sort_keys=True), length=64)


class BuildNaming:
    """Names the builds of one service with its current settings: equal inputs give equal names.

    Everything but the commit is hashed once, so that asking for several commits costs little.
    `secrets`: keyed digest of the variables that come from elsewhere.
    """

    def __init__(self, service: InkService, identity: ServiceIdentity, secrets: str = "") -> None:
        self._service, self._identity, self._secrets = service, identity, secrets
        self._settings: dict[str, str] = {}

    def plan(self, commit: str, planner: str = PLANNER_VERSION) -> model.WantedBuild:
        """The build of that commit."""
        if planner not in self._settings:
            self._settings[planner] = settings_hash(self._service, planner, self._secrets)
        digest, identity = self._settings[planner], self._identity
        return model.WantedBuild(
            key=short_hash(identity.tenant, identity.project, identity.name, commit, digest, length=20),
            commit=commit,
            repository=repository_of(identity),
            tag_prefix=f"{commit[:12]}-{digest[:8]}-",
            planner=planner,
            secrets=self._secrets,
            of_commit=self.plan,
        )

    def as_built(self, commit: str, running: model.Running) -> model.WantedBuild:
        """The same, but a running build keeps the planner version that it was built with."""
        if running.planner not in (None, PLANNER_VERSION):
            build = self.plan(commit, running.planner or PLANNER_VERSION)
            if build.key == running.build_key:
                return build
        return self.plan(commit)


def build_plan(service: InkService, identity: ServiceIdentity, commit: str, *, secrets: str = "") -> model.WantedBuild:
    """Name the build of one commit."""
    return BuildNaming(service, identity, secrets).plan(commit)


def plain_build(service: InkService, **changes: object) -> dict[str, object]:
    """spec.build without secrets: variables whose values come from elsewhere are left out."""
    build = service.spec.build
    if build is None:
        return {}
    if any(v.value_from is not None for v in build.env or []):
        changes["env"] = [v for v in build.env or [] if v.value_from is None]
    return build.model_copy(update=changes).to_wire()
