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
        "uv.lock does not agree with pyproject.toml: run `uv lock` and commit uv.lock",
    ),
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"pyproject\.toml changed significantly since poetry\.lock was last generated|poetry\.lock is not up to date",
        "poetry.lock does not agree with pyproject.toml: run `poetry lock` and commit poetry.lock",
    ),
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"Your Pipfile\.lock \(\S+\) is out of date",
        "Pipfile.lock does not agree with Pipfile: run `pipenv lock` and commit Pipfile.lock",
    ),
    Rule(
        Reason.NETWORK_FAILED,
        r"connection broken by '(?:NewConnectionError|ConnectTimeoutError|ProtocolError|ReadTimeoutError)[\s\S]*(?:No matching distribution|Max retries|Could not)",
        lambda _m, text: f"pip could not reach {_host(text)}: Ink tries again; check the address if it is your own",
        infrastructure=True,
    ),
    Rule(
        Reason.DEPENDENCY_AUTH_REQUIRED,
        r"WARNING: 40[13] Error, Credentials not correct for https?://(?P<host>[^/\s]+)"
        r"|An index URL \(https?://(?P<index>[^/\s]+)\S*\) could not be queried due to a lack of valid authentication"
        r"|HTTP error 40[13] while getting https?://(?P<other>[^/\s]+)"
        r"|(?:401 Unauthorized|403 Forbidden)\W+for url \(?https?://(?P<uv>[^/\s]+)",
        "the package index {host}{index}{other}{uv} wants credentials: put them into build.env and name them in the index's URL",
    ),
    Rule(
        Reason.VERSION_MISMATCH,
        r"requires a different Python: (?P<got>[\d.]+) not in '(?P<wanted>[^']+)'"
        r"|(?:current Python|Python version) \((?P<pgot>[\d.]+)\) (?:is not allowed by the project|does not satisfy Python)[^\n]*?\(?(?P<pwanted>[<>=~^!][^)\n]*)",
        "Python {wanted}{pwanted} is wanted and the build has {got}{pgot}: set the version in .python-version,"
        " or change requires-python",
    ),
    Rule(
        Reason.VERSION_MISMATCH,
        r"No interpreter found for Python (?P<wanted>\S+)|Python interpreter at `?\S+`? .*incompatible with .*?Python(?: requirement)?:? `(?P<other>[^`]+)`",
        "Python {wanted}{other} is wanted and the build does not have it: set another version in .python-version,"
        " or change requires-python",
    ),
    Rule(
        Reason.DEPENDENCY_CONFLICT,
        r"ResolutionImpossible[\s\S]*|^ERROR: Cannot install (?P<names>.+?) because these package versions have conflicting",
        lambda _m, text: (
            "the versions in the requirements conflict ("
            + (
                around(r"^ +(\S+ \S+ depends on .+)$", text)
                or around(r"Cannot install (.+?) because these", text, "see the lines")
            )
            + "): loosen one of them"
        ),
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"Because (?P<name>\S+) was not found in the (?:package registry|provided package locations)",
        "uv cannot find the package {name} (it was not found in the package registry): correct its name in pyproject.toml",
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"Because (?:only (?P<only>\S+?)(?:[<>=]\S+)? is available|there is no version of (?P<name>\S+))",
        "uv finds no version of {only}{name} that is asked for: correct the version in pyproject.toml",
    ),
    Rule(
        Reason.DEPENDENCY_CONFLICT,
        r"cause: Because (?P<why>[^\n]+)[\s\S]*?requirements are unsatisfiable",
        "the versions in pyproject.toml conflict (because {why}): loosen one of them; the requirements are unsatisfiable",
    ),
    Rule(
        Reason.CHECKSUM_MISMATCH,
        r"DO NOT MATCH THE HASHES[^\n]*\n\s+(?P<name>\S+) from",
        "{name} is not the file whose hash requirements.txt names: update the hash if you trust the new file",
    ),
    Rule(
        Reason.FILE_NOT_FOUND,
        r"Could not open requirements file:.*?'(?P<file>[^']+)'",
        "pip is to read {file}, which is not there: commit it, or correct its path",
    ),
    Rule(
        Reason.MANIFEST_INVALID,
        r"Invalid requirement: '(?P<what>[\w.-]+=[\w.!+-]+=\w+)'",
        "requirements.txt is a list of conda's ({what}), which pip cannot read: write it with"
        " `pip list --format=freeze > requirements.txt`",
    ),
    Rule(
        Reason.MANIFEST_INVALID,
        r"Invalid requirement: '?(?P<what>[^'\n(]+?)'?"
        r"(?:(?:: [^\n]*\n[^\n]*\n[^\n]*)? \(from line (?P<line>\d+) of (?P<file>[^)\n]+)\)|$|:)",
        lambda m, _: (
            (f"{m['file']} line {m['line']}" if m["file"] else "a line of the requirements")
            + f" is not a requirement ({m['what']}): correct it"
        ),
    ),
    Rule(
        Reason.MANIFEST_INVALID,
        r"Could not install packages due to an (?:OSError|EnvironmentError)[^\n]*No such file or directory: '(?P<path>/[^'\n]+)'",
        "the requirements name {path}, a path of the machine where they were written: name the package and its version"
        " instead, as `pip list --format=freeze` does",
    ),
    Rule(
        Reason.MANIFEST_INVALID,
        r"(?:TOMLDecodeError|TOML parse error at|Failed to parse: `pyproject\.toml`)[^\n]*",
        "pyproject.toml is not valid: correct it as the lines show",
    ),
    Rule(
        Reason.COMMAND_NOT_FOUND,
        r"error: command '(?P<name>[^']+)' failed: No such file or directory"
        r"|error: \[Errno 2\] No such file or directory: '(?P<errno>(?:\S*-)?(?:gcc|cc|g\+\+|c\+\+|clang))'|unable to execute '(?P<old>[^']+)': No such file",
        "a package has to be compiled and the image has no compiler ({name}{errno}{old}): choose a version that has a wheel"
        " for this Python, or install a compiler in a Dockerfile",
    ),
    Rule(
        Reason.COMMAND_NOT_FOUND,
        r"(?P<tool>pg_config|mysql_config|mariadb_config|xml2-config|xslt-config|krb5-config|cmake)(?: executable)?(?:: command)? not found"
        r"|(?P<rust>[Cc]argo, the Rust package manager, is not installed|can't find Rust compiler)"
        r"|Can not find valid (?P<pkg>pkg-config) name"
        r"|fatal error: (?P<header>\S+): No such file or directory(?=[\s\S]*(?:legacy-install-failure|[Ff]ailed (?:building wheel|to build)))",
        lambda m, text: (
            f"{_unbuilt(text) or 'a package'} has no wheel for this Python and cannot be compiled: "
            f"{m['tool'] or m['pkg'] or m['header'] or 'a Rust compiler'} is not in the image; choose a version that has a wheel"
            + (" (psycopg2-binary instead of psycopg2)" if m["tool"] == "pg_config" else "")
            + ", or an older Python in .python-version"
        ),
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"No matching distribution found for (?P<name>\S+)",
        lambda m, text: (
            f"pip finds no version {m['name']} that suits this Python: correct the version in the requirements"
            if "from versions: none" not in text
            else f"pip cannot find the package {m['name']} in {_index(text)}: correct its name in the requirements"
            + ("" if _index(text) == "PyPI" else " (or that index wants credentials: put them into build.env)")
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
        "tests fail ({sum}{unittest}): mend them, or leave the tests out of the build",
        last=True,
    ),
)


def _no_wheel(name: str, text: str) -> str:
    if not name or "file://" in name:
        why = around(r"^\s+((?:\w+\.)*\w*(?:Error|Exception): .*)$", text) or around(
            r"^\s+(error in .*|[Ee]rror: (?!subprocess).*)$", text, "see the lines"
        )
        own = f" {name.partition(' ')[0]}" if name else ""
        return f"the repository's own package{own} cannot be built: {why}; correct its pyproject.toml or setup.py"
    return (
        f"{name} has no wheel for this Python, and cannot be built for it: choose a newer version of it, or an older"
        " Python in .python-version"
    )


def _unbuilt(text: str) -> str:
    """What pip could not build; else what it was at."""
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
        "Python cannot import {name}: add the package that provides it to the requirements",
        last=True,
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"File \"(?P<file>[^\"]+)\", line (?P<line>\d+)\n[\s\S]{0,400}?^(?P<words>(?:SyntaxError|IndentationError|TabError): .*)$",
        "{file} line {line} is not valid Python: {words}",
        last=True,
    ),
)
