"""What foreign answers mean."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from ink_api.reasons import Reason
from ink_operator.clients.kube import path_of
from ink_operator.clients.kube_errors import failure
from ink_operator.clients.prober import judge
from ink_operator.clients.registry import attempt_number, exposed
from ink_operator.clients.resolver import parse_answer
from ink_operator.clients.tokens import TokenMint, certificate_body
from ink_operator.core.errors import AlreadyExists, Conflict, Forbidden, OverQuota, Rejected, Terminal, Transient
from ink_operator.core.kinds import DEPLOYMENT, INK_SERVICE, NAMESPACE, POD
from ink_operator.settings import Secrets


def body(message: str, reason: str = "") -> str:
    return json.dumps({"kind": "Status", "message": message, "reason": reason})


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (409, body("x", "AlreadyExists"), AlreadyExists),
        (409, body("x", "Conflict"), Conflict),
        (403, body("exceeded quota: ink"), OverQuota),
        (403, body('User "x" cannot get'), Forbidden),
        (403, body("because it is being terminated"), Terminal),
        (403, body("only ... and the storageclass that provisions the pvc must support resize"), Terminal),
        (422, body("spec.x: Invalid value"), Rejected),
        (429, "", Transient),
        (500, "not json", Transient),
    ],
)
def test_failures_of_the_api_server(status: int, text: str, kind: type[Exception]) -> None:
    assert type(failure(status, text, "GET /x")) is kind


def test_paths() -> None:
    assert path_of(POD, "n", "p") == "/api/v1/namespaces/n/pods/p"
    assert path_of(NAMESPACE, "", "n") == "/api/v1/namespaces/n"
    assert path_of(DEPLOYMENT) == "/apis/apps/v1/deployments"
    assert path_of(INK_SERVICE, "n", "s", "status") == "/apis/ml.ink/v1alpha1/namespaces/n/inkservices/s/status"


@pytest.mark.parametrize(
    ("status", "unrouted", "text", "healthy_only", "ok"),
    [
        (200, False, b"hello", False, True),
        (404, False, b"my own 404", False, True),
        (404, False, b"404 page not found\n", False, False),
        (404, True, b"", False, False),
        (502, False, b"Bad Gateway", False, False),
        (503, False, b"no available server\n", False, False),
        (503, False, b"down for maintenance", False, True),
        (500, False, b"", True, False),
        (302, False, b"", True, True),
    ],
)
def test_the_applications_answer_is_told_from_the_ingress_own(
    status: int, unrouted: bool, text: bytes, healthy_only: bool, ok: bool
) -> None:
    assert judge(status, unrouted, text, healthy_only).ok is ok


def test_answers_of_the_resolver() -> None:
    assert parse_answer(200, {"commit": "a" * 40}).commit == "a" * 40
    assert parse_answer(422, {"reason": "BranchNotFound", "message": "m"}).reason == Reason.BRANCH_NOT_FOUND
    assert parse_answer(422, {"reason": "Surprise"}).reason == Reason.SOURCE_UNREACHABLE
    assert parse_answer(500, {}).reason == Reason.SOURCE_UNREACHABLE


def test_tags_and_ports_of_images() -> None:
    assert attempt_number("abc-def-12", "abc-def-") == 12
    assert attempt_number("abc-def-x", "abc-def-") == -1
    assert attempt_number("other-1", "abc-def-") == -1
    assert exposed({"8080/tcp": {}, "53/udp": {}, "80": {}}) == (80, 8080)


def test_a_git_token_names_repository_scope_and_tenant() -> None:
    key = "k" * 32
    token = TokenMint(Secrets(git_signing_key=key), 60, clock=lambda: 4_000_000_000).git_read("acme/web", "acme")
    claims = jwt.decode(token.removeprefix("mlg_"), key, algorithms=["HS256"])
    assert claims == {"repo": "acme/web", "scope": "read", "sub": "acme", "exp": 4_000_000_060}


def test_a_registry_token_is_for_one_repository_and_verifies_with_the_certificate() -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    mint = TokenMint(Secrets(registry_token_key=pem, registry_token_cert=certificate), 60)
    for repository in ("acme/shop/web", "acme/shop/api"):
        claims = jwt.decode(mint.registry(repository, "pull"), key.public_key(), ["RS256"], audience="ink-registry")
        assert claims["access"] == [{"type": "repository", "name": repository, "actions": ["pull"]}]


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        ("", "is not set"),
        ("noise", "is not an RSA key"),
        (
            ec.generate_private_key(ec.SECP256R1())
            .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            .decode(),
            "is not an RSA key",
        ),
    ],
    ids=["absent", "noise", "another kind"],
)
def test_a_key_that_cannot_sign_is_named_and_never_shown(pem: str, said: str) -> None:
    mint = TokenMint(Secrets(registry_token_key=pem), 60)
    for _ in range(2):
        with pytest.raises(Transient, match=f"INK_REGISTRY_TOKEN_KEY {said}") as caught:
            mint.registry("acme/shop/web", "pull")
        assert not pem or pem not in str(caught.value)


def test_a_certificate_becomes_one_line() -> None:
    assert certificate_body("-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n") == "AAAABBBB"
    with pytest.raises(ValueError, match="no certificate"):
        certificate_body("nothing")
