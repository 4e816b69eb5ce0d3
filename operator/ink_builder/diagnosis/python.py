"""pip, uv, poetry, pipenv, pytest, Python itself."""

import re

from ink_api.reasons import Reason

from ink_builder.diagnosis.rule import Rule, around


def _host(text: str) -> str:
    return around(r"Looking in indexes: https?://(?:\*+@)?([^/\s]+)", text, "the package index")


RULES = (
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"lockfile at `?uv\.lock`? needs to be updated|Unable to find lockfile at `?uv\.lock",
        "uv.lock does not match pyproject.toml: run `uv lock` and commit uv.lock",
    ),
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"pyproject\.toml changed significantly since poetry\.lock was last generated|poetry\.lock is not up to date",
        "poetry.lock does not match pyproject.toml: run `poetry lock` and commit poetry.lock",
    ),
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"Your Pipfile\.lock \(\S+\) is out of date",
        "Pipfile.lock does not match Pipfile: run `pipenv lock` and commit Pipfile.lock",
    ),
    Rule(
        Reason.NETWORK_FAILED,
        r"connection broken by '(?:NewConnectionError|ConnectTimeoutError|ProtocolError|ReadTimeoutError)[\s\S]*(?:No matching distribution|Max retries|Could not)",
        lambda _m, text: (
            f"pip could not reach {_host(text)}: Ink retries the build; if the address is one of yours, check it"
        ),
        infrastructure=True,
    ),
    Rule(
        Reason.DEPENDENCY_AUTH_REQUIRED,
        r"WARNING: 40[13] Error, Credentials not correct for https?://(?P<host>[^/\s]+)"
        r"|An index URL \(https?://(?P<index>[^/\s]+)\S*\) could not be queried due to a lack of valid authentication"
        r"|HTTP error 40[13] while getting https?://(?P<other>[^/\s]+)"
        r"|(?:401 Unauthorized|403 Forbidden)\W+for url \(?https?://(?P<uv>[^/\s]+)",
        "the package index {host}{index}{other}{uv} needs credentials: add them to build.env and use them in the index's URL",
    ),
    Rule(
        Reason.VERSION_MISMATCH,
        r"requires a different Python: (?P<got>[\d.]+) not in '(?P<wanted>[^']+)'"
        r"|(?:current Python|Python version) \((?P<pgot>[\d.]+)\) (?:is not allowed by the project|does not satisfy Python)[^\n]*?\(?(?P<pwanted>[<>=~^!][^)\n]*)",
        "Python {wanted}{pwanted} is required, but the build uses {got}{pgot}: set the version in .python-version,"
        " or change requires-python",
    ),
    Rule(
        Reason.VERSION_MISMATCH,
        r"No interpreter found for Python (?P<wanted>\S+)|Python interpreter at `?\S+`? .*incompatible with .*?Python(?: requirement)?:? `(?P<other>[^`]+)`",
        "Python {wanted}{other} is required, but not available in the build: set another version in .python-version,"
        " or change requires-python",
    ),
    Rule(
        Reason.DEPENDENCY_CONFLICT,
        r"ResolutionImpossible[\s\S]*|^ERROR: Cannot install (?P<names>.+?) because these package versions have conflicting",
        lambda _m, text: (
            "the requirements conflict ("
            + (
                around(r"^ +(\S+ \S+ depends on .+)$", text)
                or around(r"Cannot install (.+?) because these", text, "see the log")
            )
            + "): relax one of them"
        ),
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"Because (?P<name>\S+) was not found in the (?:package registry|provided package locations)",
        "uv could not find the package {name} (it was not found in the package registry): correct its name in pyproject.toml",
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"Because (?:only (?P<only>\S+?)(?:[<>=]\S+)? is available|there is no version of (?P<name>\S+))",
        "uv found no matching version of {only}{name}: correct the version in pyproject.toml",
    ),
    Rule(
        Reason.DEPENDENCY_CONFLICT,
        r"cause: Because (?P<why>[^\n]+)[\s\S]*?requirements are unsatisfiable",
        "the requirements in pyproject.toml are unsatisfiable (because {why}): relax one of them",
    ),
    Rule(
        Reason.CHECKSUM_MISMATCH,
        r"DO NOT MATCH THE HASHES[^\n]*\n\s+(?P<name>\S+) from",
        "the hash of {name} differs from the one in requirements.txt: update the hash if you trust the new file",
    ),
    Rule(
        Reason.FILE_NOT_FOUND,
        r"Could not open requirements file:.*?'(?P<file>[^']+)'",
        "pip could not find the requirements file {file}: commit it, or correct its path",
    ),
    Rule(
        Reason.MANIFEST_INVALID,
        r"Invalid requirement: '(?P<what>[\w.-]+=[\w.!+-]+=\w+)'",
        "requirements.txt is in conda's format ({what}), which pip cannot read: create it with"
        " `pip list --format=freeze > requirements.txt`",
    ),
    Rule(
        Reason.MANIFEST_INVALID,
        r"Invalid requirement: '?(?P<what>[^'\n(]+?)'?"
        r"(?:(?:: [^\n]*\n[^\n]*\n[^\n]*)? \(from line (?P<line>\d+) of (?P<file>[^)\n]+)\)|$|:)",
        lambda m, _: (
            (f"{m['file']} line {m['line']}" if m["file"] else "a line of the requirements")
            + f" is not a valid requirement ({m['what']}): correct it"
        ),
    ),
    Rule(
        Reason.MANIFEST_INVALID,
        r"Could not install packages due to an (?:OSError|EnvironmentError)[^\n]*No such file or directory: '(?P<path>/[^'\n]+)'",
        "the requirements contain {path}, a path on the machine where they were created: use the package's name and version"
        " instead, as `pip list --format=freeze` prints them",
    ),
    Rule(
        Reason.MANIFEST_INVALID,
        r"(?:TOMLDecodeError|TOML parse error at|Failed to parse: `pyproject\.toml`)[^\n]*",
        "pyproject.toml is not valid (see the log): correct it",
    ),
    Rule(
        Reason.COMMAND_NOT_FOUND,
        r"error: command '(?P<name>[^']+)' failed: No such file or directory"
        r"|error: \[Errno 2\] No such file or directory: '(?P<errno>(?:\S*-)?(?:gcc|cc|g\+\+|c\+\+|clang))'|unable to execute '(?P<old>[^']+)': No such file",
        "a package must be compiled, but the image has no compiler ({name}{errno}{old}): choose a version that has a wheel"
        " for this Python version, or install a compiler in a Dockerfile",
    ),
    Rule(
        Reason.COMMAND_NOT_FOUND,
        r"(?P<tool>pg_config|mysql_config|mariadb_config|xml2-config|xslt-config|krb5-config|cmake)(?: executable)?(?:: command)? not found"
        r"|(?P<rust>[Cc]argo, the Rust package manager, is not installed|can't find Rust compiler)"
        r"|Can not find valid (?P<pkg>pkg-config) name"
        r"|fatal error: (?P<header>\S+): No such file or directory(?=[\s\S]*(?:legacy-install-failure|[Ff]ailed (?:building wheel|to build)))",
        lambda m, text: (
            f"{_unbuilt(text) or 'a package'} has no wheel for this Python version and cannot be compiled, as "
            f"{m['tool'] or m['pkg'] or m['header'] or 'a Rust compiler'} is not in the image: choose a version that has a wheel"
            + (" (psycopg2-binary instead of psycopg2)" if m["tool"] == "pg_config" else "")
            + ", or an older Python in .python-version"
        ),
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"No matching distribution found for (?P<name>\S+)",
        lambda m, text: (
            f"pip found no version {m['name']} for this Python version: correct the version in the requirements"
            if "from versions: none" not in text
            else f"pip could not find the package {m['name']} in {_index(text)}: correct its name in the requirements"
            + ("" if _index(text) == "PyPI" else " (or add credentials for that index to build.env)")
        ),
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"(?:Getting requirements to build wheel|Preparing metadata|Building wheel)[^\n]* did not run successfully"
        r"|error: (?:legacy-install-failure|metadata-generation-failed)"
        r"|ERROR: Failed (?:building wheel for|to build) (?P<name>\S+)|Failed to build `(?P<uv>[^`]+)`",
        lambda m, text: _no_wheel(m["uv"] or m["name"] or _unbuilt(text), text),
        last=True,
    ),
    Rule(
        Reason.TESTS_FAILED,
        r"^(?:=+ )?(?P<sum>\d+ (?:failed|errors?)\b[^=\n]*? in [\d.]+s)\b[^\n]*$|^FAILED \((?P<unittest>[^)]+)\)$",
        "tests fail ({sum}{unittest}): fix them, or leave tests out of the build",
        last=True,
    ),
)


def _no_wheel(name: str, text: str) -> str:
    if not name or "file://" in name:
        why = around(r"^\s+((?:\w+\.)*\w*(?:Error|Exception): .*)$", text) or around(
            r"^\s+(error in .*|[Ee]rror: (?!subprocess).*)$", text, "see the log"
        )
        own = f" {name.partition(' ')[0]}" if name else ""
        return f"the repository's own package{own} could not be built: {why}; correct its pyproject.toml or setup.py"
    return (
        f"{name} has no wheel for this Python version, and could not be built: choose a newer version of it, or set an"
        " older Python in .python-version"
    )


def _unbuilt(text: str) -> str:
    """The package that pip could not build; else the one it was processing."""
    named = around(r"^ *╰─> (?!\[|See )(\S+)$", text) or around(r"Failed (?:building wheel for|to build) (\S+)", text)
    names = re.findall(r"^ *Collecting (\S+)", text, re.MULTILINE)
    return named or (names[-1] if names else "")


def _index(text: str) -> str:
    return around(r"Looking in indexes: https?://(?:[^/\s]*@)?([^/\s]+)", text, "PyPI")


PYTHON = (
    Rule(
        Reason.BUILD_VARIABLE_MISSING,
        r"^KeyError: '(?P<name>[A-Z][A-Z0-9_]{2,})'$|ImproperlyConfigured: (?:The |Set the )?(?P<django>[A-Z][A-Z0-9_]+) (?:setting|environment)"
        r"|UndefinedValueError: (?P<decouple>[A-Z][A-Z0-9_]+) not found",
        "the build needs the variable {name}{django}{decouple}, which is not set: add it to build.env,"
        " or give it a default in the code",
    ),
    Rule(
        Reason.BUILD_VARIABLE_MISSING,
        r"^pydantic_core\S*ValidationError: [^\n]*Settings\n(?P<name>\w+)\n\s+Field required",
        "the build needs the setting {name}, which is not set: add it to build.env",
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"^ModuleNotFoundError: No module named '(?P<name>[^']+)'",
        "Python could not import {name}: add the package that provides it to the requirements",
        last=True,
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"File \"(?P<file>[^\"]+)\", line (?P<line>\d+)\n[\s\S]{0,400}?^(?P<words>(?:SyntaxError|IndentationError|TabError): .*)$",
        "{file} line {line} is not valid Python: {words}",
        last=True,
    ),
)
