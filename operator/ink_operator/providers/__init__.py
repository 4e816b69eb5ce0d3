"""Providers of databases and of DNS zones: one file each, listed in the registry of its folder.

A provider's file has one function, `make(outside, environ)`: it reads its own settings (INK_<PROVIDER>_…) and returns
an implementation of the port, or raises ValueError naming the variable that is wrong or missing. Its module is imported
only if the platform has chosen it, so the libraries of the others cost no memory.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

import aiohttp

from ink_operator.ports import KubernetesApi, WriteGuard

P_co = TypeVar("P_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Outside:
    """What a provider may use to reach the outside."""

    session: aiohttp.ClientSession
    cluster: KubernetesApi
    """For those that run in the cluster."""
    guard: WriteGuard
    """Asked before each call that writes."""


class Make(Protocol[P_co]):
    """The one function of a provider's file."""

    def __call__(self, outside: Outside, environ: Mapping[str, str]) -> P_co:
        """Raises ValueError naming the variable that is wrong or missing."""
        ...


@dataclass(frozen=True)
class Registry(Generic[P_co]):
    """Name -> module, and the setting by which a platform chooses providers."""

    setting: str
    modules: Mapping[str, str]

    def make(self, name: str, outside: Outside, environ: Mapping[str, str]) -> P_co:
        """The provider with that name. Raises ValueError."""
        make = cast("Make[P_co]", importlib.import_module(self.modules[name]).make)
        return make(outside, environ)

    def chosen(self, outside: Outside, environ: Mapping[str, str]) -> dict[str, P_co]:
        """The providers that the setting names, comma-separated, in its order. Raises ValueError."""
        names = [name.strip() for name in environ.get(self.setting, "").split(",") if name.strip()]
        for name in names:
            if name not in self.modules:
                known = ", ".join(sorted(self.modules)) or "none yet"
                raise ValueError(
                    f"{self.setting} names {name!r}, which this version of Ink does not have; it has {known}"
                )
        return {name: self.make(name, outside, environ) for name in names}
