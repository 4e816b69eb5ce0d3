"""Static files and Hugo, which writes some, in a record each."""

from ink_planner.ecosystems.static import hugo
from ink_planner.ecosystems.static.plan import belongs_to_another, detect
from ink_planner.model.ecosystem import Documentation, Ecosystem, Signs

STATIC = Ecosystem(
    name="static files",
    detect=detect,
    base_images={"static": {"3.12": "python:3.12-slim"}},
    examples=("index.html",),
    also_checked=("index.html",),
    gives_way=belongs_to_another,
    documentation=Documentation("`index.html`", "", "a small web server with fallback for single-page applications"),
)

HUGO = Ecosystem(
    name="Hugo",
    detect=hugo.detect,
    # the generator is a Python package, and is built with what serves its site: the set `static`
    base_images={},
    signs=Signs(("hugo.toml", "hugo.yaml", "hugo.json")),
    examples=("hugo.toml",),
    documentation=Documentation(
        "`hugo.toml` (or `config.toml`) beside `content`",
        "themes as submodules, modules or files",
        "its site is served as files",
    ),
)
