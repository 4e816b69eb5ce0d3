"""Rust, Java, Ruby, PHP and Deno: toolchains of Debian 13 and npm in images made for the test, and what they build.

The images lie in the test's registry, and are told to the builder as a platform's base images are.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from .conftest import Stack
from .test_planned import ask

pytestmark = [pytest.mark.usefixtures("base_images"), pytest.mark.full, pytest.mark.timeout(1800)]
PATIENCE = {"INK_TIMEOUT_SECONDS": "800"}
DEBIAN = "python:3.13-slim"
PACKAGES = {
    "rust": "cargo gcc libc6-dev",
    "maven": "maven openjdk-21-jdk-headless ca-certificates-java",
    "ruby": "ruby ruby-bundler",
    "php": "apache2 libapache2-mod-php",
}
VERSIONS = {"rust": "1.85", "maven": "21", "ruby": "3.3", "php": "8.4", "deno": "2"}
DENO = """FROM node:22-slim
RUN npm install --global --prefix /opt/deno deno@2 \\
    && mv "$(find /opt/deno -type f -name deno -size +20M | head -n 1)" /usr/local/bin/deno && rm -r /opt/deno
"""
APACHE = """RUN printf '#!/bin/sh\\nexec apache2 -DFOREGROUND\\n' > /usr/local/bin/apache2-foreground \\
    && chmod 755 /usr/local/bin/apache2-foreground \\
    && sed -i -E 's/^export (APACHE_[A-Z_]+)=(.*)$/: "${\\1:=\\2}"; export \\1/' /etc/apache2/envvars \\
    && sed -i 's#^exec#. /etc/apache2/envvars; exec#' /usr/local/bin/apache2-foreground \\
    && cd /etc/apache2 \\
    && sed -i --follow-symlinks 's#\\${APACHE_LOG_DIR}/[a-z_]*.log#/dev/stderr#' *.conf */*.conf
"""
# Java reads a store of its own. In networks with a CA of their own a step has the machine's certificates in a file:
# they go into this image, which only this test has.
TRUST = """RUN if [ -n "$SSL_CERT_FILE" ]; then cd /usr/local/share/ca-certificates \\
    && awk '/BEGIN CERT/ {n++} {print > (n ".crt")}' "$SSL_CERT_FILE" && update-ca-certificates --fresh; fi
"""


Images = Callable[[str, str], dict[str, str]]


@pytest.fixture(scope="module")
def images(stack: Stack) -> Images:
    """Makes a toolchain's image of what Debian 13 has; returns the variables by which a service is built from it."""

    def make(name: str, service: str) -> dict[str, str]:
        # the JDK's packages link their pages into a folder that slim images lack
        wanted = f"apt-get install --yes --no-install-recommends {PACKAGES.get(name)}"
        install = f"RUN mkdir -p /usr/share/man/man1 && apt-get update && {wanted}"
        debian = f"FROM {DEBIAN}\n{install}\n" + {"php": APACHE, "maven": TRUST}.get(name, "")
        text = DENO if name == "deno" else debian
        built = stack.build(f"toolchain-{name}", {"Dockerfile": text}, **PATIENCE)
        assert built.code == 0, built.log
        image = built.verdict["image"]
        run = DEBIAN if name == "rust" else image
        listed = {name: {VERSIONS[name]: {"build": image, "run": run}}}
        token = stack.registry.token(f"tenant/{service}", f"tenant/toolchain-{name}")
        return {"INK_BASE_IMAGES": json.dumps(listed), "INK_REGISTRY_TOKEN": token, **PATIENCE}

    return make


RUST = """use std::io::{Read, Write};
fn main() {
    let port = std::env::var("PORT").unwrap();
    let listener = std::net::TcpListener::bind(format!("0.0.0.0:{port}")).unwrap();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.0 200 OK\\r\\n\\r\\nfrom rust VERSION");
    }
}
"""
JAVA = """package org.acme;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
public class Main {
    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
        server.createContext("/", exchange -> {
            byte[] body = "from java".getBytes();
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
"""
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>org.acme</groupId><artifactId>hello</artifactId><version>1</version>
  <properties>
    <maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
</project>
"""
RUBY = """require "socket"
server = TCPServer.new("0.0.0.0", ENV.fetch("PORT").to_i)
loop do
  client = server.accept
  client.gets
  client.write "HTTP/1.0 200 OK\\r\\n\\r\\nfrom ruby"
  client.close
end
"""


def test_rust_and_a_changed_line(stack: Stack, images: Images) -> None:
    """What was compiled before is in the cache; a commit's date must not make cargo take the old program for new."""
    given = images("rust", "rust")
    manifest = '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n'
    for version in ("one", "two"):
        files: dict[str, str | bytes] = {"Cargo.toml": manifest, "src/main.rs": RUST.replace("VERSION", version)}
        outcome = stack.build("rust", files, **given)
        assert ask(stack, "rust", outcome, "/") == [f"/ 65532 from rust {version}"]


def test_java_with_maven(stack: Stack, images: Images) -> None:
    files: dict[str, str | bytes] = {"pom.xml": POM, "src/main/java/org/acme/Main.java": JAVA}
    outcome = stack.build("java", files, **images("maven", "java"))
    assert ask(stack, "java", outcome, "/") == ["/ 65532 from java"]


MODULE = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <parent><groupId>org.acme</groupId><artifactId>hello</artifactId><version>1</version></parent>
  <artifactId>NAME</artifactId>
  <dependencies>NEEDS</dependencies>
</project>
"""
WORDS = "<dependency><groupId>org.acme</groupId><artifactId>words</artifactId><version>1</version></dependency>"
MODULES = "<packaging>pom</packaging><modules><module>words</module><module>web</module></modules><properties>"


def test_one_module_of_a_maven_project(stack: Stack, images: Images) -> None:
    """Its parent and its neighbour lie around it."""
    files: dict[str, str | bytes] = {
        "pom.xml": POM.replace("<properties>", MODULES),
        "words/pom.xml": MODULE.replace("NAME", "words").replace("NEEDS", ""),
        "words/src/main/java/org/acme/Words.java": "package org.acme;\n"
        'public class Words { static String say() { return "a neighbour"; } }\n',
        "web/pom.xml": MODULE.replace("NAME", "web").replace("NEEDS", WORDS),
        "web/src/main/java/org/acme/Main.java": JAVA.replace('"from java"', '("from " + Words.say())'),
    }
    outcome = stack.build("module", files, INK_ROOT_DIRECTORY="web", **images("maven", "module"))
    assert ask(stack, "module", outcome, "/") == ["/ 65532 from a neighbour"]


def test_ruby_without_gems(stack: Stack, images: Images) -> None:
    outcome = stack.build("ruby", {"app.rb": RUBY}, **images("ruby", "ruby"))
    assert ask(stack, "ruby", outcome, "/") == ["/ 65532 from ruby"]


def test_php_without_packages(stack: Stack, images: Images) -> None:
    files: dict[str, str | bytes] = {
        "public/index.php": "<?php echo 'from php ', $_SERVER['REQUEST_URI'];",
        "secret.txt": "x",
    }
    outcome = stack.build("php", files, **images("php", "php"))
    assert ask(stack, "php", outcome, "/", "/deep/link") == [
        "/ 65532 from php /",
        "/deep/link 65532 from php /deep/link",
    ]


def test_deno_with_a_package_of_npm(stack: Stack, images: Images) -> None:
    """What it imports is fetched at the build: it starts where there is no network."""
    files: dict[str, str | bytes] = {
        "main.ts": 'import ms from "npm:ms@2.1.3";\nimport { say } from "./words.ts";\n'
        "export default { fetch: (): Response => new Response(say(ms(1000))) };\n",
        "words.ts": "export const say = (text: string): string => `from deno ${text}`;\n",
    }
    outcome = stack.build("deno", files, **images("deno", "deno"))
    assert ask(stack, "deno", outcome, "/") == ["/ 65532 from deno 1s"]
