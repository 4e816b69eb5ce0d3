"""What is printed and what is left behind, whatever the steps print."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ink_api.reasons import Reason
from ink_builder import verdict
from ink_builder.errors import BuildError
from ink_builder.log import BuildLog, Mask, clean
from ink_builder.verdict import Success


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("10%\r50%\r100%", "100%"),
        ("done\r", "done"),
        ("a\tb", "a    b"),
        ("null\x00byte", "nullbyte"),
        ("umläut ✓", "umläut ✓"),
    ],
)
def test_lines_are_cleaned(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_secrets_and_credentials_in_urls_are_masked() -> None:
    mask = Mask(["s3cr3t-token", "-----BEGIN KEY-----\nMIIabcdef\n-----END KEY-----\n", "short"])
    assert mask("x s3cr3t-token y") == "x *** y"
    assert mask("MIIabcdef") == "***"
    assert mask("https://user:pass@example.com/a") == "https://***@example.com/a"
    assert mask("short is a word, https://example.com:8080/a@b") == "short is a word, https://example.com:8080/a@b"


def test_the_log_is_bounded_and_still_says_how_it_ended() -> None:
    sink = io.StringIO()
    log = BuildLog(Mask(), sink, max_bytes=40_000)
    for number in range(2_000):
        log.line(f"line {number}")
    log.line("failed: BuildFailed", important=True)
    text = sink.getvalue()
    assert len(text.encode()) < 41_000
    assert text.count("left out") == 1
    assert text.endswith("failed: BuildFailed\n")


def test_a_long_line_is_cut() -> None:
    sink = io.StringIO()
    BuildLog(Mask(), sink).line("x" * 10_000)
    assert len(sink.getvalue()) < 2_050


@given(st.text(max_size=9000), st.lists(st.text(max_size=3000), max_size=60))
def test_a_verdict_always_fits(message: str, lines: list[str]) -> None:
    data = verdict.encode(verdict.failure(BuildError(Reason.BUILD_FAILED, message, lines=lines)))
    assert len(data) <= verdict.MAX_BYTES
    assert json.loads(data)["reason"] == "BuildFailed"


def test_the_last_lines_survive_when_a_verdict_is_cut() -> None:
    lines = [f"{n} " + "x" * 390 for n in range(50)]
    kept = json.loads(verdict.encode(verdict.failure(BuildError(Reason.BUILD_FAILED, "m", lines=lines))))["log"]
    assert kept == lines[-len(kept) :]
    assert len(kept) > 5


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (verdict.success(Success("r/t/s", "sha256:1", "Python", (8080,), {"total": 1.23456})), 0),
        (verdict.failure(BuildError(Reason.BUILD_FAILED, "x")), 1),
        (verdict.failure(BuildError(Reason.BUILD_INFRASTRUCTURE, "x", infrastructure=True)), 75),
    ],
)
def test_exit_codes(result: dict[str, object], code: int) -> None:
    assert verdict.exit_code(result) == code


def test_a_success_names_the_image_by_digest() -> None:
    assert verdict.success(Success("host:5000/t/s", "sha256:1", "Static", (80,), {"total": 1.23456})) == {
        "ok": True,
        "image": "host:5000/t/s@sha256:1",
        "digest": "sha256:1",
        "pack": "Static",
        "ports": [80],
        "timings": {"total": 1.235},
    }
