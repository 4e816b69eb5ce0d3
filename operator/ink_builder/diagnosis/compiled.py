"""Go, Rust, Java and C."""

from ink_api.reasons import Reason

from ink_builder.diagnosis.rule import Rule

GO = (
    Rule(
        Reason.VERSION_MISMATCH,
        r"^go: (?:(?P<who>\S+) )?requires go >= (?P<wanted>\S+) \(running go (?P<got>[^;)]+)"
        r"|invalid go version '(?P<bad>[^']+)'",
        "{who} requires Go {wanted}{bad}, but the build uses {got}: use a newer Go image, or lower the `go` version in go.mod",
    ),
    Rule(
        Reason.CHECKSUM_MISMATCH,
        r"verifying (?P<name>[^\s:]+): checksum mismatch",
        "the checksum of {name} differs from the one in go.sum: find out why; if you trust the module, remove its lines from"
        " go.sum and run `go mod tidy`",
    ),
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"missing go\.sum entry (?:for (?:module providing package |go\.mod file[^\n]*?)?(?P<name>\S+)?)?",
        "go.sum has no entry for {name}: run `go mod tidy` and commit go.mod and go.sum",
    ),
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"updates to go\.mod needed|go\.mod file indicates replacement, but",
        "go.mod is out of date: run `go mod tidy` and commit go.mod and go.sum",
    ),
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"inconsistent vendoring in",
        "the vendor directory does not match go.mod: run `go mod vendor` and commit it",
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"(?:no required module provides package|cannot find module providing package) (?P<name>[^\s;:]+)",
        "no module in go.mod provides the package {name}: run `go get {name}` and commit go.mod and go.sum",
    ),
    Rule(
        Reason.DEPENDENCY_AUTH_REQUIRED,
        r"^go: (?P<name>[^\s@]+)@\S+ [^\n]*\n(?:[^\n]*\n){0,6}?[^\n]*could not read Username",
        "the module {name} is private: add credentials for its server to build.env and use them in a Dockerfile",
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"^go: (?:[^\n]*? )?(?P<name>[^\s@]+@[^\s:]+): (?:reading \S+: (?:40[34]|410)|invalid version|unrecognized import|module \S+: |unknown revision)",
        "Go could not fetch {name}: correct the module's path or version in go.mod",
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"^#\s+\S+.*\n(?:\./)?(?P<place>[^\s:]+\.go:\d+):\d+: (?P<words>.*)$|^(?P<vet>[^\s:]+\.go:\d+):\d+: (?P<said>.*)$",
        "the Go code does not compile: {place}{vet}: {words}{said}",
    ),
    Rule(
        Reason.TESTS_FAILED,
        r"^[ \t]*--- FAIL: (?P<name>\S+)",
        "the test {name} failed: fix it, or leave tests out of the build",
    ),
)

RUST = (
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"(?:cannot update the lock file|lock file) (?P<path>\S*Cargo\.lock)[^\n]*--locked was passed",
        "Cargo.lock does not match Cargo.toml: run `cargo update --workspace` (or `cargo build`) and commit Cargo.lock",
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"no matching package(?: named `(?P<name>[^`]+)`)? found|failed to select a version for the requirement `(?P<version>[^`]+)`",
        "Cargo could not find the crate {name}{version}: correct its name or version in Cargo.toml",
    ),
    Rule(
        Reason.VERSION_MISMATCH,
        r"rustc (?P<got>\S+) is not supported by the following packages?:\n\s+(?P<who>\S+) requires rustc (?P<wanted>\S+)"
        r"|requires rustc (?P<old>\S+) or newer",
        "{who} requires Rust {wanted}{old}, but the build uses {got}: set the version in rust-toolchain.toml, or lower rust-version",
    ),
    Rule(
        Reason.COMMAND_NOT_FOUND,
        r"error: linker `(?P<name>[^`]+)` not found",
        "Rust needs the linker {name}, which is not in the image: install a C compiler (gcc) in the build stage",
    ),
    Rule(
        Reason.TESTS_FAILED,
        r"^thread '(?P<name>[^']+)' [^\n]*panicked at[\s\S]*test result: FAILED",
        "the test {name} failed: fix it, or leave tests out of the build",
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"^error(?:\[(?P<code>E\d+)\])?: (?P<words>.*)\n\s*--> (?P<place>[^\s:]+:\d+)",
        "the Rust code does not compile: {place}: {words} ({code})",
    ),
)

JAVA = (
    Rule(
        Reason.VERSION_MISMATCH,
        r"invalid (?:target|source) release: (?P<wanted>\S+)|release version (?P<release>\S+) not supported"
        r"|class file version (?P<file>[\d.]+), this version of the Java Runtime",
        "the code requires Java {wanted}{release}{file}, but the build uses an older version: choose a newer JDK image,"
        " or lower maven.compiler.release (in Gradle, the toolchain's version)",
    ),
    Rule(
        Reason.DEPENDENCY_AUTH_REQUIRED,
        r"(?:status code: 40[13], reason phrase|Received status code 40[13] from server|Not authorized)[^\n]*",
        "an artifact repository needs credentials: add them to build.env and use them in settings.xml",
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"Could not find artifact (?P<name>[^\s:]+:[^\s:]+)\S* in |: (?P<cached>[^\s:]+:[^\s:]+)\S* was not found in \S+ during a previous attempt|Could not find (?P<gradle>[\w.-]+:[\w.-]+:\S+?)\.$",
        "Maven or Gradle could not find {name}{cached}{gradle}: correct its name or version in the build file",
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"^\[ERROR\] (?P<place>\S+\.(?:java|kt)):\[(?P<line>\d+),\d+\] (?P<words>.*)$",
        "the Java code does not compile: {place} line {line}: {words}",
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"^(?P<place>\S+\.java:\d+): error: (?P<words>.*)$",
        "the Java code does not compile: {place}: {words}",
    ),
    Rule(
        Reason.TESTS_FAILED,
        r"^(?:\[ERROR\] )?(?:Failed tests|Tests in error|Failures):\s*(?:\[ERROR\]\s+)?(?P<name>[^\n]+)$|^(?P<gradle>\d+ tests? completed, \d+ failed)",
        "tests fail ({name}{gradle}): fix them, or skip them in the build (-DskipTests)",
    ),
)

C = (
    Rule(
        Reason.FILE_NOT_FOUND,
        r"^\s*(?P<place>[^\s:]+:\d+):\d+: fatal error: (?P<name>[^\s:]+\.h(?:pp)?): No such file or directory",
        "the header {name} is missing ({place}): install the library's development package in a Dockerfile",
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"^\s*(?P<place>[^\s:]+\.(?:c|cc|cpp|cxx|h|hpp):\d+):\d+: (?:fatal )?error: (?P<words>.*)$",
        "the C code does not compile: {place}: {words}",
    ),
)

RULES = (*GO, *RUST, *JAVA, *C)
