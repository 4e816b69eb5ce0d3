"""Pack Rust: one program built by cargo; its compiled dependencies are cached."""

import re
from typing import Any

from ink_planner.ecosystems.rust.workspace import around, behind, crates
from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import CannotPlan, NothingToStart
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import DEFAULT_PORT, ImagePlan, Run
from ink_planner.toolkit import formats, quoting, shared_files, sources, versions
from ink_planner.toolkit.versions import VersionConstraint, VersionRules

RULES = VersionRules("Rust")
_TARGET = "/app/target"
_CACHES = ("/usr/local/cargo/registry", "/usr/local/cargo/git", _TARGET)
_BINARY, _PROGRAM = "/out/app", "/usr/local/bin/app"
_MOST_READ = 200
_LISTEN = re.compile(r"\(\s*\[\s*\d+(?:\s*,\s*\d+){3}\s*\]\s*,\s*(\d{4,5})\s*\)|\"[\d.]+:(\d{4,5})\"")
_LIBRARIES = {
    "openssl-sys": (("pkg-config", "libssl-dev"), ("libssl3",)),
    "pq-sys": (("libpq-dev",), ("libpq5",)),
    "mysqlclient-sys": (("default-libmysqlclient-dev",), ("libmariadb3",)),
    "openssl-src": (("make", "perl"), ()),
    "libsqlite3-sys": (("libsqlite3-dev",), ("libsqlite3-0",)),
    "protoc": (("protobuf-compiler",), ()),
}
"""Crates that need C libraries: what building them needs, and what running them needs."""
_BROUGHT = (
    (r"^(?:reqwest|native-tls|openssl)\b", "openssl-sys"),
    (r"^diesel\b.*postgres", "pq-sys"),
    (r"^diesel\b.*mysql", "mysqlclient-sys"),
    (r"^(?:diesel\b.*sqlite|rusqlite\b)", "libsqlite3-sys"),
)
# cargo compares dates, and a commit's date says nothing about what the cache was built from
_TOUCH = "find . -path ./target -prune -o -type f -name '*.rs' -exec touch {} + && "


def detect(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    """A Cargo.toml. Raises CannotPlan."""
    if "Cargo.toml" not in files:
        return None
    area = around(files)
    constraints = [*_constraints(files), *(_constraints(area.top) if area else ())]
    base, version = versions.choose(images, "rust", RULES, constraints)
    lock = area.lock if area else files.read("Cargo.lock")
    name = ""
    build = overrides.build or ""
    if not build:
        package, name = _program(files)
        chosen = f" --package {package}" if package else ""
        loose = not lock or (area is None and behind(lock, formats.toml(files, "Cargo.toml")))
        cargo = f"cargo build --release{'' if loose else ' --locked'}{chosen} --bin {name}"
        build = f"{cargo} && install -D {_TARGET}/release/{name} {_BINARY}"
    libraries = _libraries(files, lock)
    own = bool(overrides.build) and _BINARY not in (overrides.build or "")
    if own and not overrides.start:
        raise CannotPlan(f"set a start command, or let the build command write its program to {_BINARY}")
    kept = (("/app", "/app"),) if own else sources.kept_beside_binary(files, _sources(files))
    there = f"cd {area.place} && " if area else ""
    if area:
        kept = tuple((f"/app/{area.place}{source.removeprefix('/app')}", to) for source, to in kept)
    rocket = "rocket" in formats.table(formats.toml(files, "Cargo.toml"), "dependencies")
    return ImagePlan(
        pack="Rust",
        image=base.build,
        run_image=base.run,
        directory="" if area else None,
        why=f"the package in {area.place}" if area else "Cargo.toml",
        versions=(version,),
        manager="cargo" + ("" if lock else ", without a lock file"),
        build_packages=tuple(name for build_needs, _ in libraries for name in build_needs),
        run_packages=tuple(name for _, run_needs in libraries for name in run_needs),
        build_environment=(("CARGO_HOME", "/usr/local/cargo"), ("CARGO_TARGET_DIR", _TARGET)),
        run_environment=(("ROCKET_ADDRESS", "0.0.0.0"), ("ROCKET_PORT", str(DEFAULT_PORT))) if rocket else (),
        install=(Run(there + overrides.install, _CACHES[:2]),) if overrides.install else (),
        # what the user's own commands leave in target/ must outlive the step
        build=(Run(f"{'' if overrides.build else _TOUCH}{there}{build}", _CACHES[:2] if own else _CACHES),),
        artifacts=(*(() if own else ((_BINARY, _PROGRAM),)), *kept, sources.CERTIFICATES),
        start=overrides.start or _PROGRAM,
        start_why="the start command given" if overrides.start else f"the program {name}",
        port=_port(files),
        notes=sources.loopback_note("src/main.rs", files.read("src/main.rs")),
    )


def _libraries(files: Files, lock: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Of what the lock file says; without one, of what Cargo.toml itself names, which brings others along."""
    if lock:
        package = str(formats.table(formats.toml(files, "Cargo.toml"), "package").get("name"))
        used = crates(lock, package)
        brought = [crate for crate in _LIBRARIES if crate in used]
    else:
        manifest = files.read("Cargo.toml")
        brought = [crate for pattern, crate in _BROUGHT if re.search(pattern, manifest, re.MULTILINE)]
    if "openssl-src" in brought and "openssl-sys" in brought:
        brought.remove("openssl-sys")
    return [_LIBRARIES[crate] for crate in brought]


def _constraints(files: Files) -> list[VersionConstraint]:
    channel = formats.table(formats.toml(files, "rust-toolchain.toml"), "toolchain").get("channel")
    plain = files.read("rust-toolchain").strip()
    if plain and "[" in plain:
        channel = formats.table(formats.toml(files, "rust-toolchain"), "toolchain").get("channel")
    elif plain:
        channel = plain.splitlines()[0]
    # rustup, where the image has it, fetches channels such as nightly itself
    found = (
        [VersionConstraint(channel, "rust-toolchain", pin=True)]
        if isinstance(channel, str) and channel[:1].isdigit()
        else []
    )
    found += [constraint for constraint in shared_files.tool_version(files, "rust") if constraint.text[:1].isdigit()]
    least = formats.table(formats.toml(files, "Cargo.toml"), "package").get("rust-version")
    return [*found, VersionConstraint(f">={least}", "rust-version in Cargo.toml")] if isinstance(least, str) else found


def _program(files: Files) -> tuple[str, str]:
    """The package (empty: the one at the top) and the program. Raises CannotPlan."""
    formats.check_toml(files, "Cargo.toml")
    top = formats.toml(files, "Cargo.toml")
    wanted = formats.table(top, "package").get("default-run")
    found = [("", name) for name in _binaries(files, top, "")]
    if not found:
        for path in files.named("Cargo.toml", 3)[:200]:
            folder = path.rpartition("/")[0]
            manifest = formats.toml(files, path) if folder and not folder.startswith("target/") else {}
            package = str(formats.table(manifest, "package").get("name") or "")
            found += [(package, name) for name in _binaries(files, manifest, f"{folder}/")] if manifest else []
    found = [pair for pair in found if all(not part or quoting.is_plain(part) for part in pair)]
    preferred = [pair for pair in found if pair[1] == wanted] or (found if len(found) == 1 else [])
    for name in (str(formats.table(top, "package").get("name") or ""), "server", "app", "api", "web"):
        preferred = preferred or [pair for pair in found if pair[1] == name]
    if preferred:
        return preferred[0]
    if not found:
        raise NothingToStart("this is Rust, but there is no program, only a library: add src/main.rs")
    names = ", ".join(name for _, name in found[:10])
    raise CannotPlan(
        f"there are several programs: {names}; name one as default-run in [package] of Cargo.toml, or"
        " set source.git.rootDirectory to its directory"
    )


def _binaries(files: Files, manifest: dict[str, Any], folder: str) -> list[str]:
    name = formats.table(manifest, "package").get("name")
    listed = manifest.get("bin")
    found = [str(b["name"]) for b in listed if isinstance(b, dict) and "name" in b] if isinstance(listed, list) else []
    if (
        isinstance(name, str)
        and f"{folder}src/main.rs" in files
        and not any(
            isinstance(b, dict) and b.get("path") == "src/main.rs" for b in (listed if isinstance(listed, list) else [])
        )
    ):
        found.insert(0, name)
    inside = [p for p in files.with_suffix(".rs", 4) if p.startswith(f"{folder}src/bin/")]
    found += [
        p.removeprefix(f"{folder}src/bin/").removesuffix(".rs") for p in inside if p.count("/") == folder.count("/") + 2
    ]
    return list(dict.fromkeys(found))


def _port(files: Files) -> int:
    return sources.fixed_port(sources.without_comments(files.read("src/main.rs")), _LISTEN)


def _sources(files: Files) -> str:
    inside = [path for path in files.with_suffix(".rs", 4) if path.startswith("src/")]
    return "\n".join(files.read(path) for path in inside[:_MOST_READ])
