"""Elixir in one record."""

from ink_planner.ecosystems.elixir.plan import detect
from ink_planner.model.base_images import BOOKWORM, pair
from ink_planner.model.ecosystem import Documentation, Ecosystem, Signs

ELIXIR = Ecosystem(
    name="Elixir",
    detect=detect,
    base_images={"elixir": pair("elixir:{v}-otp-27-slim", BOOKWORM, "1.17", "1.18")},
    signs=Signs(("mix.exs",)),
    examples=("mix.exs",),
    also_checked=("mix.lock",),
    documentation=Documentation("`mix.exs`", "mix", "the release"),
)
