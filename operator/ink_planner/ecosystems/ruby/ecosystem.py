"""Ruby in one record."""

from ink_planner.ecosystems.ruby.plan import detect
from ink_planner.model.base_images import DEFAULT_KEY
from ink_planner.model.ecosystem import Documentation, Ecosystem, Signs

_VERSIONS = ("3.1", "3.2", "3.3", "3.4")

RUBY = Ecosystem(
    name="Ruby",
    detect=detect,
    base_images={"ruby": {DEFAULT_KEY: "3.4", **dict.fromkeys(_VERSIONS, "ruby:{version}-slim-bookworm")}},
    signs=Signs(("Gemfile", "config.ru")),
    examples=("Gemfile",),
    also_checked=("Gemfile.lock",),
    documentation=Documentation(
        "`Gemfile`, a script", "Bundler", "Rails, Rack, Sinatra, a script; Jekyll's site is served as files"
    ),
)
