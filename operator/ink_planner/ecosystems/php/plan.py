"""Pack PHP: Composer's packages without those of development, served by Apache as an unprivileged user."""

from typing import Any

from ink_planner.model.base_images import BaseImages
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan, Run
from ink_planner.toolkit import formats, shared_files, versions
from ink_planner.toolkit.tools import NPM_CACHE, NPM_LINKS, composer_tool, node_tool
from ink_planner.toolkit.versions import VersionConstraint, VersionRules

RULES = VersionRules("PHP", "ruby", majors=False)
_CACHE = "/tmp/composer-cache"  # noqa: S108 - the build's own, not this program's
_SITE = "/etc/apache2/sites-available/000-default.conf"
_NEEDS = {
    "pdo_pgsql": ("libpq-dev",), "pgsql": ("libpq-dev",), "gd": ("libpng-dev", "libjpeg62-turbo-dev"),
    "intl": ("libicu-dev",), "zip": ("libzip-dev",), "xsl": ("libxslt1-dev",), "gmp": ("libgmp-dev",),
}  # fmt: skip
_AVAILABLE = frozenset(
    {
        "bcmath", "calendar", "exif", "gd", "gmp", "intl", "mysqli", "opcache", "pcntl", "pdo_mysql", "pdo_pgsql",
        "pgsql", "soap", "sockets", "xsl", "zip",
    }
)  # fmt: skip
"""Extensions that PHP's sources hold and its image does not."""


def detect(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    """A composer.json, or an index.php where a site begins. Raises CannotPlan."""
    why = files.first("composer.json", "index.php", "public/index.php")
    if why is None:
        return None
    composer = formats.json_object(files, "composer.json")
    laravel = "artisan" in files or "laravel/framework" in formats.table(composer, "require")
    stage = "prod" if "symfony/framework-bundle" in formats.table(composer, "require") else "production"
    base, version = versions.choose(images, "php", RULES, _constraints(composer, files))
    extensions = _extensions(composer, laravel=laravel)
    assets = "package.json" in files and "build" in formats.package_scripts(files)
    procfile = shared_files.procfile(files)
    # Heroku's own web server is not here; Apache does what it did
    own = None if procfile is None or "heroku-php" in procfile[0] or "vendor/bin/heroku" in procfile[0] else procfile
    root = _document_root(files)
    return ImagePlan(
        pack="PHP",
        image=base.build,
        run_image=base.run,
        why=why,
        versions=(version,),
        manager="composer" if composer else "no packages",
        tools=(*(composer_tool(images) if composer else ()), *(node_tool(images) if assets else ())),
        setup=(NPM_LINKS,) if assets else (),
        build_packages=("git", "unzip") if composer else (),
        install=_install(files, composer, overrides),
        build=_build(files, overrides, assets=assets, laravel=laravel),
        build_environment=(
            ("COMPOSER_ALLOW_SUPERUSER", "1"),
            ("COMPOSER_CACHE_DIR", _CACHE),
            # Symfony's scripts load packages of development otherwise, which are not installed
            *((("APP_ENV", stage),) if stage == "prod" else ()),
        ),
        run_packages=tuple(dict.fromkeys(name for e in extensions for name in _NEEDS.get(e, ()))),
        run_setup=_run_setup(extensions),
        run_environment=_environment(stage),
        texts=((_SITE, _site(root)),),
        start=overrides.start or (own[0] if own else "apache2-foreground"),
        start_why="the start command given" if overrides.start else (own[1] if own else f"Apache on {root}"),
        notes=("APP_KEY must be set on the service",) if laravel else (),
    )


def _constraints(composer: dict[str, Any], files: Files) -> list[VersionConstraint]:
    platform = formats.table(composer, "config", "platform").get("php")
    required = formats.table(composer, "require").get("php")
    found = (
        [VersionConstraint(platform, "config.platform.php in composer.json", pin=True)]
        if isinstance(platform, str)
        else []
    )
    found += shared_files.pin_file(files, ".php-version") + shared_files.tool_version(files, "php")
    return (
        [*found, VersionConstraint(required, "php in composer.json", strict=True)]
        if isinstance(required, str)
        else found
    )


def _extensions(composer: dict[str, Any], *, laravel: bool) -> list[str]:
    """Those that composer.json asks for and the image lacks; a few scripts need none."""
    if not composer:
        return []
    wanted = [name[4:].lower() for name in formats.table(composer, "require") if name.startswith("ext-")]
    wanted += ["pdo_mysql", "pdo_pgsql", "opcache"] if laravel else ["opcache"]
    return sorted({name for name in wanted if name in _AVAILABLE})


def _install(files: Files, composer: dict[str, Any], overrides: Overrides) -> tuple[Run, ...]:
    if overrides.install:
        return (Run(overrides.install, (_CACHE,)),)
    if not composer:
        return ()
    # the final image has the extensions, the build image need not
    flags = "--no-dev --no-interaction --prefer-dist --optimize-autoloader --ignore-platform-req='ext-*'"
    return (Run(f"composer install {flags}", (_CACHE,)),)


def _build(files: Files, overrides: Overrides, *, assets: bool, laravel: bool) -> tuple[Run, ...]:
    if overrides.build:
        return (Run(overrides.build, (_CACHE,)),)
    steps = []
    if assets:
        locked = "npm ci" if "package-lock.json" in files else "npm install"
        steps += [Run(f"{locked} --no-audit --no-fund", (NPM_CACHE,)), Run("npm run build", (NPM_CACHE,))]
        steps.append(Run("rm -rf node_modules"))
    if laravel:
        folders = "storage/framework/cache storage/framework/sessions storage/framework/views storage/logs"
        steps.append(Run(f"mkdir -p {folders} bootstrap/cache"))
    return tuple(steps)


def _run_setup(extensions: list[str]) -> tuple[Run, ...]:
    install = (Run(f"docker-php-ext-install -j2 {' '.join(extensions)}"),) if extensions else ()
    return (*install, Run("a2enmod rewrite headers && sed -i 's/^Listen .*/Listen ${PORT}/' /etc/apache2/ports.conf"))


def _document_root(files: Files) -> str:
    for folder in ("public", "web", "webroot", "www", "htdocs"):
        if f"{folder}/index.php" in files:
            return f"/app/{folder}"
    return "/app"


def _environment(stage: str) -> tuple[tuple[str, str], ...]:
    """Apache's own files lie where an unprivileged user may write."""
    names = ("RUN_DIR", "LOCK_DIR")
    folders = tuple((f"APACHE_{name}", "/tmp") for name in names)  # noqa: S108
    return (*folders, ("APACHE_PID_FILE", "/tmp/apache2.pid"), ("APP_ENV", stage), ("LOG_CHANNEL", "stderr"))  # noqa: S108


def _site(root: str) -> str:
    return "\n".join(
        (
            "ServerName localhost",
            "<VirtualHost *:${PORT}>",
            f"    DocumentRoot {root}",
            f"    <Directory {root}>",
            "        AllowOverride All",
            "        Require all granted",
            "        FallbackResource /index.php",
            "    </Directory>",
            '    <DirectoryMatch "/\\.(?!well-known)">',
            "        Require all denied",
            "    </DirectoryMatch>",
            '    <FilesMatch "^(\\.|composer\\.(json|lock)$)">',
            "        Require all denied",
            "    </FilesMatch>",
            "</VirtualHost>",
            "",
        )
    )
