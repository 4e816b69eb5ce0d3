"""What a build talks to, for real: buildkitd, a registry that wants tokens, a git server. All on loopback."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import ipaddress
import json
import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

STARTING_SECONDS = 30.0
RUNC_CA = Path(__file__).parents[3] / "images" / "buildkitd" / "runc-ca"
"""RUN steps trust the certificates that this machine trusts."""
ISSUER, SERVICE = "ink-operator", "ink-registry"


def free_port() -> int:
    """A port of the loopback that nobody uses now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def program(name: str) -> str:
    """The path of a program; fails with the way to get it."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise AssertionError(f"{name} is missing: apt-get install {'docker-registry' if 'registry' in name else name}")
    return found


def buildkit_programs() -> tuple[Path, Path]:
    """buildkitd and buildctl, built when the cache lacks them."""
    from ink_artifacts import go_programs

    paths = go_programs.ensure(["buildkit"])
    return paths["buildkitd"], paths["buildctl"]


@dataclass
class Process:
    """A program that was started here and is ended here, with all that it started."""

    popen: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, argv: list[str], log: Path, **options: object) -> Process:
        """Start it in a session of its own."""
        with log.open("ab") as out:
            popen = subprocess.Popen(
                argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True, **options
            )  # type: ignore[call-overload]
        return cls(popen, log)

    def stop(self) -> None:
        """SIGTERM, then SIGKILL, for its session."""
        for number, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(patience)
                return

    def wait_for(self, what: str, ready: object) -> None:
        """Until `ready()` is true; fails with the log."""
        deadline = time.monotonic() + STARTING_SECONDS
        while not ready():  # type: ignore[operator]
            if self.popen.poll() is not None or time.monotonic() > deadline:
                tail = self.log.read_text(errors="replace")[-2000:]
                raise AssertionError(f"{what} did not start:\n{tail}")
            time.sleep(0.05)


# ---------------------------------------------------------------- certificates
@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM."""

    cert: str
    key: str


def _pem(cert: x509.Certificate, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> Pair:
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return Pair(cert.public_bytes(serialization.Encoding.PEM).decode(), text)


def _builder(subject: str, issuer: str, public: object) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public)  # type: ignore[arg-type]
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
    )


def self_signed_rsa(name: str) -> Pair:
    """What the registry trusts to sign tokens."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    cert = _builder(name, name, key.public_key()).sign(key, hashes.SHA256())
    return _pem(cert, key)


@dataclass(frozen=True)
class Certificates:
    """A CA, and a server's and a client's certificate by it."""

    ca: str
    server: Pair
    client: Pair


def mutual_tls(host: str = "127.0.0.1") -> Certificates:
    """Certificates for a daemon on `host`."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    basic = x509.BasicConstraints(ca=True, path_length=0)
    ca = _builder("ca", "ca", ca_key.public_key()).add_extension(basic, critical=True).sign(ca_key, hashes.SHA256())

    def leaf(name: str, usage: x509.ObjectIdentifier) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        cert = (
            _builder(name, "ca", key.public_key())
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        return _pem(cert, key)

    server, client = leaf("server", ExtendedKeyUsageOID.SERVER_AUTH), leaf("client", ExtendedKeyUsageOID.CLIENT_AUTH)
    return Certificates(_pem(ca, ca_key).cert, server, client)


# ---------------------------------------------------------------- registry
@dataclass
class Registry:
    """Debian's docker-registry with token authentication."""

    port: int
    pair: Pair
    process: Process

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def token(self, *names: str, actions: tuple[str, ...] = ("pull", "push"), seconds: int = 600) -> str:
        """A bearer token for these repositories, as the operator signs them."""
        now = int(time.time())
        der = x509.load_pem_x509_certificate(self.pair.cert.encode()).public_bytes(serialization.Encoding.DER)
        claims = {
            "iss": ISSUER,
            "aud": SERVICE,
            "sub": "test",
            "iat": now,
            "nbf": now - 10,
            "exp": now + seconds,
            "jti": uuid.uuid4().hex,
            "access": [{"type": "repository", "name": name, "actions": list(actions)} for name in names],
        }
        return jwt.encode(claims, self.pair.key, "RS256", headers={"x5c": [base64.b64encode(der).decode()]})

    def get(
        self, path: str, token: str | None = None, method: str = "GET", data: bytes | None = None
    ) -> tuple[int, bytes]:
        """Status and body of one request."""
        types = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
        headers = {"Accept": types, **({"Authorization": f"Bearer {token}"} if token else {})}
        request = urllib.request.Request(f"http://{self.host}{path}", headers=headers, method=method, data=data)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def manifest(self, repository: str, reference: str) -> dict[str, Any]:
        """A manifest, parsed."""
        status, body = self.get(f"/v2/{repository}/manifests/{reference}", self.token(repository))
        assert status == 200, (status, body)
        return cast("dict[str, Any]", json.loads(body))

    def config(self, repository: str, reference: str) -> dict[str, Any]:
        """An image's configuration."""
        digest = self.manifest(repository, reference)["config"]["digest"]
        status, body = self.get(f"/v2/{repository}/blobs/{digest}", self.token(repository))
        assert status == 200, (status, body)
        return cast("dict[str, Any]", json.loads(body))


def token_auth(port: int, certificate: Path) -> dict[str, dict[str, str]]:
    """The part of a registry's configuration by which it takes the tokens that this certificate's key signs."""
    realm = f"http://127.0.0.1:{port}/token-unused"
    return {"token": {"realm": realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": str(certificate)}}


@contextlib.contextmanager
def registry(directory: Path) -> Iterator[Registry]:
    """Run one; everything it keeps lies below `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    pair, port = self_signed_rsa("registry-token"), free_port()
    (directory / "tls.crt").write_text(pair.cert)
    config = {
        "version": "0.1",
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(directory / "data")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}"},
        "auth": token_auth(port, directory / "tls.crt"),
    }
    file = directory / "config.yml"
    file.write_text(json.dumps(config))  # JSON is YAML
    process = Process.start([program("docker-registry"), "serve", str(file)], directory / "log")
    running = Registry(port, pair, process)
    try:
        process.wait_for("the registry", lambda: answers(port))
        yield running
    finally:
        process.stop()


SMALL_DISK = "ink-small"


@contextlib.contextmanager
def small_disk(directory: Path, size: str = "1m") -> Iterator[None]:
    """`directory` has room for `size` only."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", SMALL_DISK, str(directory)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def answers(port: int) -> bool:
    """Whether something listens on the loopback's port."""
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex(("127.0.0.1", port)) == 0


# ---------------------------------------------------------------- buildkitd
@dataclass
class BuildKitDaemon:
    """A buildkitd of this run: a unix socket for buildctl, mTLS for ours."""

    port: int
    socket: Path
    certificates: Certificates
    program: Path
    buildctl: Path
    process: Process = field(init=False)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Run it, in a mount namespace of its own, so that none of its mounts outlives it."""
        directory = self.socket.parent
        argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
        argv += [str(self.program), "--config", str(directory / "buildkitd.toml")]
        environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
        self.socket.unlink(missing_ok=True)
        self.process = Process.start(argv, directory / "log", env=environment)

    def wait(self) -> None:
        """Until it answers."""
        self.process.wait_for("buildkitd", lambda: self.socket.exists() and answers(self.port))

    def kill(self) -> None:
        """End it at once, with everything that it runs, and wait until it has let go of its port and its state."""
        unshare = self.process.popen.pid
        daemons = [
            os.pidfd_open(int(pid)) for pid in Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()
        ]
        os.killpg(unshare, signal.SIGKILL)
        self.process.popen.wait(10)
        for daemon in daemons:
            ended, _, _ = select.select([daemon], [], [], 10)
            os.close(daemon)
            assert ended, "buildkitd did not end within 10 s of SIGKILL"

    def control(self, *argv: str) -> str:
        """The output of buildctl."""
        done = subprocess.run(
            [str(self.buildctl), "--addr", f"unix://{self.socket}", *argv], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextlib.contextmanager
def hub(directory: Path, port: int) -> Iterator[str]:
    """The base images that stand in for docker.io's, read-only, on `port`; yields the address."""
    from ink_local.node import registry_mirror
    from ink_standins import images

    registry_mirror.fill(images.ensure())
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "config.yml"
    file.write_text(registry_mirror.config(f"127.0.0.1:{port}", read_only=True))
    process = Process.start([program("docker-registry"), "serve", str(file)], directory / "log")
    try:
        process.wait_for("the hub", lambda: answers(port))
        yield f"127.0.0.1:{port}"
    finally:
        process.stop()


def sbom_scanner() -> str:
    """Put the scanner's image where a hub serves it, built when the cache lacks it; returns its name."""
    from ink_artifacts import go_programs
    from ink_local.node import registry_mirror
    from ink_standins import images

    go_programs.ensure(["sbom-scanner"])
    registry_mirror.fill(images.ensure(only=images.SBOM_SCANNER))
    return images.SBOM_SCANNER


def _buildkit_config(directory: Path, port: int, insecure: list[str], mirror: str | None) -> str:
    registries = "".join(f'[registry."{host}"]\nhttp = true\n' for host in insecure)
    if mirror:
        registries += f'[registry."docker.io"]\nmirrors = ["{mirror}"]\n'
    return f"""
root = "{directory}/root"
[grpc]
address = ["unix://{directory}/buildkitd.sock", "tcp://127.0.0.1:{port}"]
[grpc.tls]
cert = "{directory}/server.crt"
key = "{directory}/server.key"
ca = "{directory}/ca.crt"
[worker.oci]
enabled = true
snapshotter = "overlayfs"
networkMode = "host"
binary = "{RUNC_CA}"
[worker.containerd]
enabled = false
{registries}"""


@contextlib.contextmanager
def buildkitd(
    directory: Path,
    insecure: list[str],
    mirror: str | None = None,
    port: int | None = None,
    certificates: Certificates | None = None,
) -> Iterator[BuildKitDaemon]:
    """Run one; everything it keeps lies below `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    program, buildctl = buildkit_programs()
    port = port or free_port()
    certificates = certificates or mutual_tls()
    (directory / "ca.crt").write_text(certificates.ca)
    (directory / "server.crt").write_text(certificates.server.cert)
    (directory / "server.key").write_text(certificates.server.key)
    (directory / "buildkitd.toml").write_text(_buildkit_config(directory, port, insecure, mirror))
    running = BuildKitDaemon(port, directory / "buildkitd.sock", certificates, program, buildctl)
    running.start()
    try:
        running.wait()
        yield running
    finally:
        running.process.stop()


# ---------------------------------------------------------------- git
class GitHandler(BaseHTTPRequestHandler):
    """Smart HTTP by git's own CGI program; `/moved/…` redirects to the same host, `/away/…` to another."""

    protocol_version = "HTTP/1.1"
    root: Path
    password: str | None

    def do_GET(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def serve(self) -> None:
        moved = re.match(r"/(moved|away)/", self.path)
        if moved:
            self.send_response(301)
            elsewhere = f"http://localhost:{self.server.server_address[1]}" if moved[1] == "away" else ""  # type: ignore[index]
            self.send_header("Location", elsewhere + self.path.removeprefix(moved[0][:-1]))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.password is not None and not self._authorised():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        body = self._body()
        done = subprocess.run(
            [program("git"), "http-backend"], input=body, capture_output=True, env=environment, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self.send_response(int(fields.pop("Status", "200 OK").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _authorised(self) -> bool:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        return kind == "Basic" and base64.b64decode(value).decode().split(":", 1)[1] == self.password

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: tests read the builder's log."""


@dataclass
class GitServer:
    """Bare repositories over HTTP."""

    url: str
    root: Path

    def commit(self, name: str, files: dict[str, str | bytes], branch: str = "main") -> str:
        """Make the repository hold exactly `files` in a new commit of `branch`; returns its id."""
        bare, work = self.root / f"{name}.git", self.root / "work" / name
        if not bare.exists():
            _git(None, "init", "--quiet", "--bare", str(bare))
            _git(None, "init", "--quiet", f"--initial-branch={branch}", str(work))
        for old in work.iterdir():
            if old.name != ".git":
                shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
        write_tree(work, files)
        _git(work, "add", "--all", "--force")
        _git(work, "commit", "--quiet", "--allow-empty", "--message", "change")
        _git(work, "push", "--quiet", "--force", str(bare), f"HEAD:refs/heads/{branch}")
        return _git(work, "rev-parse", "HEAD").strip()


def write_tree(root: Path, files: dict[str, str | bytes]) -> None:
    """Files below `root`, which may exist."""
    for path, content in files.items():
        _write(root / path, content)


def _write(place: Path, content: str | bytes) -> None:
    """A file; text that begins with `-> ` makes a symbolic link, `#!` or ELF a program."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str) and content.startswith("-> "):
        place.symlink_to(content.removeprefix("-> "))
        return
    data = content.encode() if isinstance(content, str) else content
    place.write_bytes(data)
    if data.startswith((b"#!", b"\x7fELF")):
        place.chmod(0o755)


def _git(directory: Path | None, *argv: str) -> str:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.test"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    where = ["-C", str(directory)] if directory else []
    done = subprocess.run(
        [program("git"), *where, *who, *argv], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextlib.contextmanager
def git_server(
    root: Path, password: str | None = None, handler: type[GitHandler] | None = None, tls: Pair | None = None
) -> Iterator[GitServer]:
    """Serve `root` on loopback; with a password, only to those who give it; with `tls`, by HTTPS."""
    (root / "work").mkdir(parents=True, exist_ok=True)
    handler = type("Handler", (handler or GitHandler,), {"root": root, "password": password})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if tls:
            pem = root / "server.pem"
            pem.write_text(tls.cert + tls.key)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield GitServer(f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}", root)
        finally:
            server.shutdown()
            thread.join()
