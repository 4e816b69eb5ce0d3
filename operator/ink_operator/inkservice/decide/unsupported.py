"""Pure: fields of the API whose part this version does not have. They are refused in words, never ignored."""

from collections.abc import Callable

from ink_api.inkservice import EnvSource, InkServiceSpec

Look = Callable[[InkServiceSpec], bool]


def _build_env(pick: Callable[[EnvSource], object]) -> Look:
    return lambda spec: any(v.value_from and pick(v.value_from) for v in (spec.build and spec.build.env) or [])


def _env(pick: Callable[[EnvSource], object]) -> Look:
    return lambda spec: any(v.value_from is not None and pick(v.value_from) is not None for v in spec.env or [])


FIELDS: tuple[tuple[str, Look], ...] = (
    ("source.git.auth.githubApp", lambda s: bool(s.source.git and s.source.git.auth and s.source.git.auth.github_app)),
    ("build.env with resourceRef", _build_env(lambda source: source.resource_ref)),
    ("build.env with serviceEnvRef", _build_env(lambda source: source.service_env_ref)),
    ("mode OnDemand", lambda s: s.mode == "OnDemand"),
    ("env with resourceRef", _env(lambda source: source.resource_ref)),
    ("env with serviceEnvRef", _env(lambda source: source.service_env_ref)),
    ("health.type MCP", lambda s: s.health is not None and s.health.type == "MCP"),
    ("domains", lambda s: bool(s.domains)),
    (
        "ports with protocol TCP and visibility Public",
        lambda s: any(p.protocol == "TCP" and p.visibility == "Public" for p in s.ports or []),
    ),
)
"""(what to call it, is it used)"""


def not_served(spec: InkServiceSpec) -> list[str]:
    """Names of the used fields, in the order of the specification."""
    return [f"spec.{name}" for name, used in FIELDS if used(spec)]
