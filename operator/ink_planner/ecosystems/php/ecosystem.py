"""PHP in one record."""

from ink_planner.ecosystems.php.plan import detect
from ink_planner.model.base_images import pair
from ink_planner.model.ecosystem import Documentation, Ecosystem, Signs

PHP = Ecosystem(
    name="PHP",
    detect=detect,
    base_images={
        "php": pair("php:{v}-cli-bookworm", "php:{v}-apache-bookworm", "8.1", "8.2", "8.3", "8.4"),
        "composer": {"2": "composer:2"},
    },
    signs=Signs(("composer.json",), ("index.php",), (".php",)),
    examples=("composer.json",),
    also_checked=("composer.lock",),
    documentation=Documentation("`composer.json`, `index.php`", "Composer", "Apache on `public/` or the top directory"),
)
