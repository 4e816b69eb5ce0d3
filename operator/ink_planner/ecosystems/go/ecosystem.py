"""Go in one record."""

from ink_planner.ecosystems.go.plan import belongs_to_another, detect
from ink_planner.model.base_images import BOOKWORM, pair
from ink_planner.model.ecosystem import Documentation, Ecosystem, Signs

GO = Ecosystem(
    name="Go",
    detect=detect,
    base_images={"go": pair("golang:{v}-bookworm", BOOKWORM, "1.23", "1.24", "1.25", "1.26")},
    signs=Signs(("go.mod",), ("main.go",), (".go",)),
    examples=("go.mod",),
    also_checked=("go.sum",),
    gives_way=belongs_to_another,
    documentation=Documentation(
        "`go.mod`, `go.work`, `main.go`",
        "go modules",
        "the only program, or the one named like the module in `cmd`, or `cmd/server`, `cmd/app`, `cmd/api`, `cmd/web`",
    ),
)
