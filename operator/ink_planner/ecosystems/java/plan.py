"""Pack Java: Maven or Gradle, by its wrapper where there is one; Spring Boot, Quarkus, or any program with a main."""

import re

from ink_planner.ecosystems.java.gradle import gradle, gradle_wrapper
from ink_planner.ecosystems.java.maven import maven, maven_wrapper
from ink_planner.ecosystems.java.output import JvmOutput
from ink_planner.ecosystems.java.project import SETTINGS, around
from ink_planner.model.base_images import BaseImages
from ink_planner.model.errors import CannotPlan
from ink_planner.model.files import Files
from ink_planner.model.options import Overrides
from ink_planner.model.plan import DEFAULT_PORT, ImagePlan, Run
from ink_planner.toolkit import shared_files, sources, versions
from ink_planner.toolkit.versions import VersionConstraint, VersionRules

RULES = VersionRules("Java")
_MOST_READ = 200
_LISTEN = re.compile(
    r"embeddedServer\([^)]{0,200}?\bport\s*=\s*(\d{4,5})|InetSocketAddress\(\s*(\d{4,5})\s*\)|\.start\(\s*(\d{4,5})\s*\)"
    r"|^[ \t]*port\(\s*(\d{4,5})\s*\)",
    re.MULTILINE,
)
"""Ktor, the JDK's own server, Javalin, Spark."""
_NUMBER = r"[\"'<>(=\s]*(?:VERSION_)?(1\.8|\d{1,2})\b"
_ASKED = re.compile(
    rf"(?:maven\.compiler\.(?:release|target|source)>|<java\.version>|<release>|JavaLanguageVersion\.of\(|jvmToolchain\("
    rf"|(?:source|target)Compatibility\s*=?\s*(?:JavaVersion\.)?){_NUMBER}"
)


def detect(files: Files, overrides: Overrides, images: BaseImages) -> ImagePlan | None:
    """A pom.xml or a Gradle build. Raises CannotPlan."""
    script = files.first("pom.xml", "build.gradle", "build.gradle.kts", *SETTINGS)
    if script is None:
        return None
    root, module = around(files) or (files, "")
    if script == "pom.xml":
        tool, output, wrapper = "maven", maven(root, module), maven_wrapper(root) is not None
    else:
        tool, output, wrapper = "gradle", gradle(root, module), gradle_wrapper(root) is not None
    constraints = [*_constraints(files), *(_constraints(root) if module else ())]
    base, version = versions.choose(images, "java" if wrapper else tool, RULES, constraints)
    start, start_why = _start(files, output, overrides)
    there = f"cd {module} && " if module else ""
    return ImagePlan(
        pack="Java",
        image=base.build,
        run_image=base.run,
        directory=root.place if module else None,
        why=f"the module {module} of {root.first('pom.xml', *SETTINGS)}" if module else script,
        versions=(version,),
        manager=f"{tool}, by its wrapper" if wrapper else tool,
        install=(Run(there + overrides.install, output.caches),) if overrides.install else (),
        build=(Run(there + overrides.build if overrides.build else output.build, output.caches),),
        build_environment=output.environment,
        run_environment=(("JAVA_TOOL_OPTIONS", "-XX:MaxRAMPercentage=75"),),
        artifacts=((f"/app/{module}".rstrip("/"), "/app"),) if overrides.build else (("/out", "/app"),),
        start=start,
        start_why=start_why,
        port=_port(files) if output.label not in {"Spring Boot", "Quarkus"} else DEFAULT_PORT,
    )


def _port(files: Files) -> int:
    """Frameworks take theirs from the start command; another program's is in its code."""
    paths = sorted(p for p in files.paths if "src/main/" in p and p.endswith((".java", ".kt")))
    return sources.fixed_port("\n".join(files.read(path) for path in paths[:_MOST_READ]), _LISTEN)


def _start(files: Files, output: JvmOutput, overrides: Overrides) -> tuple[str, str]:
    """A Procfile names files where the build leaves them, which is so only when the build command is the user's."""
    if overrides.start:
        return overrides.start, "the start command given"
    if not overrides.build:
        return output.start, output.label
    if found := shared_files.procfile(files):
        return found
    raise CannotPlan("with a build command of your own, set a start command as well, or add a Procfile")


def _constraints(files: Files) -> list[VersionConstraint]:
    """JDKs build for older ones, so a near newer one will do."""
    found = shared_files.pin_file(files, ".java-version") + shared_files.tool_version(files, "java")
    named = re.search(r"^[ \t]*java(?:\.runtime\.version)?\s*=\s*(\S+)", files.read("system.properties"), re.MULTILINE)
    found += [VersionConstraint(named[1], "system.properties", pin=True)] if named else []
    sdk = re.search(r"^[ \t]*java\s*=\s*(\S+)", files.read(".sdkmanrc"), re.MULTILINE)
    found += [VersionConstraint(sdk[1], ".sdkmanrc", pin=True)] if sdk else []
    for path in ("pom.xml", "build.gradle", "build.gradle.kts", "app/build.gradle", "app/build.gradle.kts"):
        asked = _ASKED.search(files.read(path))
        found += [VersionConstraint(asked[1], path, pin=True)] if asked else []
    return [
        VersionConstraint(f"{major[0]}", constraint.source, pin=True)
        for constraint in found
        if (number := versions.number_of(constraint.text)) and (major := number[1:2] if number[0] == 1 else number[:1])
    ]
