"""Gradle: which task makes the program, and where it leaves it."""

import re

from ink_planner.ecosystems.java.output import JAR, QUARKUS, SPRING, JvmOutput, main_class, the_jar, wrapper
from ink_planner.ecosystems.java.project import gradle_modules
from ink_planner.model.errors import CannotPlan, NothingToStart
from ink_planner.model.files import Files

_CACHES = ("/root/.gradle",)
_ENVIRONMENT = (("GRADLE_USER_HOME", "/root/.gradle"), ("GRADLE_OPTS", "-Dorg.gradle.daemon=false"))
_APPLICATION = re.compile(
    r"(?:^|[{;])[ \t]*(?:id\s*\(?\s*[\"']application[\"']|application\b|apply plugin: ['\"]application['\"]"
    r"|`application`|mainClass\b)",
    re.MULTILINE,
)


def gradle_wrapper(files: Files) -> str | None:
    """The repository's own Gradle; its archive is often left out by a rule for `*.jar`."""
    return wrapper(files, "gradlew", "gradle/wrapper/gradle-wrapper.jar")


def gradle(files: Files, wanted: str = "") -> JvmOutput:
    """`wanted`: the subproject that was asked for. Raises CannotPlan when nothing in it can be started."""
    command = f"{gradle_wrapper(files) or 'gradle'} --no-daemon"
    module = wanted or _module(files)
    folder, task = (f"{module}/", f":{module.replace('/', ':')}:") if module else ("", "")
    text = _script(files, folder)
    if "io.quarkus" in text:
        build = f"{command} {task}build -x test && cp -r {folder}build/quarkus-app /out"
        return JvmOutput("Quarkus", build, QUARKUS, _CACHES, _ENVIRONMENT)
    if "org.springframework.boot" in text:
        build = f"{command} {task}bootJar && {the_jar(f'{folder}build/libs')}"
        return JvmOutput("Spring Boot", build, SPRING, _CACHES, _ENVIRONMENT)
    if re.search(r"gradleup\.shadow|johnrengelman\.shadow", text):
        build = f"{command} {task}shadowJar && {the_jar(f'{folder}build/libs')}"
        return JvmOutput("a self-contained jar", build, f"java -jar {JAR}", _CACHES, _ENVIRONMENT)
    if _APPLICATION.search(text) or "io.ktor.plugin" in text:
        # the start script is named after the project, whatever that is
        build = f"{command} {task}installDist && mkdir -p /out && cp -r {folder}build/install/*/. /out"
        link = "ln -s \"$(ls /out/bin | grep -v '\\.bat$' | head -n 1)\" /out/bin/start-application"
        return JvmOutput("the application plugin", f"{build} && {link}", "bin/start-application", _CACHES, _ENVIRONMENT)
    name = main_class(files, folder)
    if name is None:
        raise NothingToStart(
            "this is Gradle, but no class with a main method was found under src/main: add one, or the plugin"
            " `application` with its mainClass"
        )
    build = f"{command} {task}assemble && {the_jar(f'{folder}build/libs')}"
    return JvmOutput(f"the class {name}", build, f"java -cp {JAR} {name}", _CACHES, _ENVIRONMENT)


def _script(files: Files, folder: str) -> str:
    return files.read(f"{folder}build.gradle") + files.read(f"{folder}build.gradle.kts")


def _module(files: Files) -> str:
    """The subproject that is the application; empty when it is the top one."""
    top = _script(files, "")
    spring = "org.springframework.boot" in top and "apply false" not in top
    if spring or "application" in top or "io.quarkus" in top:
        return ""
    modules = gradle_modules(files)
    marks = ("org.springframework.boot", "io.quarkus", "application", "shadow", "io.ktor.plugin")
    programs = [m for m in modules if any(mark in _script(files, f"{m}/") for mark in marks)]
    if len(programs) > 1:
        raise CannotPlan(
            f"several subprojects are applications: {', '.join(programs[:10])}; set a build command and a start command"
        )
    return programs[0] if programs else ""
