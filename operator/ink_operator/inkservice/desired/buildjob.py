"""The build Job and its Secret; docs/contracts.md has the contract with the builder."""

import json
from typing import Any

from ink_api import group
from ink_api.inkservice import InkService
from ink_api.quantities import seconds

from ink_operator.buildkitd.desired import PORT, buildkitd_of
from ink_operator.core import kinds, objects
from ink_operator.inkservice import model, names
from ink_operator.inkservice.desired import common
from ink_operator.inkservice.facts.source import clone_url, plain_build
from ink_operator.settings import Settings

DEADLINE_SLACK_SECONDS = 60
NONROOT_USER = 65532
CLIENT_KEYS = ("INK_BUILDKIT_CA", "INK_BUILDKIT_CERT", "INK_BUILDKIT_KEY")
SECRET_KEYS = ("INK_GIT_USERNAME", "INK_GIT_PASSWORD", "INK_REGISTRY_TOKEN", *CLIENT_KEYS)
JOB_UID_FIELD = "metadata.labels['batch.kubernetes.io/controller-uid']"
BUILD_SECRETS = "INK_BUILD_SECRETS"
"""Key of the values of the build's variables that come from elsewhere, if there are any."""


def timeout_seconds(service: InkService, settings: Settings) -> int:
    """Limit of one build."""
    build = service.spec.build
    return seconds(build.timeout) if build and build.timeout else settings.build_timeout_seconds


def make_job(context: model.ServiceContext, start: model.StartBuild, *, suspend: bool) -> objects.Manifest:
    """One attempt at a build; suspended while it queues."""
    service, identity, settings, plan = context.service, context.identity, context.settings, start.plan
    name = names.build_job(plan.key, start.number)
    labels = {
        **common.labels_of(service, identity, names.BUILD),
        names.LABEL_BUILD_KEY: plan.key,
        group.LABEL_COMMIT: plan.commit,
    }
    if not settings.buildkit_shared:
        labels[group.LABEL_DAEMON] = buildkitd_of(identity, settings).name
    annotations = {group.ANNOTATION_OWNER: names.owner_of(service)}
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": NONROOT_USER,
            "runAsGroup": NONROOT_USER,
            "seccompProfile": common.RESTRICTED["seccompProfile"],
        },
        "containers": [_container(context, start)],
    }
    if settings.build_pool.node_selector:
        pod["nodeSelector"] = settings.build_pool.node_selector
    if settings.build_pool.tolerations:
        pod["tolerations"] = settings.build_pool.tolerations
    return {
        "apiVersion": kinds.JOB.api_version,
        "kind": kinds.JOB.kind,
        "metadata": {
            "name": name,
            "namespace": settings.builds_namespace,
            "labels": labels,
            "annotations": {**annotations, names.ANNOTATION_ATTEMPT: str(start.number)},
        },
        "spec": {
            "suspend": suspend,
            "backoffLimit": 0,
            "activeDeadlineSeconds": timeout_seconds(service, settings) + DEADLINE_SLACK_SECONDS,
            "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": pod},
        },
    }


def make_secret(
    context: model.ServiceContext, start: model.StartBuild, secrets: dict[str, str], job_uid: str | None
) -> objects.Manifest:
    """The build's secrets (see secret_keys), owned by the Job as soon as that exists."""
    name = names.build_job(start.plan.key, start.number)
    meta: dict[str, Any] = {
        "name": name,
        "namespace": context.settings.builds_namespace,
        "labels": common.labels_of(context.service, context.identity, names.BUILD),
        "annotations": {group.ANNOTATION_OWNER: names.owner_of(context.service)},
    }
    if job_uid is not None:
        meta["ownerReferences"] = [
            {
                "apiVersion": kinds.JOB.api_version,
                "kind": kinds.JOB.kind,
                "name": name,
                "uid": job_uid,
                "controller": False,
            }
        ]
    return {
        "apiVersion": kinds.SECRET.api_version,
        "kind": kinds.SECRET.kind,
        "metadata": meta,
        "type": "Opaque",
        "stringData": {key: secrets[key] for key in secret_keys(start)},
    }


def secret_keys(start: model.StartBuild) -> tuple[str, ...]:
    """The keys of the build's Secret; each is an environment variable of the builder."""
    return (*SECRET_KEYS, BUILD_SECRETS) if start.secrets else SECRET_KEYS


def _container(context: model.ServiceContext, start: model.StartBuild) -> dict[str, Any]:
    name = names.build_job(start.plan.key, start.number)
    env: list[dict[str, Any]] = [{"name": k, "value": _literal(v)} for k, v in _environment(context, start).items()]
    env.append({"name": "INK_JOB_UID", "valueFrom": {"fieldRef": {"fieldPath": JOB_UID_FIELD}}})
    env += [{"name": key, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}} for key in secret_keys(start)]
    return {
        "name": names.BUILD,
        "image": context.settings.builder_image,
        "imagePullPolicy": context.settings.builder_pull_policy,
        "command": ["python", "-m", "ink_builder"],
        "env": env,
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"cpu": "2", "memory": "1Gi"},
        },
        # The clone is in the container's own layer: a volume would cost a third of a second at each start.
        "securityContext": {**common.RESTRICTED, "readOnlyRootFilesystem": False},
        "terminationMessagePolicy": "File",
    }


def _literal(value: str) -> str:
    """The value escaped, so that Kubernetes does not expand `$(NAME)`."""
    return value.replace("$", "$$")


def _environment(context: model.ServiceContext, start: model.StartBuild) -> dict[str, str]:
    service, identity, settings, plan = context.service, context.identity, context.settings, start.plan
    git = service.spec.source.git
    return {
        "INK_BUILD_ID": names.build_job(plan.key, start.number),
        "INK_TENANT": identity.tenant,
        "INK_PROJECT": identity.project,
        "INK_SERVICE": identity.name,
        "INK_GIT_URL": clone_url(git, settings) if git else "",
        "INK_COMMIT": plan.commit,
        "INK_BRANCH": git.branch if git else "",
        "INK_ROOT_DIRECTORY": (git.root_directory if git else None) or "",
        "INK_BUILD": json.dumps(plain_build(service), sort_keys=True),
        **({"INK_BUILD_SECRETS_DIGEST": plan.secrets} if plan.secrets else {}),
        "INK_COMMAND": json.dumps(_start_command(service)),
        "INK_IMAGE": f"{settings.registry}/{plan.repository}:{plan.tag_prefix}{start.number}",
        "INK_REGISTRY_HOST": settings.registry,
        "INK_REGISTRY_INSECURE": "1" if settings.registry_insecure else "",
        **_buildkit(context),
        "INK_TIMEOUT_SECONDS": str(timeout_seconds(service, settings)),
        "INK_NO_CACHE": "1" if start.no_cache else "",
        "INK_GIT_ALLOWED_PRIVATE": settings.git_internal_url,
        **({"INK_DENIED_CIDRS": ",".join(settings.denied_cidrs)} if settings.denied_cidrs else {}),
        **({"INK_BASE_IMAGES": settings.base_images} if settings.base_images else {}),
        "INK_SCAN_SECRETS": settings.scan_secrets,
        "INK_SCAN_VULNERABILITIES": settings.scan_vulnerabilities,
        "INK_SCAN_SEVERITY": settings.scan_severity,
        "INK_OSV_SOURCE": settings.osv_source,
        **_extras(settings),
    }


def _extras(settings: Settings) -> dict[str, str]:
    """Provenance, SBOM and cache, if the platform wants them."""
    chosen = {
        "INK_SCAN_IMAGE": settings.scan_image.replace("off", ""),
        "INK_SBOM_GENERATOR": settings.sbom_generator,
        "INK_PROVENANCE": settings.build_provenance.replace("off", ""),
        "INK_REGISTRY_CACHE": "1" if settings.build_registry_cache else "",
        "INK_PLATFORM": settings.build_platform,
    }
    return {name: value for name, value in chosen.items() if value}


def _buildkit(context: model.ServiceContext) -> dict[str, str]:
    settings = context.settings
    if settings.buildkit_shared:
        return {"INK_BUILDKIT_ADDRESS": settings.buildkit_address}
    host = buildkitd_of(context.identity, settings).host(settings)
    start = str(settings.buildkit_start_seconds)
    return {"INK_BUILDKIT_ADDRESS": f"{host}:{PORT}", "INK_BUILDKIT_START_SECONDS": start}


def _start_command(service: InkService) -> str | None:
    """A tool's start command arrives as `/bin/sh -c <command>`."""
    command = service.spec.command
    return command[2] if command and command[:2] == ["/bin/sh", "-c"] and len(command) == 3 else None
