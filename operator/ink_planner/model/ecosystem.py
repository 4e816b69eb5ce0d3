"""One ecosystem in one record. Whatever lists ecosystems, messages and docs included, is derived from these records."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ink_planner.model.base_images import BaseImages
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan


@dataclass(frozen=True)
class Signs:
    """Names at the top of a repository by which ecosystems are recognised."""

    manifests: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()

    def are_in(self, files: Files) -> bool:
        """Whether one of them is at the top."""
        return files.first(*self.manifests, *self.programs) is not None or any(map(files.with_suffix, self.suffixes))


Detector = Callable[[Files, Overrides, BaseImages], ImagePlan | None]


@dataclass(frozen=True)
class Documentation:
    """A row of the table in docs/builds.md, in Markdown."""

    recognised_by: str
    packages: str
    started_by: str


@dataclass(frozen=True)
class Ecosystem:
    """A language with its package managers and frameworks, or a generator of sites."""

    name: str
    """As people know it: `Java, Kotlin`."""
    detect: Detector
    """The plan; None when the repository is of another ecosystem. Pure. Raises CannotPlan."""
    base_images: Mapping[str, Mapping[str, Any]]
    """The publishers' own: set -> version -> image, or {build, run}; `default` -> version. See BaseImages."""
    documentation: Documentation
    signs: Signs = Signs()
    """What other ecosystems respect, and what is checked before anything is planned (corrupt manifests)."""
    examples: tuple[str, ...] = ()
    """Files that are named to a user in whose repository nothing is recognised."""
    reads_utf16: tuple[str, ...] = ()
    """Manifests that its tools read in this encoding as well."""
    also_checked: tuple[str, ...] = ()
    """Files that are useless with conflict markers in them, but no signs: lock files, pages."""
    comes_first_with: tuple[str, ...] = ()
    """Files that decide: with one of them at the top it is asked before all others."""
    gives_way: Callable[[Files, Signs], bool] = lambda files, others: False
    """Whether the repository belongs to another ecosystem, by the signs of all others."""
