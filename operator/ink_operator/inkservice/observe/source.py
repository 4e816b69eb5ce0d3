"""Reads only: the head of the branch, the credentials to read it with, and whether the image exists."""

import base64

from ink_api import group
from ink_api.inkservice import GitSource
from ink_api.names import short_hash
from ink_api.reasons import Reason

from ink_operator.core import errors, kinds, objects
from ink_operator.core.plan import Failure
from ink_operator.inkservice import model
from ink_operator.inkservice.facts import revisions, rollout, source
from ink_operator.ports import Head, HeadQuestion, Ports, StoredImage

GRANT_RETRY_SECONDS = 0.5
"""How long a new RoleBinding may need to take effect."""
Credentials = tuple[str | None, str | None]
"""User name and password; both None for a public repository."""


async def branch_head(context: model.ServiceContext, ports: Ports, granted: bool) -> Head | None:
    """The head of the branch; None if no branch is followed. `granted`: the operator may read the namespace."""
    service, identity, settings = context.service, context.identity, context.settings
    git = service.spec.source.git
    if git is None or git.commit is not None:
        return None
    if not granted and git.auth is not None and git.auth.secret_ref is not None:
        return Head(None, Reason.RESOLVING, "The namespace is being set up.", GRANT_RETRY_SECONDS)
    credentials = await credentials_of(git, context, ports)
    if isinstance(credentials, Failure):
        return Head(None, credentials.reason, credentials.message, settings.poll_seconds)
    username, password = credentials
    return await ports.heads.head(
        HeadQuestion(
            url=source.clone_url(git, settings),
            branch=git.branch,
            tenant=identity.tenant,
            username=username,
            password=password,
            credential="internal" if source.reads_by_right(git, identity, settings) else short_hash(password or ""),
            hint=source.hinted_commit(service.metadata.annotations.get(group.ANNOTATION_HEAD), git.branch),
            asker=service.metadata.uid,
            generation=service.metadata.generation,
        )
    )


async def credentials_of(git: GitSource, context: model.ServiceContext, ports: Ports) -> Credentials | Failure:
    """The credentials for the repository."""
    repository = source.internal_repository(git, context.settings)
    if repository is not None and source.reads_by_right(git, context.identity, context.settings):
        return "ink", ports.tokens.git_read(repository, context.identity.tenant)
    if git.auth is None or git.auth.secret_ref is None:
        return None, None
    name = git.auth.secret_ref.name
    secret = await ports.cluster.get(objects.Ref(kinds.SECRET, context.identity.namespace, name))
    data = (secret or {}).get("data") or {}
    if "password" not in data:
        missing = (
            f"The Secret {name} does not exist." if secret is None else f"The Secret {name} has no key named password."
        )
        return Failure(Reason.CONFIG_NOT_FOUND, missing)
    decoded = {key: base64.b64decode(value).decode(errors="replace").strip() for key, value in data.items()}
    return decoded.get("username") or "git", decoded["password"]


async def stored_image(seen: model.Observed, ports: Ports) -> StoredImage | None:
    """Looked up only if it matters: the wanted build is not running, and no Job has its result."""
    build = seen.build
    if build is None:
        return None
    running = rollout.running_of(seen.workload)
    if running is not None and running.build_key == build.key:
        return None
    attempts = [a for a in seen.attempts if a.build_key == build.key]
    last = attempts[-1] if attempts else None
    if last is not None and not (
        last.state == model.BuildState.SUCCEEDED and not (last.verdict and last.verdict.digest)
    ):
        return None
    try:
        return await ports.registry.find(build.repository, build.tag_prefix)
    except errors.Transient:
        # An earlier deployment is restored even if the registry does not answer: nodes may have the image.
        known = revisions.of_build(seen.revisions, build.key)
        if known is None or known.running is None or known.image_deleted:
            raise
        return StoredImage(known.running.image.partition("@")[2], (known.running.port,))
