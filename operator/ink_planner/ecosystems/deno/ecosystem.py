"""Deno in one record."""

from ink_planner.ecosystems.deno.plan import detect
from ink_planner.model.ecosystem import Documentation, Ecosystem, Signs

DENO = Ecosystem(
    name="Deno",
    detect=detect,
    base_images={"deno": {"2": "denoland/deno:debian"}},
    signs=Signs(("deno.json", "deno.jsonc"), ("main.ts", "server.ts")),
    examples=("deno.json",),
    documentation=Documentation(
        "`deno.json`, `deno.lock`, a `main.ts` that uses it", "deno", "task `start`, `deno serve`, `deno run`"
    ),
)
