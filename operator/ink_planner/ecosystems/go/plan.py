"""Pack Go: one static program; nothing of the toolchain in the final image."""

import re
from dataclasses import replace

from ink_planner.model.base_images import BaseImages
from ink_planner.model.ecosystem import Signs
from ink_planner.model.errors import CannotPlan, NothingToStart
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import ImagePlan, Run, Version
from ink_planner.toolkit import quoting, shared_files, sources, versions
from ink_planner.toolkit.versions import VersionConstraint, VersionRules

RULES = VersionRules("Go")
_CACHES = ("/root/.cache/go-build", "/go/pkg/mod")
_PREFERRED = ("server", "app", "api", "web", "main")
_MAIN = re.compile(r"^package\s+main\b", re.MULTILINE)
_ENTRY = re.compile(r"^func\s+main\(\)", re.MULTILINE)
_ADDRESS = r'"[\w.]*:(\d{4,5})"'
_LISTEN = re.compile(
    rf"(?:ListenAndServe|Run|Listen|Start)\(\s*{_ADDRESS}|\bAddr(?:ess)?:\s*{_ADDRESS}|Listen\(\s*\"tcp[46]?\",\s*{_ADDRESS}"
    rf"|flag\.String\(\s*\"[\w-]*(?:addr|port|listen)[\w-]*\",\s*{_ADDRESS}"
    rf'|\b(?i:addr|address|port)\s*:?=\s*(?:{_ADDRESS}|"?(\d{{4,5}})"?\s*$)',
    re.MULTILINE,
)
_BINARY, _PROGRAM = "/out/app", "/usr/local/bin/app"
_MOST_READ = 1000
"""How many files are read at most: a repository may have any number."""
_MOST_SOURCES = 200
_USUAL = ("go.mod", "go.work", "main.go")
_C = re.compile(r'^[ \t]*import\s+"C"', re.MULTILINE)
_NEED_C = ("github.com/mattn/go-sqlite3", "github.com/confluentinc/confluent-kafka-go", "github.com/h2non/bimg")


def belongs_to_another(files: Files, others: Signs) -> bool:
    """A program with an unusual name counts only where there are no signs of another language."""
    return files.first(*_USUAL) is None and files.first(*others.manifests) is not None


def detect(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    """A go.mod, a go.work, or a program's file alone. Raises CannotPlan."""
    if _why(files) is None:
        return None
    package = "." if overrides.build else _package(files)
    if (whole := _module_above(files)) is not None:
        return _below(whole, files, overrides, images, package)
    return _plan(files, overrides, images, package, files.read("go.mod"))


def _why(files: Files) -> str | None:
    usual = files.first(*_USUAL)
    return usual or next((p for p in files.with_suffix(".go")[:_MOST_READ] if _ENTRY.search(files.read(p))), None)


def _modules_above(files: Files) -> list[str]:
    """Where the go.mod of a directory without one may be, the nearest first."""
    parents = files.place.split("/")
    return ["/".join([*parents[:depth], "go.mod"]) for depth in reversed(range(len(parents)))]


def _module_above(files: Files) -> Files | None:
    """The whole repository, when the program of one directory cannot be built without it."""
    whole = files.whole
    if whole is None or not files.place:
        return None
    outside = re.search(r"=>\s*\.\./", files.read("go.mod"))
    listed = "go.work" in whole and re.search(rf"\b{re.escape(files.place)}\s*$", whole.read("go.work"), re.MULTILINE)
    above = "go.mod" not in files and whole.first(*_modules_above(files))
    return whole if outside or listed or above else None


def _below(whole: Files, files: Files, overrides: Overrides, images: BaseImages, package: str) -> ImagePlan:
    """One directory's program, compiled with the modules around it; it runs beside that directory's files."""
    mod = files.read("go.mod") or whole.read(whole.first(*_modules_above(files)) or "")
    alone = _plan(files, overrides, images, package, mod)
    step = replace(alone.build[0], command=f"cd {quoting.argument(files.place)} && {alone.build[0].command}")
    kept = tuple((f"/app/{files.place}{source.removeprefix('/app')}", target) for source, target in alone.artifacts)
    moved = tuple(new if old[0].startswith("/app") else old for new, old in zip(kept, alone.artifacts, strict=True))
    mods = "".join(whole.read(p) for p in whole.named("go.mod", 3))
    environment = dict(alone.build_environment)
    if any(name in mods for name in _NEED_C):
        environment["CGO_ENABLED"] = "1"
    return replace(
        alone,
        directory="",
        why=f"the Go program in {files.place}",
        manager="go modules",
        manifests=(),
        install=(Run(overrides.install, _CACHES),) if overrides.install else (),
        build=(step,),
        build_environment=tuple(environment.items()),
        artifacts=moved,
    )


def _plan(files: Files, overrides: Overrides, images: BaseImages, package: str, mod: str) -> ImagePlan:
    base, version = versions.choose(images, "go", RULES, ())
    wanted = _asked(files, mod)
    environment = [
        ("GOCACHE", _CACHES[0]),
        ("GOMODCACHE", _CACHES[1]),
        ("CGO_ENABLED", "1" if _needs_c(files) else "0"),
    ]
    notes: tuple[str, ...] = ()
    if wanted and (number := versions.number_of(wanted.text)):
        version = Version("Go", base.version, f"{wanted.source} asks for {wanted.text} or newer")
        if number[:2] > base.number:
            # the go command fetches the toolchain that go.mod asks for, as a module
            environment.append(("GOTOOLCHAIN", "auto"))
            notes = (f"Go {wanted.text} is downloaded by the go command: this platform has {base.version}",)
    start, why = _start(files, mod, overrides, package)
    return ImagePlan(
        pack="Go",
        image=base.build,
        run_image=base.run,
        why=_why(files) or "",
        versions=(version,),
        manager="go modules" + (", vendored" if files.has_directory("vendor") else ""),
        manifests=_manifests(files, mod),
        install=_install(files, mod, overrides),
        build=(Run(overrides.build or _command(files, mod, package), _CACHES),),
        build_environment=tuple(environment),
        artifacts=_artifacts(files, overrides),
        start=start,
        start_why=why,
        port=_port(files, package),
        notes=(*notes, *(n for p in _own_sources(files, package) for n in sources.loopback_note(p, files.read(p)))),
    )


def _start(files: Files, mod: str, overrides: Overrides, package: str) -> tuple[str, str]:
    if overrides.start:
        return overrides.start, "the start command given"
    if overrides.build and _BINARY not in overrides.build:
        named = re.search(r"\s-o[ =](\S+)", overrides.build)
        if named is None:
            raise CannotPlan(f"set a start command, or let the build command write its program to {_BINARY}")
        return f"./{named[1].removeprefix('./')}", "the build command"
    if found := shared_files.procfile(files):
        word, _, arguments = found[0].partition(" ")
        module = re.search(r"^module\s+(\S+)", mod, re.MULTILINE)
        names = {"app", package.rpartition("/")[2], *((module[1].rpartition("/")[2],) if module else ())}
        if word.rpartition("/")[2] in names:  # the program has another name here, its arguments stay
            return f"{_PROGRAM} {arguments}".strip(), found[1]
    return _PROGRAM, "the program of " + (package if package != "." else "package main")


def _port(files: Files, package: str) -> int:
    return sources.fixed_port(
        sources.without_comments("\n".join(files.read(p) for p in _own_sources(files, package))), _LISTEN
    )


def _own_sources(files: Files, package: str) -> list[str]:
    """The files of the program itself."""
    folder = package.removeprefix("./").removeprefix(".")
    return [p for p in files.with_suffix(".go", 3) if p.rpartition("/")[0] == folder][:50]


def _asked(files: Files, mod: str) -> VersionConstraint | None:
    """The newest of the lines that name a version: each is the least that will do."""
    found = [
        VersionConstraint(text, "go.mod")
        for text in re.findall(r"^(?:go|toolchain)\s+(?:go)?(\d[\d.]*)", mod, re.MULTILINE)
    ]
    found += [
        VersionConstraint(text, "go.work")
        for text in re.findall(r"^go\s+(\d[\d.]*)", files.read("go.work"), re.MULTILINE)
    ]
    found += shared_files.tool_version(files, "golang", "go")
    found = [constraint for constraint in found if versions.number_of(constraint.text)]
    return max(found, key=lambda constraint: versions.number_of(constraint.text) or (), default=None)


def _needs_c(files: Files) -> bool:
    named = files.read("go.mod")
    return any(name in named for name in _NEED_C) or any(
        _C.search(files.read(p)) for p in files.with_suffix(".go", 1)[:_MOST_READ]
    )


def _package(files: Files) -> str:
    """The directory of the program. Raises CannotPlan when there is none, or several and none of a usual name."""
    found: list[str] = []
    for path in files.with_suffix(".go", 3)[:_MOST_READ]:
        directory = path.rpartition("/")[0]
        skipped = path.endswith("_test.go") or path.startswith(("vendor/", "examples/", "_examples/", "internal/"))
        if skipped or directory in found or not (directory == "" or quoting.is_plain(directory)):
            continue
        text = files.read(path)
        if _MAIN.search(text) and _ENTRY.search(text):
            found.append(directory)
    if "" in found:
        return "."
    module = re.search(r"^module\s+(\S+?)(?:/v\d+)?\s*$", files.read("go.mod"), re.MULTILINE)
    # the repository's own name is that of its main program
    own = [d for d in found if module and d == f"cmd/{module[1].rpartition('/')[2]}"]
    named = [own] + [[d for d in found if d.rpartition("/")[2] == name] for name in _PREFERRED]
    usual = [same[0] for same in named if len(same) == 1]
    commands = [d for d in found if d.startswith("cmd/")]
    for choice in (found, commands):
        if len(choice) == 1:
            return f"./{choice[0]}"
    if usual:
        return f"./{usual[0]}"
    if not found:
        raise NothingToStart("this is Go, but no directory has a `package main` with a func main: add one")
    raise CannotPlan(
        f"there are several programs: {', '.join(found[:10])}; set a build command, such as"
        f" `go build -o {_BINARY} ./{found[0]}`"
    )


def _command(files: Files, mod: str, package: str) -> str:
    begin = ""
    if not mod and "go.work" not in files:
        begin = "go mod init app && go mod tidy && "
    loose = "-mod=mod " if "go.mod" in files and "go.sum" not in files and not files.has_directory("vendor") else ""
    return f"{begin}go build {loose}-trimpath -tags timetzdata -ldflags='-s -w' -o {_BINARY} {package}"


def _manifests(files: Files, mod: str) -> tuple[str, ...]:
    local = re.search(r"=>\s*\.{0,2}/", mod)
    if "go.mod" not in files or "go.sum" not in files or "go.work" in files or local or files.has_directory("vendor"):
        return ()
    return ("go.mod", "go.sum")


def _install(files: Files, mod: str, overrides: Overrides) -> tuple[Run, ...]:
    if overrides.install:
        return (Run(overrides.install, _CACHES),)
    return (Run("go mod download", _CACHES),) if _manifests(files, mod) else ()


def _artifacts(files: Files, overrides: Overrides) -> tuple[tuple[str, str], ...]:
    """The program and what it may read; all of it where the user's own commands decide what is built."""
    if overrides.build and _BINARY not in overrides.build:
        return (("/app", "/app"), sources.CERTIFICATES)
    return ((_BINARY, _PROGRAM), *sources.kept_beside_binary(files, _sources(files)), sources.CERTIFICATES)


def _sources(files: Files) -> str:
    paths = [p for p in files.with_suffix(".go", 3) if not p.endswith("_test.go") and not p.startswith("vendor/")]
    return "\n".join(files.read(path) for path in paths[:_MOST_SOURCES])
