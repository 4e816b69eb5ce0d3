"""API keys: `dk_live_` and at least 24 letters or digits. Pure, but for making a new one.

A key carries at least 190 random bits, so one round of SHA-256 protects it: there is nothing to guess or to salt.
"""

import hashlib
import hmac
import re
import secrets
import string

MARK = "dk_live_"
PATTERN = re.compile(r"dk_live_[A-Za-z0-9]{24,128}")
PREFIX_LENGTH = len(MARK) + 8
SECRET_LENGTH = 40
ALPHABET = string.ascii_letters + string.digits


def new_key() -> str:
    """A fresh key, to be shown once."""
    return MARK + "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))


def well_formed(key: str) -> bool:
    """Whether this can be a key at all."""
    return PATTERN.fullmatch(key) is not None


def prefix_of(key: str) -> str:
    """The part that is stored in the open, to find the key again and to name it to people."""
    return key[:PREFIX_LENGTH]


def digest_of(key: str) -> str:
    """What is stored instead of the key: SHA-256, 64 hex digits."""
    return hashlib.sha256(key.encode()).hexdigest()


def same(digest: str, other: str) -> bool:
    """Comparison in constant time."""
    return hmac.compare_digest(digest, other)
