"""Maven: what `package` produces."""

import re

from ink_planner.ecosystems.java.output import JAR, QUARKUS, SPRING, JvmOutput, main_class, the_jar, wrapper
from ink_planner.ecosystems.java.project import maven_modules
from ink_planner.model.errors import CannotPlan, NothingToStart
from ink_planner.model.files import Files

_CACHES = ("/root/.m2",)
_COPY = "dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=/out/lib"
_PACKS_ITSELF = re.compile(r"maven-shade-plugin|maven-assembly-plugin|jar-with-dependencies")


def maven_wrapper(files: Files) -> str | None:
    """The repository's own Maven."""
    return wrapper(files, "mvnw", ".mvn/wrapper/maven-wrapper.properties")


def maven(files: Files, wanted: str = "") -> JvmOutput:
    """`wanted`: the module that was asked for. Raises CannotPlan when nothing in it can be started."""
    command = f"{maven_wrapper(files) or 'mvn'} --batch-mode --no-transfer-progress -DskipTests"
    module = wanted or ("" if "quarkus-maven-plugin" in files.read("pom.xml") else _module(files))
    select = f" --projects {module} --also-make" if module else ""
    folder = f"{module}/" if module else ""
    text = files.read(f"{folder}pom.xml")
    for above in _above(module):  # plugins of a project are its modules' as well
        text += _without(files.read(f"{above}pom.xml"), "pluginManagement")
    package = f"{command}{select} package"
    if "quarkus-maven-plugin" in text:
        return JvmOutput("Quarkus", f"{package} && cp -r {folder}target/quarkus-app /out", QUARKUS, _CACHES)
    if "spring-boot-maven-plugin" in text:
        return JvmOutput("Spring Boot", f"{package} && {the_jar(f'{folder}target')}", SPRING, _CACHES)
    if _PACKS_ITSELF.search(text):
        return JvmOutput(
            "a self-contained jar", f"{package} && {the_jar(f'{folder}target')}", f"java -jar {JAR}", _CACHES
        )
    entry = re.search(r"<mainClass>\s*([\w.$]+)\s*</mainClass>", text)
    name = entry[1] if entry else main_class(files, folder)
    if name is None:
        raise NothingToStart(
            "this is Maven, but no class with a main method was found under src/main: add one, or name it as"
            " mainClass in pom.xml"
        )
    build = f"{package} {_COPY} && {the_jar(f'{folder}target')}"
    return JvmOutput(f"the class {name}", build, f"java -cp '{JAR}:lib/*' {name}", _CACHES)


def _without(text: str, tag: str) -> str:
    """The text without what stands in these tags."""
    first, *parts = text.split(f"<{tag}>")
    return first + "".join(part.partition(f"</{tag}>")[2] for part in parts)


def _above(module: str) -> list[str]:
    """The directories of the projects around a module, each with its slash."""
    parts = module.split("/")
    return ["".join(f"{part}/" for part in parts[:depth]) for depth in range(len(parts))] if module else []


def _module(files: Files) -> str:
    """The module that is the application; empty when the project has none."""
    modules = maven_modules(files)
    if not modules:
        return ""
    programs = [m for m in modules if "spring-boot-maven-plugin" in files.read(f"{m}/pom.xml")]
    programs = programs or [m for m in modules if "<mainClass>" in files.read(f"{m}/pom.xml")]
    programs = programs or [m for m in modules if main_class(files, f"{m}/")]
    if len(programs) == 1:
        return programs[0]
    if not programs:
        raise NothingToStart(
            "this is a Maven project with modules, but none of them has a class with a main method: add one"
        )
    raise CannotPlan(
        f"several modules are applications: {', '.join(programs[:10])}; set a build command, such as"
        f" `mvn -DskipTests --projects {programs[0]} --also-make package`, and a start command"
    )
