"""npm, pnpm, yarn, bun, Node, TypeScript, bundlers."""

import re

from ink_api.reasons import Reason

from ink_builder.diagnosis.rule import Rule, around

_NPM = r"^npm (?:error|ERR!)"


def _engine(match: re.Match[str], text: str) -> str:
    wanted = around(r'Required: \{"node":"([^"]+)"', text, "another version")
    actual = around(r'Actual: +\{[^}]*"node":"v?([^"]+)"', text, "this one")
    return f"{match['who']} requires Node {wanted}, but the build uses {actual}: set engines.node in package.json"


def _conflict(_: re.Match[str], text: str) -> str:
    found = around(r"Found: (\S+)", text, "one of them")
    peer = around(r"(?:peer|Could not resolve dependency:\n.*?) (\S+@\"[^\"]+\" from \S+)", text, "another package")
    return f"npm could not resolve the versions: {found} conflicts with {peer}; change one of the two in package.json"


def _integrity(match: re.Match[str], text: str) -> str:
    package = match["package"] or around(r"tarball data for (\S+?)@", text, "a package")
    return f"the checksum of {package} differs from the one in package-lock.json: run `npm install` and commit the lock file"


_LOCK = "{file} does not match package.json: run `{tool} install` and commit {file}"

RULES = (
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"(?:npm ci` can only install packages when your package\.json and package-lock)",
        lambda _m, text: (
            "package-lock.json does not match package.json"
            f" ({around(r'((?:Missing|Invalid): .*? lock file.*)', text, 'they differ')}):"
            " run `npm install` and commit package-lock.json"
        ),
    ),
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"npm ci` command can only install with an existing package-lock\.json",
        "`npm ci` found no valid package-lock.json: run `npm install` (delete a corrupt one first) and commit"
        " package-lock.json",
    ),
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"ERR_PNPM_(?:OUTDATED_LOCKFILE|FROZEN_LOCKFILE_WITH_OUTDATED_LOCKFILE|NO_LOCKFILE)",
        _LOCK.format(file="pnpm-lock.yaml", tool="pnpm"),
    ),
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"Your lockfile needs to be updated, but yarn|YN0028: .*lockfile would have been (?:modified|created)",
        _LOCK.format(file="yarn.lock", tool="yarn"),
    ),
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"lockfile had changes, but lockfile is frozen",
        _LOCK.format(file="bun.lock", tool="bun"),
    ),
    Rule(
        Reason.DEPENDENCY_AUTH_REQUIRED,
        rf"{_NPM} code (?P<code>E401|E403|ENEEDAUTH)|ERR_PNPM_FETCH_40[13]",
        lambda _m, text: (
            f"the npm registry{around(r'(?:GET|PUT) (https?://[^/ ]+)', text) and ' ' + around(r'(?:GET|PUT) (https?://[^/ ]+)', text)}"
            " needs credentials for a package: add a token to build.env and use it in .npmrc"
        ),
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        rf"{_NPM} 404 .*?'(?P<name>@?[^@'\s]+)(?:@(?P<version>[^']*))?' (?:could not be found|is not in)",
        "npm could not find the package {name} in the registry: correct its name in package.json"
        " (a private package needs a token in build.env)",
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        rf"{_NPM} notarget No matching version found for (?P<name>\S+?)\.?$",
        "npm found no version that matches {name}: correct the version in package.json",
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"^(?P<name>\S+) is not in the npm registry|Couldn't find package \"(?P<yarn>[^\"]+)\" on"
        r"|ERR_PNPM_NO_MATCHING_VERSION\S* +No matching version found for (?P<pnpm>\S+)"
        r"|Couldn't find any versions for \"(?P<version>[^\"]+)\"|error: (?P<bun>\S+) failed to resolve",
        "the package {name}{yarn}{pnpm}{version}{bun} is not in the npm registry: correct its name or version in package.json",
    ),
    Rule(Reason.DEPENDENCY_CONFLICT, rf"{_NPM} code ERESOLVE|ERR_PNPM_PEER_DEP_ISSUES", _conflict),
    Rule(
        Reason.VERSION_MISMATCH,
        rf"{_NPM} (?:engine Not|notsup Not) compatible with your version of node/npm: (?P<who>\S+)",
        _engine,
    ),
    Rule(
        Reason.VERSION_MISMATCH,
        r'The engine "node" is incompatible with this module\. Expected version "(?P<wanted>[^"]+)"\. Got "(?P<got>[^"]+)"'
        r"|ERR_PNPM_UNSUPPORTED_ENGINE[\s\S]*?Expected version: (?P<pwanted>\S+)\n *Got: (?P<pgot>\S+)",
        "a package requires Node {wanted}{pwanted}, but the build uses {got}{pgot}: set engines.node in package.json",
    ),
    Rule(
        Reason.CHECKSUM_MISMATCH,
        rf"{_NPM} code EINTEGRITY(?P<package>)|ERR_PNPM_TARBALL_INTEGRITY|Integrity check failed",
        _integrity,
    ),
    Rule(
        Reason.MANIFEST_INVALID,
        rf"{_NPM} code EJSONPARSE[\s\S]*?(?P<words>Invalid package\.json: .*)",
        "package.json is not valid JSON ({words}): correct it",
    ),
    Rule(
        Reason.COMMAND_NOT_FOUND,
        r"(?:Missing script:|[Ss]cript not found) \"?(?P<script>[\w:.-]+)\"?$|Command \"?(?P<yarn>[\w:.-]+)\"? not found\.?$"
        r"|ERR_PNPM_NO_SCRIPT\S* +Missing script: (?P<pnpm>\S+)",
        "package.json has no script named {script}{yarn}{pnpm}: add it under scripts, or set build.buildCommand",
    ),
    Rule(
        Reason.COMMAND_NOT_FOUND,
        r"^(?:/bin/)?sh: (?:(?:line )?\d+: )?(?P<tool>vite|next|nuxt|nuxi|astro|tsc|tsup|tsx|ts-node|esbuild|rollup|webpack|parcel"
        r"|react-scripts|vue-cli-service|ng|nest|remix|svelte-kit|gatsby|eleventy|vitepress|turbo|nx|prisma|tailwindcss|cross-env"
        r"|rimraf|run-s|run-p|nodemon|concurrently|eslint|jest|vitest): (?:command )?not found$",
        "a script in package.json calls {tool}, which is not installed: add the package that provides it to devDependencies,"
        " and commit package.json and the lock file",
    ),
    Rule(
        Reason.BUILD_OUT_OF_MEMORY,
        r"JavaScript heap out of memory",
        "Node reached its heap limit: reduce the size of the build, or raise the limit with"
        " NODE_OPTIONS=--max-old-space-size in build.env, but below the build's own memory limit",
    ),
    Rule(
        Reason.VERSION_MISMATCH,
        r"ERR_OSSL_EVP_UNSUPPORTED|error:0308010C:digital envelope routines::unsupported",
        "a build tool (such as webpack 4) only works with Node 16 and older: set NODE_OPTIONS=--openssl-legacy-provider in"
        " build.env, set engines.node to 16 in package.json, or update the tool",
    ),
    Rule(
        Reason.VERSION_MISMATCH,
        r"ERR_PACKAGE_PATH_NOT_EXPORTED\S* ?Package subpath '(?P<part>[^']+)' is not defined by \"exports\" in"
        r" \S*?node_modules/(?P<name>(?:@[^/\s]+/)?[^/\s]+)/package\.json"
        r"|ERR_PACKAGE_PATH_NOT_EXPORTED\S* ?Package subpath '(?P<deep>[^']+)' is not defined by \"exports\" in \S+"
        r"node_modules/(?P<inner>\S+?)/package\.json",
        "a package imports {part}{deep} of {name}{inner}, which this version does not export (old tools do that on a newer"
        " Node): update the package, or set engines.node in package.json to the version of Node it was written for",
    ),
    Rule(
        Reason.FILE_NOT_FOUND,
        r"Could not find TypeScript configuration file \"(?P<path>[^\"]+)\"",
        "there is no {path}, which the build needs: commit it",
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"^(?:(?P<place>[^\s(:]*tsconfig[\w.-]*\.json)\(\d+,\d+\): )?error (?P<code>TS\d+): (?P<words>.*)$",
        "the TypeScript code does not compile: {words} ({code})",
    ),
    Rule(
        Reason.BUILD_VARIABLE_MISSING,
        r"(?i:invalid environment variables)\W[^A-Z]{0,40}[\"']?(?P<name>[A-Z][A-Z0-9_]{2,})[\"']?: ",
        "the build needs the variable {name}, which is not set: add it to build.env",
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"^(?P<place>[^\s(:]+\.[cm]?tsx?)[(:](?P<line>\d+)[,:]\d+\)?(?::| -) error (?P<code>TS\d+): (?P<words>.*)$",
        "the TypeScript code does not compile: {place} line {line}: {words} ({code})",
    ),
    Rule(
        Reason.LOCK_FILE_OUTDATED,
        r"Cannot find (?:module|package) '(?P<name>[^'\n]*linux-x64[^'\n]*)'"
        r"|The package \"(?P<esbuild>@esbuild/linux-x64)\" could not be found",
        "the lock file was created on another operating system and lacks {name}{esbuild}, the package for Linux: delete it and"
        " node_modules, install again, and commit the new lock file",
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"Could not resolve \"(?P<what>[^\"]+)\" from \"(?P<where>[^\"]+)\""
        r"|Rollup failed to resolve import \"(?P<rollup>[^\"]+)\" from \"(?P<at>[^\"]+)\""
        r"|Module not found: (?:Error: )?Can't resolve '(?P<webpack>[^']+)'(?: in '(?P<inside>[^']+)')?"
        r"|Could not resolve \"(?P<esbuild>[^\"]+)\"",
        "the import of {what}{rollup}{webpack}{esbuild} in {where}{at}{inside} cannot be resolved: correct the path"
        " (it is case-sensitive), or add the package to package.json",
    ),
    Rule(
        Reason.DEPENDENCY_NOT_FOUND,
        r"(?:Cannot find (?:module|package)|ERR_MODULE_NOT_FOUND\S* Cannot find \w+) '(?P<name>[^']+)'",
        "Node could not find {name}: add it to the dependencies in package.json (including what only the build needs),"
        " or correct the path",
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"error during build:\n(?:\[[\w:@/-]+\] )?(?P<place>[^\s(:]+\.\w+) \((?P<line>\d+):\d+\): (?P<words>.*)$"
        r"|^(?:✘ \[ERROR\] )?(?P<at>[^\s(:]+\.\w+):(?P<row>\d+):\d+: ERROR: (?P<said>.*)$",
        "{place}{at} line {line}{row} is not valid: {words}{said}",
    ),
    Rule(
        Reason.FILE_NOT_FOUND,
        r"^tsc: The TypeScript Compiler - Version",
        "the build calls tsc, but there is no tsconfig.json: run `npx tsc --init` and commit the file",
    ),
    Rule(
        Reason.TESTS_FAILED,
        r"^(?:not ok \d+ - (?P<tap>.*)|# fail (?P<count>[1-9]\d*)|[ \t]*Tests?:? +(?P<jest>[1-9]\d* failed.*)|[ \t]*(?P<mocha>[1-9]\d* failing))$",
        "a test fails ({tap}{count}{jest}{mocha}): fix it, or leave tests out of the build",
    ),
)

NODE = (
    Rule(
        Reason.BUILD_VARIABLE_MISSING,
        r"(?i)(?:missing|undefined|required|not (?:set|defined|found)|must be set)\W[^\n]{0,40}(?:environment|env)[ .\w]*?variables?[:\s]+[`'\"]?(?P<name>(?-i:[A-Z][A-Z0-9_]{2,}))"
        r"|(?i:environment|env)(?: variable)?s?[ :]+[`'\"]?(?P<other>[A-Z][A-Z0-9_]{2,})[`'\"]? (?i:is|was|must|not|has)",
        "the build needs the variable {name}{other}, which is not set: add it to build.env",
    ),
    Rule(
        Reason.COMPILE_FAILED,
        r"^(?P<place>\S+\.[cm]?[jt]sx?):(?P<line>\d+)\n[\s\S]{0,400}?^(?P<words>SyntaxError: .*)$",
        "{place} line {line} is not valid: {words}",
    ),
)

LAST = (
    Rule(
        Reason.BUILD_FAILED,
        rf"YN0009: │ (?P<berry>@?[^@\s]+)@[^\n]*couldn't be built successfully"
        rf"|{_NPM} path \S*node_modules/(?P<npm>\S+)\n(?:{_NPM}[^\n]*\n)?{_NPM} command failed"
        r"|node_modules/(?P<pnpm>(?:@[\w.-]+/)?[\w.-]+)(?:\S* [^\n]*)?: (?:Failed|Command failed)\b",
        "the install script of the package {berry}{npm}{pnpm} failed (see the log): if it compiles C++, use a version with"
        " a prebuilt binary for this Node; if it downloads something, check that server",
    ),
)
"""Tried last, when no more specific rule matches."""
