"""The `ink` command against a gateway that listens on loopback."""

import asyncio
import io
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ink_api.sealing import ALGORITHM, ENCRYPTION, Binding, value_of
from ink_cli.__main__ import main
from ink_cli.commands import variables
from ink_cli.errors import UsageError
from joserfc import jwe
from unit.gateway.listening import Running, running
from unit.gateway.world import BUILD_FAILED, KEY, LIVE


@pytest.fixture(scope="module")
def gateway() -> Iterator[Running]:
    """The gateway in a thread with a loop of its own: the command brings its own."""
    started, stop, found = threading.Event(), threading.Event(), []

    async def serve() -> None:
        async with running() as gateway:
            found.append(gateway)
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(30)
    yield found[0]
    stop.set()
    thread.join()


@pytest.fixture
def shell(gateway: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Running:
    """The environment of a person, with an empty home and a clean workspace."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("INK_URL", gateway.public)
    monkeypatch.setenv("INK_API_KEY", KEY)
    monkeypatch.delenv("INK_CA", raising=False)
    gateway.world.services.objects.clear()
    return gateway


def ink(*arguments: str) -> int:
    return main(arguments)


def reported(gateway: Running, name: str, status: dict[str, object]) -> None:
    """What the operator would report, without a loop to wait in."""
    obj = gateway.world.services.objects["ink-tenants", name]
    obj["status"] = {"observedGeneration": obj["metadata"]["generation"], **status}


def test_a_service_from_deploy_to_delete(shell: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert ink("deploy", "shop", "web", "--env", "A=1=2", "--wait", "0") == 0
    (entry,) = shell.world.services.objects["ink-tenants", "acme.default.web"]["spec"]["env"]
    assert opened(shell, entry["valueFrom"]["sealed"], Binding("acme", "default", "web", "A")) == "1=2"
    reported(shell, "acme.default.web", LIVE)
    assert ink("services") == 0
    assert ink("status", "web") == 0
    out = capsys.readouterr().out
    assert "https://web.apps.localhost:8443" in out
    shell.world.logs.runtime_lines = ["hello"]
    assert ink("logs", "web") == 0
    assert capsys.readouterr().out == "hello\n"
    assert ink("delete", "web") == 0


def test_answers_as_json(shell: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert ink("whoami", "--json") == 0
    assert json.loads(capsys.readouterr().out)["workspace"] == "acme"


def test_connect_remembers_for_its_owner_alone(
    shell: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ink("connect") == 0
    file = tmp_path / ".config" / "ink" / "config.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert KEY not in capsys.readouterr().out
    monkeypatch.delenv("INK_URL")
    monkeypatch.delenv("INK_API_KEY")
    assert ink("whoami") == 0


def test_exit_codes_tell_what_went_wrong(
    shell: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ink("deploy", "nowhere", "web") == 1
    assert "RepositoryNotFound" in capsys.readouterr().err
    assert ink("deploy", "shop", "web", "--wait", "1") == 5
    reported(shell, "acme.default.web", BUILD_FAILED)
    assert ink("status", "web") == 1
    monkeypatch.setenv("INK_API_KEY", "dk_live_" + "z" * 40)
    assert ink("whoami") == 4
    monkeypatch.setenv("INK_URL", "http://localhost:1")
    assert ink("whoami") == 3
    monkeypatch.delenv("INK_URL")
    assert ink("whoami") == 2


def test_variables_come_from_a_file_and_flags_win(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# comment\nA=1\n\nB=x=y\n")
    assert variables(["A=2"], str(file)) == {"A": "2", "B": "x=y"}
    assert variables([], None) is None
    with pytest.raises(UsageError, match="NAME=VALUE"):
        variables(["A"], None)


def opened(gateway: Running, sealed: str, binding: Binding) -> str:
    plaintext = jwe.decrypt_compact(sealed, gateway.world.sealing.key, algorithms=[ALGORITHM, ENCRYPTION]).plaintext
    assert plaintext is not None
    return value_of(binding, plaintext)


def test_a_value_is_sealed_for_one_variable_of_one_service(
    shell: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bound = Binding("team", "", "web", "TOKEN")
    where = ("--service", "web", "--namespace", "team")
    assert ink("seal", "TOKEN=hunter2=", *where) == 0
    out = capsys.readouterr().out
    assert "hunter2" not in out
    assert opened(shell, out.strip(), bound) == "hunter2="

    monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe\n"))
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(asyncio.run(shell.world.sealing.public_keys())))
    monkeypatch.delenv("INK_URL")
    assert ink("seal", "TOKEN", *where, "--keys", str(keys), "--json") == 0
    entry = json.loads(capsys.readouterr().out)
    assert entry["name"] == "TOKEN"
    assert opened(shell, entry["valueFrom"]["sealed"], bound) == "from a pipe"


def test_what_cannot_be_sealed_is_said(
    shell: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    where = ("--service", "web", "--namespace", "team")
    assert ink("seal", "1A=x", *where) == 2
    assert "is not a valid variable name" in capsys.readouterr().err
    (tmp_path / "keys").write_text("{}")
    assert ink("seal", "A=hunter2", *where, "--keys", str(tmp_path / "keys")) == 2
    monkeypatch.setenv("INK_API_KEY", "dk_live_" + "z" * 40)
    assert ink("seal", "A=hunter2", *where) == 4
    assert "hunter2" not in capsys.readouterr().err


def asked_by_git(tmp_path: Path, *request: str, path: bool = True) -> subprocess.CompletedProcess[str]:
    """What git itself gets from the helper."""
    helper = f"!{sys.executable} -m ink_cli credential"
    settings = ["-c", "credential.helper=", "-c", f"credential.helper={helper}", "-c", "credential.interactive=false"]
    settings += ["-c", f"credential.useHttpPath={str(path).lower()}"]
    asked = "\n".join([*request, "", ""])
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "GIT_ASKPASS": "true"}
    command = ["git", *settings, "credential", "fill"]
    return subprocess.run(
        command, input=asked, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )


def test_git_is_given_a_token_for_the_repository_it_asks_for(shell: Running, tmp_path: Path) -> None:
    assert ink("repo", "shop") == 0
    done = asked_by_git(tmp_path, "protocol=https", "host=git.localhost:8443", "path=acme/shop.git")
    assert "username=ink\npassword=mlg_" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "request_",
    [
        ("protocol=https", "host=evil.example.com", "path=acme/shop.git"),
        ("protocol=https", "host=git.localhost:8443.evil.example.com", "path=acme/shop.git"),
        ("protocol=http", "host=git.localhost:8443", "path=acme/shop.git"),
        ("protocol=https", "host=git.localhost:8443", "path=other/shop.git"),
    ],
    ids=["another host", "a host that begins like it", "without TLS", "another workspace"],
)
def test_nobody_else_is_given_one(shell: Running, tmp_path: Path, request_: tuple[str, ...]) -> None:
    assert ink("repo", "shop") == 0
    done = asked_by_git(tmp_path, *request_)
    assert "mlg_" not in done.stdout + done.stderr


def test_git_that_does_not_say_which_repository_is_told_how_to(shell: Running, tmp_path: Path) -> None:
    done = asked_by_git(tmp_path, "protocol=https", "host=git.localhost:8443", "path=acme/shop.git", path=False)
    assert "mlg_" not in done.stdout
    assert "git config --global credential.https://git.localhost:8443.useHttpPath true" in done.stderr


def test_what_git_tells_of_a_password_is_left_alone(shell: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert ink("credential", "store") == 0
    assert ink("credential", "erase") == 0
    assert capsys.readouterr().out == ""
