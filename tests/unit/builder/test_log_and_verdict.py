"""What is printed and what is left behind, whatever the steps print."""

from __future__ import annotations

import base64
import io
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ink_api.reasons import Reason
from ink_builder import verdict
from ink_builder.buildkit.progress import Progress
from ink_builder.buildkit.proto import control_pb2
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
        ("a\n12:00:00.000 built x", "a 12:00:00.000 built x"),
        ("user\u202egnp.exe", "usergnp.exe"),
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


SECRET = 'pa$$ w/ord+&"quoted" ünï'


@pytest.mark.parametrize(
    "printed",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.b64encode(f"ci:{SECRET}:x".encode()).decode(),
        base64.urlsafe_b64encode(f"a:{SECRET}".encode()).decode(),
        f"\x1b[31m{SECRET[:5]}\x1b[0m{SECRET[5:]}",
    ],
)
def test_a_secret_is_masked_however_it_is_written(printed: str) -> None:
    shown = BuildLog(Mask([SECRET]), io.StringIO()).tidy(f"token {printed} end")
    assert shown.startswith("token ")
    assert "***" in shown
    middle = base64.b64encode(SECRET.encode()).decode()[4:-8]
    for part in (SECRET[4:-3], quote(SECRET, safe="")[6:-6], middle):
        assert part not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ghs_abcdefghijklmnop@example.com/a.git", "https://***@example.com/a.git"),
        ("ssh://git@example.com/a.git", "ssh://git@example.com/a.git"),
        ("GET https://example.com/x?token=abcdefgh&y=1", "GET https://example.com/x?token=***&y=1"),
        ("Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer ***"),
        ("//registry.example/:_authToken=abcdefgh", "//registry.example/:_authToken=***"),
        ("ghp_abcdefghijklmnopqrstuvwx leaked", "ghp_*** leaked"),
        ("npm_config_cache=/x npm error", "npm_config_cache=/x npm error"),
    ],
)
def test_what_looks_like_a_token_is_masked(text: str, shown: str) -> None:
    assert Mask()(text) == shown


@pytest.mark.parametrize("cut", range(1, len("s3cr3t-token-value")))
def test_a_secret_in_two_chunks_is_masked(cut: int) -> None:
    """The daemon sends what a step wrote as it comes, not in lines."""
    secret, lines = "s3cr3t-token-value", []
    log = BuildLog(Mask([secret]), io.StringIO())
    progress = Progress(lambda text, _important: lines.append(text), log.tidy)
    whole = f"{'x' * 5000} {secret} end\n"
    at = whole.index(secret) + cut
    for part in (whole[:at], whole[at:], secret[:cut], f"{secret[cut:]}\n"):
        logs = [control_pb2.VertexLog(vertex="v", stream=1, msg=part.encode())]
        progress.feed(control_pb2.StatusResponse(logs=logs))
    progress.close()
    assert lines
    assert not any(secret[:6] in line or secret[-6:] in line for line in lines)


def test_an_endless_line_does_not_lay_a_secret_bare() -> None:
    secret, lines = "s3cr3t-token-value", []
    log = BuildLog(Mask([secret]), io.StringIO())
    progress = Progress(lambda text, _important: lines.append(log.tidy(text)), log.tidy)
    for _ in range(3_000):
        logs = [control_pb2.VertexLog(vertex="v", stream=1, msg=f"{secret} ".encode())]
        progress.feed(control_pb2.StatusResponse(logs=logs))
    progress.close()
    assert lines
    assert not any("s3cr3t" in line or "value" in line for line in lines)


def test_the_log_is_bounded_and_still_says_how_it_ended() -> None:
    sink = io.StringIO()
    log = BuildLog(Mask(), sink, max_bytes=40_000)
    for number in range(2_000):
        log.line(f"line {number}")
    log.line("failed: BuildFailed", important=True)
    text = sink.getvalue()
    assert len(text.encode()) < 41_000
    assert text.count("omitted") == 1
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
    assert [line.split()[0] for line in kept] == [str(n) for n in range(50 - len(kept), 50)]
    assert len(kept) > 20


WORST = {"severity": "high", "package": "p" * 80, "version": "1", "advisory": "CVE-2099-1", "fixedVersion": "2"}
SCAN = {
    "vulnerabilities": {"high": 30},
    "worst": [WORST] * 5,
    "secretsFound": 7,
    "secrets": [{"place": "f" * 158 + ":1", "kind": "AWS Access Key"}] * 5,
    "more": 27,
}


@pytest.mark.parametrize("length", [0, 200, 2400, 2800])
def test_what_a_scan_found_makes_room_and_says_so(length: int) -> None:
    done = Success("r/t/s", "sha256:1", "Python", tuple(range(1, 100)), {}, {"command": "x" * length}, SCAN)
    data = verdict.encode(verdict.success(done))
    assert len(data) <= verdict.MAX_BYTES
    told = json.loads(data)
    assert told["config"] == {"command": "x" * length}
    listed = len(told["scan"]["worst"]) + len(told["scan"]["secrets"])
    assert listed + told["scan"]["more"] == 37
    assert told["scan"]["vulnerabilities"] == {"high": 30}


def test_what_a_blocking_scan_found_goes_with_the_failure() -> None:
    error = BuildError(Reason.SCAN_BLOCKED, "no", lines=["y" * 400] * 20, scan=SCAN)
    data = verdict.encode(verdict.failure(error))
    assert len(data) <= verdict.MAX_BYTES
    assert json.loads(data)["scan"]["secretsFound"] == 7


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
