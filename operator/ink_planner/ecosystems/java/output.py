"""What a build for the JVM produces, and how it is started."""

import re
from dataclasses import dataclass

from ink_planner.model.files import Files
from ink_planner.model.plan import PORT

JAR = "app.jar"
SPRING = f"java -Dserver.port={PORT} -jar {JAR}"
QUARKUS = f"java -Dquarkus.http.host=0.0.0.0 -Dquarkus.http.port={PORT} -jar quarkus-run.jar"
_PACKAGE = re.compile(r"^[ \t]*package\s+([\w.]+)", re.MULTILINE)
_MOST_READ = 2000
"""How many sources are read at most: a repository may have any number."""
_MAIN = re.compile(r"\bstatic\s+void\s+main\s*\(|^fun\s+main\s*\(", re.MULTILINE)


@dataclass(frozen=True)
class JvmOutput:
    """The build command, which puts what runs into /out, and the start command in a directory with that content."""

    label: str
    build: str
    start: str
    caches: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


def wrapper(files: Files, script: str, needed: str) -> str | None:
    """The command of a wrapper that is committed whole; None without one, or without the file that it reads."""
    if script not in files or needed not in files:
        return None
    # committed from Windows, a shell cannot read it
    unix_line_ends = f"sed -i 's/\\r$//' {script} && " if "\r\n" in files.read(script) else ""
    return f"{unix_line_ends}sh ./{script}"


def the_jar(folder: str) -> str:
    """A command that copies the program out of a folder: the largest archive that is not sources or a bare part."""
    listed = f"ls -S {folder}/*.jar | grep -v -e '-sources.jar$' -e '-javadoc.jar$' -e '-plain.jar$' -e '/original-'"
    return f'mkdir -p /out && cp "$({listed} | head -n 1)" /out/{JAR}'


def main_class(files: Files, folder: str = "") -> str | None:
    """The only class with a main method, or the one of a usual name."""
    found: list[str] = []
    sources = sorted(p for p in files.paths if p.startswith(f"{folder}src/main/") and p.endswith((".java", ".kt")))
    for path in sources[:_MOST_READ]:
        text = files.read(path)
        if _MAIN.search(text):
            package = _PACKAGE.search(text)
            name = path.rpartition("/")[2]
            simple = f"{name.removesuffix('.kt')}Kt" if name.endswith(".kt") else name.removesuffix(".java")
            if simple.isidentifier():
                found.append(f"{package[1]}.{simple}" if package else simple)
    usual = [c for c in found if c.rpartition(".")[2] in {"Main", "App", "Application", "Server", "MainKt"}]
    return found[0] if len(found) == 1 else (usual[0] if usual else None)
