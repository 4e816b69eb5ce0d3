"""A developer's clone: files edited, committed and pushed by the ordinary git client."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

PERSON = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


class GitError(AssertionError):
    """git failed; the text is what it printed, without the token."""


@dataclass(frozen=True)
class Clone:
    """A working directory whose pushes go to `url`, with `token` as the password."""

    directory: Path
    url: str
    token: str = field(repr=False)
    ca: Path

    @classmethod
    def of(cls, app: Path, directory: Path, url: str, token: str, ca: Path) -> Clone:
        """A new repository with the files of `app`, not yet committed."""
        shutil.copytree(app, directory)
        clone = cls(directory, url, token, ca)
        clone.git("init", "--quiet", "--initial-branch=main")
        return clone

    def git(self, *args: str) -> str:
        """Output of a git command in the directory."""
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_SSL_CAINFO": str(self.ca),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
        }
        done = subprocess.run(
            ["git", *PERSON, *args],
            cwd=self.directory,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            raise GitError(f"git {args[0]}: {done.stderr}{done.stdout}".replace(self.token or "\0", "***"))
        return done.stdout.strip()

    def replace(self, file: str, old: str, new: str) -> None:
        """Edit one file; `old` must be there."""
        path = self.directory / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new))

    def push(self, message: str = "A change", *, branch: str = "main") -> str:
        """Commit everything and push it; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        scheme, _, rest = self.url.partition("://")
        self.git("push", "--quiet", f"{scheme}://ink:{self.token}@{rest}", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")
