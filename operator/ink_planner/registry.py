"""All ecosystems, and what follows from their records."""

from collections.abc import Mapping
from typing import Any

from ink_planner.ecosystems.deno.ecosystem import DENO
from ink_planner.ecosystems.dotnet.ecosystem import DOTNET
from ink_planner.ecosystems.elixir.ecosystem import ELIXIR
from ink_planner.ecosystems.go.ecosystem import GO
from ink_planner.ecosystems.java.ecosystem import JAVA
from ink_planner.ecosystems.node.ecosystem import NODE
from ink_planner.ecosystems.php.ecosystem import PHP
from ink_planner.ecosystems.python.ecosystem import PYTHON
from ink_planner.ecosystems.ruby.ecosystem import RUBY
from ink_planner.ecosystems.rust.ecosystem import RUST
from ink_planner.ecosystems.static.ecosystem import HUGO, STATIC
from ink_planner.model.base_images import BaseImages
from ink_planner.model.ecosystem import Ecosystem, Signs
from ink_planner.model.files import Files

ECOSYSTEMS: tuple[Ecosystem, ...] = (
    STATIC, HUGO, ELIXIR, PHP, RUBY, JAVA, DOTNET, RUST, GO, DENO, NODE, PYTHON,
)  # fmt: skip
"""In the order in which they are asked: those whose repositories often hold another one's manifest come first."""
_OF_ALL = ("Procfile",)
"""Files that say how a program is started, in whatever language."""


def most_common_first() -> tuple[Ecosystem, ...]:
    """All of them, the most common ones first."""
    return ECOSYSTEMS[::-1]


def public_images() -> dict[str, Mapping[str, Any]]:
    """Image set -> version -> image: what a platform has that lists no images of its own."""
    return {name: listed for ecosystem in most_common_first() for name, listed in ecosystem.base_images.items()}


def base_images(settings: Mapping[str, Any] | None = None) -> BaseImages:
    """The platform's base images: the public ones, but for the sets that its settings list. Raises ValueError.

    A set without versions is one that this platform does not build.
    """
    if not isinstance(settings, Mapping | None):
        raise ValueError("base images: expected an object of ecosystems")
    return BaseImages({**public_images(), **(settings or {})})


def in_order(files: Files) -> tuple[Ecosystem, ...]:
    """Which ecosystems are asked about these files, one after the other."""
    first = tuple(e for e in ECOSYSTEMS if any(name in files for name in e.comes_first_with))
    return (*first, *(e for e in ECOSYSTEMS if e not in first))


def others(ecosystem: Ecosystem) -> Signs:
    """The signs of all ecosystems but one."""
    signs = [other.signs for other in most_common_first() if other is not ecosystem]
    return Signs(
        tuple(name for one in signs for name in one.manifests),
        (*_OF_ALL, *(name for one in signs for name in one.programs)),
        tuple(name for one in signs for name in one.suffixes),
    )


def checked_files() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names at the top that no build succeeds with when they are corrupt: those that must be UTF-8, and all."""
    manifests = (*(name for e in most_common_first() for name in e.signs.manifests), *_OF_ALL)
    any_encoding = {name for e in most_common_first() for name in e.reads_utf16}
    rest = (name for e in most_common_first() for name in e.also_checked)
    return tuple(name for name in manifests if name not in any_encoding), tuple(dict.fromkeys((*manifests, *rest)))
