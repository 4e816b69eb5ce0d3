"""The `ink` command against a gateway that listens on loopback."""

import asyncio
import io
import json
import stat
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
    assert "cannot name a variable" in capsys.readouterr().err
    (tmp_path / "keys").write_text("{}")
    assert ink("seal", "A=hunter2", *where, "--keys", str(tmp_path / "keys")) == 2
    monkeypatch.setenv("INK_API_KEY", "dk_live_" + "z" * 40)
    assert ink("seal", "A=hunter2", *where) == 4
    assert "hunter2" not in capsys.readouterr().err
