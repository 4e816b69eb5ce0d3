"""Pack Ruby: Bundler, then Rails, a Rack application or a script."""

import re
from dataclasses import replace

from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import CannotPlan, NothingToStart
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import PORT, ImagePlan, Run
from ink_planner.toolkit import formats, quoting, shared_files, sites, versions
from ink_planner.toolkit.tools import NPM_CACHE, NPM_LINKS, node_tool
from ink_planner.toolkit.versions import VersionConstraint, VersionRules

RULES = VersionRules("Ruby", "ruby", majors=False)
_BUNDLE = "/usr/local/bundle"
_CACHES = ("/root/.bundle/cache",)
_GEM = re.compile(r"^[ \t]*gem\s+[\"']([\w-]+)[\"']", re.MULTILINE)
_LOCKED = re.compile(r"^ {4}([\w-]+) \(", re.MULTILINE)
_SCRIPTS = ("app.rb", "main.rb", "server.rb", "web.rb", "index.rb")
_USUAL_GEMS = frozenset(
    {
        "sinatra",
        "rack",
        "puma",
        "webrick",
        "roda",
        "hanami",
        "grape",
        "cuba",
        "pg",
        "sqlite3",
        "redis",
        "sequel",
        "thin",
    }
)
"""Not part of Ruby, and what small programs begin with."""
_COMPILER = ("build-essential", "git", "libyaml-dev", "pkg-config")
_LIBRARIES = {
    "pg": (("libpq-dev",), ("libpq5",)),
    "mysql2": (("default-libmysqlclient-dev",), ("libmariadb3",)),
    "sqlite3": (("libsqlite3-dev",), ("libsqlite3-0",)),
    "ruby-vips": ((), ("libvips42",)),
    "image_processing": ((), ("libvips42",)),
    "mini_magick": ((), ("imagemagick",)),
}


def detect(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    """A Gemfile, a config.ru, or a script of a usual name. Raises CannotPlan."""
    why = files.first("Gemfile", "config.ru", *_SCRIPTS)
    if why is None:
        return None
    gems = frozenset(_GEM.findall(files.read("Gemfile")) + _LOCKED.findall(files.read("Gemfile.lock")))
    rails = "rails" in gems or "railties" in gems or "bin/rails" in files
    jekyll = (
        not rails and "_config.yml" in files and (bool(gems & {"jekyll", "github-pages"}) or "config.ru" not in files)
    )
    start, start_why = ("", "") if jekyll else _start(files, overrides, gems, rails=rails)
    base, version = versions.choose(images, "ruby", RULES, _constraints(files))
    libraries = [needs for gem, needs in _LIBRARIES.items() if gem in gems]
    assets = rails and "package.json" in files
    node = node_tool(images) if assets else ()
    plan = ImagePlan(
        pack="Ruby",
        image=base.build,
        run_image=base.run,
        why=why,
        versions=(version,),
        manager="bundler" if "Gemfile" in files else "no packages",
        tools=node,
        setup=(NPM_LINKS,) if node else (),
        build_packages=(*_COMPILER, *(name for build, _ in libraries for name in build)) if "Gemfile" in files else (),
        run_packages=tuple(dict.fromkeys(name for _, run in libraries for name in run)),
        manifests=_manifests(files),
        install=_install(files, overrides),
        build=_build(files, overrides, gems, rails=rails),
        build_environment=_environment(files, rails=rails),
        run_environment=_environment(files, rails=rails),
        artifacts=((("/usr/local/bundle", _BUNDLE),) if "Gemfile" in files else ()) + (("/app", "/app"),),
        start=start,
        start_why=start_why,
        notes=("SECRET_KEY_BASE or RAILS_MASTER_KEY must be set on the service",) if rails else (),
    )
    return _jekyll(plan, overrides, images) if jekyll and "Gemfile" in files and not overrides.start else plan


def _jekyll(plan: ImagePlan, overrides: Overrides, images: BaseImages) -> ImagePlan:
    """A site: what Jekyll writes is served as files."""
    directory = quoting.directory(overrides.publish_directory or "_site", "the publish directory")
    build = overrides.build or "JEKYLL_ENV=production bundle exec jekyll build --baseurl '' --destination _site"
    return sites.served(replace(plan, build=(Run(build, _CACHES),)), directory or ".", "Jekyll", images)


def _constraints(files: Files) -> list[VersionConstraint]:
    """Bundler refuses another Ruby than the Gemfile's."""
    named = re.search(
        r"^[ \t]*ruby\s+[\"']([^\"']+)[\"'](?:\s*,\s*[\"']([^\"']+)[\"'])?", files.read("Gemfile"), re.MULTILINE
    )
    if named:
        text = ", ".join(part for part in named.groups() if part)
        exact = text[:1].isdigit()
        return [VersionConstraint(text, "ruby in Gemfile", pin=exact, strict=True)]
    found = shared_files.pin_file(files, ".ruby-version") + shared_files.tool_version(files, "ruby")
    locked = re.search(r"^RUBY VERSION\n\s+ruby ([\d.]+)", files.read("Gemfile.lock"), re.MULTILINE)
    return found + ([VersionConstraint(locked[1], "Gemfile.lock", pin=True)] if locked else [])


def _start(files: Files, overrides: Overrides, gems: frozenset[str], *, rails: bool) -> tuple[str, str]:
    if overrides.start:
        return overrides.start, "the start command given"
    if found := shared_files.procfile(files):
        return found
    if rails:
        return f"bundle exec rails server -b 0.0.0.0 -p {PORT} -e production", "Rails"
    prefix = "bundle exec " if "Gemfile" in files else ""
    if "config.ru" in files and "Gemfile" not in files:
        raise CannotPlan(
            "config.ru needs gems (rackup, a server such as puma, and what it requires), but no file lists them: add a"
            " Gemfile"
        )
    if "config.ru" in files:
        if "puma" in gems:
            return f"{prefix}puma --bind tcp://0.0.0.0:{PORT} config.ru", "config.ru, puma"
        if "falcon" in gems:
            return f"{prefix}falcon serve --bind http://0.0.0.0:{PORT}", "config.ru, falcon"
        return f"{prefix}rackup --host 0.0.0.0 --port {PORT} config.ru", "config.ru"
    script = files.first(*_SCRIPTS)
    if "Gemfile" not in files:
        _no_gems_needed(files, script)
    if script is None:
        raise NothingToStart("this is Ruby, but no start command was found: add config.ru, app.rb or a Procfile")
    arguments = f" -o 0.0.0.0 -p {PORT}" if "sinatra" in gems else ""
    return f"{prefix}ruby {script}{arguments}", f"{script}{', Sinatra' if arguments else ''}"


def _no_gems_needed(files: Files, script: str | None) -> None:
    """Without a Gemfile nothing is installed: what the program requires then fails at its start."""
    required = re.findall(r"^[ \t]*require\s+[\"']([\w-]+)", files.read(script or ""), re.MULTILINE)
    if missing := [name for name in required if name in _USUAL_GEMS]:
        raise CannotPlan(f"{script} requires {', '.join(missing)}, but no file lists the gems: add a Gemfile")


def _manifests(files: Files) -> tuple[str, ...]:
    gemfile = files.read("Gemfile")
    reads_more = re.search(r"path:|gemspec|eval_gemfile|File\.read|instance_eval", gemfile)
    if "Gemfile" not in files or reads_more:
        return ()
    more = tuple(f for f in ("Gemfile.lock", ".ruby-version", ".tool-versions") if f in files)
    return ("Gemfile", *more)


def _install(files: Files, overrides: Overrides) -> tuple[Run, ...]:
    if overrides.install:
        return (Run(overrides.install, _CACHES),)
    if "Gemfile" not in files:
        return ()
    platforms = re.search(r"^PLATFORMS\n((?: +\S+\n)+)", files.read("Gemfile.lock"), re.MULTILINE)
    known = platforms is None or re.search(r"^ +(?:ruby|\S*linux\S*)$", platforms[1], re.MULTILINE)
    # locked on another system only: the same versions, for this one as well
    add = "BUNDLE_FROZEN=false bundle lock --add-platform $(ruby -e 'print Gem::Platform.local.cpu')-linux && "
    return (Run(f"{'' if known else add}bundle install", _CACHES),)


def _build(files: Files, overrides: Overrides, gems: frozenset[str], *, rails: bool) -> tuple[Run, ...]:
    if overrides.build:
        return (Run(overrides.build, _CACHES),)
    steps = []
    if rails and "package.json" in files:
        locked = "npm ci" if "package-lock.json" in files else "npm install"
        yarn = "npm install --global yarn@1 && yarn install --frozen-lockfile"
        steps.append(Run(yarn if "yarn.lock" in files else f"{locked} --no-audit --no-fund", (NPM_CACHE,)))
        if "build" in formats.package_scripts(files) and not {"jsbundling-rails", "vite_rails"} & gems:
            steps.append(Run("npm run build", (NPM_CACHE,)))
    if rails and (files.has_directory("app/assets") or files.has_directory("app/javascript")):
        steps.append(Run("SECRET_KEY_BASE_DUMMY=1 bundle exec rails assets:precompile"))
    if rails and "package.json" in files:
        steps.append(Run("rm -rf node_modules"))
    return tuple(steps)


def _environment(files: Files, *, rails: bool) -> tuple[tuple[str, str], ...]:
    bundle = (("BUNDLE_PATH", _BUNDLE), ("BUNDLE_WITHOUT", "development:test"))
    frozen = (("BUNDLE_FROZEN", "true"),) if "Gemfile.lock" in files else ()
    if not rails:
        return (*bundle, *frozen, ("RACK_ENV", "production"))
    return (
        *bundle,
        *frozen,
        ("RAILS_ENV", "production"),
        ("RAILS_LOG_TO_STDOUT", "1"),
        ("RAILS_SERVE_STATIC_FILES", "1"),
    )
