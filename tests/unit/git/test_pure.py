"""The git server's pure parts: framing, names, limits, differences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ink_common.environ import SettingsError
from ink_git.announcements import default_branch, pusher_lines
from ink_git.maintenance import Condition, needs_packing
from ink_git.names import is_repo, is_workspace, parse_name
from ink_git.pktline import FLUSH, HeldFlush, packet, progress, wants_sideband
from ink_git.process import environment
from ink_git.settings import parse_settings
from ink_git.smart_http import protocol_of, room_for
from ink_git.store import ZERO, RefUpdate, difference

MIB = 1 << 20
SECRETS = dict.fromkeys(("INK_GIT_SIGNING_KEY", "INK_GIT_ADMIN_TOKEN", "INK_INTERNAL_TOKEN"), "x" * 40)


@given(st.lists(st.binary(max_size=200), max_size=10), st.data())
def test_lines_are_put_before_the_last_flush_however_the_stream_is_cut(
    payloads: list[bytes], data: st.DataObject
) -> None:
    body = b"".join(packet(p) for p in payloads)
    stream = body + FLUSH
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    held, out = HeldFlush(), b""
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        out += held.feed(stream[start:end])
    assert out == body
    assert out + held.end([progress("hello")]) == body + progress("hello") + FLUSH


@given(st.binary(max_size=300), st.integers(0, 300))
def test_what_is_no_packet_passes_unchanged(stream: bytes, cut: int) -> None:
    held = HeldFlush()
    out = held.feed(stream[:cut]) + held.feed(stream[cut:])
    assert out + held.end([]) == stream


def test_a_progress_line_holds_no_control_characters() -> None:
    assert progress("a\x1b[2Jb\nc\r") == packet(b"\x02a?[2Jb?c?\n")
    with pytest.raises(ValueError, match="at most"):
        packet(b"x" * 70000)


def test_sideband_is_a_capability_and_no_name() -> None:
    update = b"0" * 40 + b" " + b"1" * 40
    assert wants_sideband(packet(update + b" refs/heads/x\0 report-status side-band-64k agent=x"))
    assert not wants_sideband(packet(update + b" refs/heads/side-band-64k\0 report-status"))
    assert not wants_sideband(packet(update + b" refs/heads/x side-band-64k"))
    for broken in (b"", b"0000", b"zzzz", b"ffff" + b"x" * 10):
        assert not wants_sideband(broken)


@pytest.mark.parametrize("name", ["a", "my-repo", "a.b_c", "0", "a" * 64])
def test_repository_names(name: str) -> None:
    assert is_repo(name)


@pytest.mark.parametrize(
    "name", ["", "A", "-a", "a-", ".a", "a.", "a..b", "a/b", "a\n", "\na", "a.git", "a.lock", "a" * 65, "é", "a\0"]
)
def test_names_that_are_none(name: str) -> None:
    assert not is_repo(name)
    assert parse_name("team", name) is None


@given(st.text(max_size=30))
def test_no_name_leaves_its_folder(name: str) -> None:
    for accepted in (is_repo(name), is_workspace(name)):
        if accepted:
            assert "/" not in name
            assert name not in (".", "..")
            assert name.isascii()


def test_the_tightest_limit_is_named() -> None:
    assert room_for(0, 100 * MIB, 50 * MIB, 1 << 40).bytes == 50 * MIB
    assert "one push may carry 50.0 MiB" in room_for(0, 100 * MIB, 50 * MIB, 1 << 40).why
    assert room_for(90 * MIB, 100 * MIB, 50 * MIB, 1 << 40).bytes == 10 * MIB
    assert "holds 90.0 MiB" in room_for(90 * MIB, 100 * MIB, 50 * MIB, 1 << 40).why
    assert "disk is full" in room_for(0, 100 * MIB, 50 * MIB, -5).why
    for room in (room_for(0, 100, 50, -5), room_for(200, 100, 50, 1000), room_for(100, 100, 50, 1000)):
        assert room.bytes == 1, "0 would mean no limit to git"


@pytest.mark.parametrize(
    ("header", "protocol"),
    [
        ("version=2", "version=2"),
        ("version=1", "version=1"),
        ("foo=bar:version=2", "version=2"),
        ("version=1:version=2", "version=2"),
        ("version=3", ""),
        ("xversion=2", ""),
        ("version=2\nA=B", ""),
        ("", ""),
    ],
)
def test_protocol_versions(header: str, protocol: str) -> None:
    assert protocol_of(header) == protocol


def test_differences_of_refs() -> None:
    before = {"refs/heads/a": "1" * 40, "refs/heads/b": "2" * 40, "refs/heads/c": "3" * 40}
    after = {"refs/heads/a": "1" * 40, "refs/heads/b": "4" * 40, "refs/heads/d": "5" * 40}
    assert difference(before, after) == [
        RefUpdate("refs/heads/b", "2" * 40, "4" * 40),
        RefUpdate("refs/heads/c", "3" * 40, ZERO),
        RefUpdate("refs/heads/d", ZERO, "5" * 40),
    ]


def test_the_pusher_is_told_of_branches_only() -> None:
    updates = [RefUpdate(f"refs/heads/b{n}", ZERO, "a" * 40) for n in range(7)]
    updates += [RefUpdate("refs/tags/v1", ZERO, "a" * 40), RefUpdate("refs/heads/x", "a" * 40, ZERO)]
    lines = pusher_lines(updates)
    assert lines[0] == "Ink: b0@aaaaaaa received; services that follow it will deploy"
    assert lines[5:] == ["Ink: and 2 more branches"]
    assert pusher_lines(updates[7:]) == []


@pytest.mark.parametrize(
    ("head", "refs", "wanted"),
    [
        ("refs/heads/main", {"refs/heads/main", "refs/heads/a"}, None),
        ("refs/heads/main", {"refs/heads/b", "refs/heads/a"}, "refs/heads/a"),
        ("refs/heads/main", {"refs/heads/a", "refs/heads/master"}, "refs/heads/master"),
        ("refs/heads/gone", {"refs/heads/a", "refs/heads/main"}, "refs/heads/main"),
        ("refs/heads/main", {"refs/tags/v1"}, None),
        ("refs/heads/main", set(), None),
    ],
)
def test_the_default_branch(head: str, refs: set[str], wanted: str | None) -> None:
    assert default_branch(head, dict.fromkeys(refs, "1" * 40)) == wanted


def test_packing_is_for_many_packs_and_for_what_changed() -> None:
    day = 86400.0
    assert needs_packing(Condition(21, False, 0, True))
    assert not needs_packing(Condition(20, True, day / 2, True))
    assert needs_packing(Condition(1, True, 2 * day, False))
    assert needs_packing(Condition(1, False, 2 * day, True))
    assert not needs_packing(Condition(1, False, 2 * day, False))


def test_git_sees_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INK_GIT_ADMIN_TOKEN", "secret")
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    env = environment({"receive.maxInputSize": "5"}, "version=2")
    assert "secret" not in env.values()
    assert "GIT_DIR" not in env
    assert env["GIT_PROTOCOL"] == "version=2"
    count = int(env["GIT_CONFIG_COUNT"])
    pairs = {env[f"GIT_CONFIG_KEY_{n}"]: env[f"GIT_CONFIG_VALUE_{n}"] for n in range(count)}
    assert pairs["receive.maxInputSize"] == "5"
    assert pairs["core.hooksPath"] == "/dev/null"


def test_settings_name_everything_that_is_wrong() -> None:
    with pytest.raises(SettingsError) as wrong:
        parse_settings({"INK_GIT_ADMIN_TOKEN": "short", "INK_REPO_MAX_BYTES": "1GiB", "INK_PUSH_EVENTS_URL": "ftp://x"})
    for name in (*SECRETS, "INK_REPO_MAX_BYTES", "INK_PUSH_EVENTS_URL"):
        assert name in str(wrong.value)
    assert "short" not in str(wrong.value).replace("shorter", "")
    settings = parse_settings({**SECRETS, "INK_REPO_MAX_BYTES": "5"})
    assert settings.repo_max_bytes == 5
    assert "x" * 40 not in repr(settings)
