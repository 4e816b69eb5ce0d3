"""Rust in one record."""

from ink_planner.ecosystems.rust.plan import detect
from ink_planner.model.base_images import BOOKWORM, DEFAULT_KEY, pair
from ink_planner.model.ecosystem import Documentation, Ecosystem, Signs

_VERSIONS = ("1.75", "1.80", "1.85", "1.90", "1")

RUST = Ecosystem(
    name="Rust",
    detect=detect,
    base_images={"rust": {DEFAULT_KEY: "1", **pair("rust:{v}-slim-bookworm", BOOKWORM, *_VERSIONS)}},
    signs=Signs(("Cargo.toml",)),
    examples=("Cargo.toml",),
    also_checked=("Cargo.lock",),
    documentation=Documentation("`Cargo.toml`", "cargo", "the only program, or `default-run`"),
)
