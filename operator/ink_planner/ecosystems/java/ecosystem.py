"""Java and Kotlin in one record."""

from ink_planner.ecosystems.java.plan import detect
from ink_planner.model.base_images import DEFAULT_KEY, pair
from ink_planner.model.ecosystem import Documentation, Ecosystem, Signs

_VERSIONS = ("8", "11", "17", "21", "25")
_OF_GRADLE = ("11", "17", "21")
_RUN = "eclipse-temurin:{v}-jre"

JAVA = Ecosystem(
    name="Java, Kotlin",
    detect=detect,
    base_images={
        "java": {DEFAULT_KEY: "21", **pair("eclipse-temurin:{v}-jdk", _RUN, *_VERSIONS)},
        "maven": {DEFAULT_KEY: "21", **pair("maven:3-eclipse-temurin-{v}", _RUN, *_VERSIONS)},
        "gradle": {DEFAULT_KEY: "21", **pair("gradle:8-jdk{v}", _RUN, *_OF_GRADLE)},
    },
    signs=Signs(("pom.xml", "build.gradle", "build.gradle.kts")),
    examples=("pom.xml", "build.gradle"),
    documentation=Documentation(
        "`pom.xml`, `build.gradle`",
        "Maven, Gradle, their wrappers",
        "Spring Boot, Quarkus, Ktor, a class with a main method",
    ),
)
