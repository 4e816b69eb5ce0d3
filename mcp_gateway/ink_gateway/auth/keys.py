"""API keys: `dk_live_` and 24 to 128 letters or digits. Pure, except for generating a new one.

A generated key carries more than 190 random bits, so one round of SHA-256 without a salt protects it.
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
    """The part that is stored in plain text, to look the key up and to show it to people."""
    return key[:PREFIX_LENGTH]


def digest_of(key: str) -> str:
    """What is stored instead of the key: SHA-256, 64 hex digits."""
    return hashlib.sha256(key.encode()).hexdigest()


def same(digest: str, other: str) -> bool:
    """Comparison in constant time."""
    return hmac.compare_digest(digest, other)
