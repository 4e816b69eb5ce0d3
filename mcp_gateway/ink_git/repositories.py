"""Bare repositories on disk. The directory `<workspace>/<repo>.git` is the only thing that says that one exists."""

import asyncio
import contextlib
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from ink_git.names import RepoName, is_repo, is_workspace
from ink_git.process import run

DEFAULT_BRANCH = "main"
HEADS = "refs/heads/"


@dataclass(frozen=True)
class RepositoryInfo:
    """A repository as the internal API describes it."""

    name: RepoName
    description: str
    empty: bool
    default_branch: str

    def as_json(self) -> dict[str, str | bool]:
        """The answer's body."""
        return {
            "workspace": self.name.workspace,
            "name": self.name.repo,
            "description": self.description,
            "empty": self.empty,
            "defaultBranch": self.default_branch,
        }


class RepositoryStore:
    """All repositories under one directory."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._spare = root / ".spare"
        """Repositories being created or deleted; on the same file system, so that a rename is atomic."""

    def prepare(self) -> None:
        """Make the directories; remove leftovers of an interrupted create or delete."""
        self._root.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._spare, ignore_errors=True)
        self._spare.mkdir(exist_ok=True)

    def path(self, name: RepoName) -> Path:
        """The path of a repository, whether or not it exists."""
        return self._root / name.workspace / f"{name.repo}.git"

    def exists(self, name: RepoName) -> bool:
        """True if the repository exists."""
        return self.path(name).is_dir()

    async def create(self, name: RepoName, description: str) -> bool:
        """Create a repository whose HEAD is main; False if it exists already, which leaves it unchanged."""
        if self.exists(name):
            return False
        spare = self._spare / secrets.token_hex(8)
        await run("init", "--quiet", "--bare", "--template=", f"--initial-branch={DEFAULT_BRANCH}", str(spare))
        (spare / "description").write_text(description, encoding="utf-8")
        target = self.path(name)
        target.parent.mkdir(exist_ok=True)
        try:
            spare.rename(target)
        except OSError:
            await asyncio.to_thread(shutil.rmtree, spare, ignore_errors=True)
            if self.exists(name):
                return False
            raise
        return True

    async def delete(self, name: RepoName) -> bool:
        """Delete a repository atomically; False if there was none."""
        spare = self._spare / secrets.token_hex(8)
        try:
            self.path(name).rename(spare)
        except FileNotFoundError:
            return False
        with contextlib.suppress(OSError):
            self.path(name).parent.rmdir()
        await asyncio.to_thread(shutil.rmtree, spare, ignore_errors=True)
        return True

    async def describe(self, name: RepoName) -> RepositoryInfo | None:
        """Describe a repository; None if it does not exist."""
        if not self.exists(name):
            return None
        path = self.path(name)
        head = await self.head(name)
        some_ref = await run("for-each-ref", "--count=1", "--format=1", repository=path)
        try:
            description = (path / "description").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            description = ""
        return RepositoryInfo(name, description, not some_ref, head.removeprefix(HEADS))

    def names_in(self, workspace: str) -> list[RepoName]:
        """A workspace's repositories, sorted."""
        folder = self._root / workspace
        if not is_workspace(workspace) or not folder.is_dir():
            return []
        names = sorted(entry.name.removesuffix(".git") for entry in folder.iterdir() if entry.name.endswith(".git"))
        return [RepoName(workspace, name) for name in names if is_repo(name)]

    def everything(self) -> list[RepoName]:
        """All repositories of all workspaces, sorted."""
        workspaces = sorted(entry.name for entry in self._root.iterdir() if is_workspace(entry.name))
        return [name for workspace in workspaces for name in self.names_in(workspace)]

    async def head(self, name: RepoName) -> str:
        """The ref that HEAD names, whether or not it exists."""
        return (await run("symbolic-ref", "HEAD", repository=self.path(name))).decode("utf-8", "replace").strip()

    async def set_head(self, name: RepoName, ref: str) -> None:
        """Make `ref` (an existing branch) the default branch."""
        await run("symbolic-ref", "HEAD", ref, repository=self.path(name))

    async def refs(self, name: RepoName) -> dict[str, str]:
        """Branches and tags with what they point to."""
        args = ("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/", "refs/tags/")
        output = (await run(*args, repository=self.path(name))).decode("utf-8", "backslashreplace")
        # Not splitlines(): a ref's name may hold U+2028 and its like.
        return {ref: sha for sha, _, ref in (line.partition(" ") for line in output.split("\n") if line)}

    async def size(self, name: RepoName) -> int:
        """Bytes of its objects on disk."""
        return await asyncio.to_thread(tree_bytes, self.path(name) / "objects")

    def free_bytes(self) -> int:
        """Free space of the file system."""
        stat = os.statvfs(self._root)
        return stat.f_bavail * stat.f_frsize


def tree_bytes(folder: Path) -> int:
    """Bytes of all files in a directory tree; files that vanish meanwhile are ignored."""
    total, folders = 0, [folder]
    while folders:
        with contextlib.suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                else:
                    with contextlib.suppress(FileNotFoundError):
                        total += entry.stat(follow_symlinks=False).st_size
    return total
