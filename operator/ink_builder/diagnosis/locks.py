"""Corrupt lock files, which their own tools cannot read."""

from ink_api.reasons import Reason

from ink_builder.diagnosis.rule import Rule

_CORRUPT = (
    (
        "yarn.lock",
        "yarn install",
        r"^error SyntaxError: (?:Unknown token|Invalid value type)[^\n]* in \S*yarn\.lock|YN0047: ",
    ),
    ("pnpm-lock.yaml", "pnpm install", r"ERR_PNPM_BROKEN_LOCKFILE"),
    ("uv.lock", "uv lock", r"Failed to parse `uv\.lock`"),
    (
        "poetry.lock",
        "poetry lock",
        r"[Uu]nable to read the (?:poetry )?lock file|^Installing dependencies from lock file\n+Invalid statement",
    ),
    ("Cargo.lock", "cargo generate-lockfile", r"failed to parse lock file at: "),
    ("go.sum", "go mod tidy", r"^malformed go\.sum"),
    ("composer.lock", "composer update --lock", r"composer\.lock\" does not contain valid JSON"),
)
RULES = tuple(
    Rule(
        Reason.MANIFEST_INVALID,
        pattern,
        f"{file} is corrupt, perhaps from an unfinished merge: restore it from an earlier commit, or delete it, run `{command}`"
        " and commit the new file",
    )
    for file, command, pattern in _CORRUPT
)
