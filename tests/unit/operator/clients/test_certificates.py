"""Who lets whom in between builds and their tenant's buildkitd, by real TLS handshakes in memory."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from ink_operator.clients.certificates import Issuer
from ink_operator.core.errors import Terminal
from ink_operator.ports import Pair

SEED, OTHER_SEED = "s" * 64, "t" * 64
HOST = "buildkitd-a.dp-buildkit.svc.cluster.local"
ISSUER = Issuer(SEED, 3600)


def context(pair: Pair, folder: Path, *, server: bool) -> ssl.SSLContext:
    """As buildkitd and the builder set theirs up."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    chain = folder / f"{'server' if server else 'client'}.pem"
    chain.write_text(pair.cert + pair.key)
    made.load_cert_chain(chain)
    made.load_verify_locations(cadata=pair.ca)
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def meet(client: Pair, server: Pair, folder: Path, host: str = HOST) -> None:
    """A handshake; raises ssl.SSLError when either side refuses the other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        context(client, folder, server=False).wrap_bio(to_client, to_server, server_hostname=host),
        context(server, folder, server=True).wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    ends[1].write(b"hello")
    assert ends[0].read(5) == b"hello"


def test_a_build_and_its_tenants_daemon_let_each_other_in(tmp_path: Path) -> None:
    meet(ISSUER.client("ink-tenants/acme"), ISSUER.server("ink-tenants/acme", (HOST,)), tmp_path)


@pytest.mark.parametrize("stranger", ["ink-tenants/other", "acme/acme"])
def test_another_tenants_daemon_refuses_the_build(stranger: str, tmp_path: Path) -> None:
    client, server = ISSUER.client(stranger), ISSUER.server("ink-tenants/acme", (HOST,))
    lenient = Pair(server.ca, client.cert, client.key, client.expires)
    with pytest.raises(ssl.SSLError):
        meet(lenient, server, tmp_path)


def test_a_build_refuses_another_tenants_daemon(tmp_path: Path) -> None:
    client, server = ISSUER.client("ink-tenants/acme"), ISSUER.server("ink-tenants/other", (HOST,))
    with pytest.raises(ssl.SSLError):
        meet(client, server, tmp_path)


def test_a_build_refuses_a_daemon_of_another_name(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLError):
        meet(ISSUER.client("t/a"), ISSUER.server("t/a", (HOST,)), tmp_path, host="elsewhere.svc.cluster.local")


def test_a_daemons_certificate_opens_no_daemon(tmp_path: Path) -> None:
    """RUN steps that got hold of it gain nothing."""
    server = ISSUER.server("t/a", (HOST,))
    with pytest.raises(ssl.SSLError):
        meet(server, server, tmp_path)


def test_the_authority_is_the_same_in_every_process_and_another_for_another_seed(tmp_path: Path) -> None:
    again, other = Issuer(SEED, 3600), Issuer(OTHER_SEED, 3600)
    assert ISSUER.authority("t/a") == again.authority("t/a")
    assert len({ISSUER.authority("t/a"), ISSUER.authority("t/b"), other.authority("t/a")}) == 3
    meet(again.client("t/a"), ISSUER.server("t/a", (HOST,)), tmp_path)
    with pytest.raises(ssl.SSLError):
        meet(other.client("t/a"), ISSUER.server("t/a", (HOST,)), tmp_path)


def test_a_clients_certificate_lasts_as_long_as_a_build_may() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    client = Issuer(SEED, 3900, lambda: now).client("t/a")
    certificate = x509.load_pem_x509_certificate(client.cert.encode())
    assert certificate.not_valid_after_utc == now + timedelta(seconds=3900)
    assert client.expires == "2026-11-21T01:05:00Z"


def test_without_a_seed_nothing_is_signed() -> None:
    with pytest.raises(Terminal, match="buildkit-authority"):
        Issuer("", 3600).client("t/a")


def test_a_pair_does_not_print_its_key() -> None:
    assert "PRIVATE" not in repr(ISSUER.client("t/a"))
