"""Git's wire format as the resolver reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ink_resolver import pktline
from ink_resolver.pktline import FLUSH, NotGit, Truncated, packet

SHA, OTHER = "1" * 40, "2" * 40


@given(st.lists(st.text(max_size=50), max_size=10))
def test_packets_come_back(lines: list[str]) -> None:
    data = b"".join(packet(line) for line in lines) + FLUSH
    assert list(pktline.packets(data)) == [*(f"{line}\n".encode() for line in lines), None]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (pktline.capabilities, pktline.refs_of_v2, pktline.refs_of_v0):
        try:
            read(data)
        except (NotGit, Truncated):
            continue


def test_what_a_server_can_do() -> None:
    lines = ["version 2", "agent=git/2.39", "ls-refs=unborn", "fetch=shallow", "object-format=sha1"]
    data = b"".join(map(packet, lines)) + FLUSH
    found = pktline.capabilities(data)
    assert found is not None
    assert {"ls-refs", "fetch"} <= pktline.names(found)
    assert pktline.object_format(found) == "sha1"
    with_service = packet("# service=git-upload-pack") + FLUSH + data
    assert pktline.capabilities(with_service) == found
    assert pktline.capabilities(packet(f"{SHA} HEAD\0symref=HEAD:refs/heads/main") + FLUSH) is None


def test_refs_of_each_version() -> None:
    answer = packet(f"{SHA} HEAD symref-target:refs/heads/main") + packet(f"{OTHER} refs/heads/a peeled:{SHA}") + FLUSH
    assert pktline.refs_of_v2(answer) == {"HEAD": SHA, "refs/heads/a": OTHER}
    start = packet("# service=git-upload-pack") + FLUSH
    old = packet(f"{SHA} HEAD\0multi_ack symref=HEAD:refs/heads/main") + packet(f"{OTHER} refs/heads/a")
    assert pktline.refs_of_v0(start + old + FLUSH) == ({"HEAD": SHA, "refs/heads/a": OTHER}, True)
    assert pktline.refs_of_v0(start + packet("version 1") + old + FLUSH) == ({"HEAD": SHA, "refs/heads/a": OTHER}, True)
    assert pktline.refs_of_v0((start + old)[:-3]) == ({"HEAD": SHA}, False)
    empty = start + packet(f"{'0' * 40} capabilities^{{}}\0 multi_ack") + FLUSH
    assert pktline.refs_of_v0(empty) == ({}, True)
    with pytest.raises(NotGit):
        pktline.refs_of_v0(packet("ERR no such thing") + FLUSH)


def test_questions() -> None:
    question = pktline.ls_refs("main", "sha1")
    assert question.startswith(packet("command=ls-refs"))
    assert packet("ref-prefix refs/heads/main") in question
    assert question.endswith(FLUSH)
    assert packet("ref-prefix HEAD") in pktline.ls_refs("", "sha1")
    assert packet(f"want {SHA}") in pktline.want(SHA, "sha1")
