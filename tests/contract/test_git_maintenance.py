"""Housekeeping on real repositories: packed again, removed history thrown away in time, abandoned pushes cleaned up."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from contract.git_server import WorkingCopy, run
from ink_git.maintenance import MANY_PACKS, Maintenance
from ink_git.names import RepoName
from ink_git.repositories import RepositoryStore

NAME = RepoName("team", "app")
DAY = 86400


@pytest.fixture
async def repositories(tmp_path: Path) -> RepositoryStore:
    made = RepositoryStore(tmp_path / "repos")
    made.prepare()
    await made.create(NAME, "")
    return made


def age(folder: Path, days: float) -> None:
    """Make everything under a folder older."""
    for path in [folder, *folder.rglob("*")]:
        before = path.stat().st_mtime - days * DAY
        os.utime(path, (before, before))


async def test_many_packs_become_one(repositories: RepositoryStore, tmp_path: Path) -> None:
    work, path = WorkingCopy.new(tmp_path / "work"), repositories.path(NAME)
    run("--git-dir", str(path), "config", "receive.unpackLimit", "1")
    for number in range(MANY_PACKS + 1):
        work.commit(f"{number}\n", f"{number}.txt")
        work.git("push", str(path), "main")
    before = await repositories.refs(NAME)
    assert len(list(path.glob("objects/pack/*.pack"))) == MANY_PACKS + 1
    maintenance = Maintenance(repositories, push_seconds=60)
    assert await maintenance.visit(NAME)
    assert len(list(path.glob("objects/pack/*.pack"))) == 1
    assert await repositories.refs(NAME) == before
    assert not await maintenance.visit(NAME), "there is nothing more to do"


async def test_removed_history_is_thrown_away_after_its_grace_time(
    repositories: RepositoryStore, tmp_path: Path
) -> None:
    work, path = WorkingCopy.new(tmp_path / "work"), repositories.path(NAME)
    run("--git-dir", str(path), "config", "receive.unpackLimit", "1")
    base = work.commit()
    work.commit(file="big", data=os.urandom(1 << 20))
    work.git("push", str(path), "main")
    work.git("push", "--force", str(path), f"{base}:refs/heads/main")
    assert await repositories.size(NAME) > 1 << 20
    maintenance = Maintenance(repositories, push_seconds=60)
    assert await maintenance.visit(NAME)
    assert await repositories.size(NAME) > 1 << 20, "a push that still runs may need it"
    age(path, 2)
    for mtimes in path.glob("objects/pack/*.mtimes"):
        # The times of cruft objects are in this file's content; without it they have the pack's.
        mtimes.unlink()
    assert await maintenance.visit(NAME)
    assert await repositories.size(NAME) < 1 << 20
    assert await repositories.refs(NAME) == {"refs/heads/main": base}


async def test_abandoned_pushes_are_cleaned_up_but_running_ones_are_not(repositories: RepositoryStore) -> None:
    objects = repositories.path(NAME) / "objects"
    for name in ("tmp_objdir-incoming-old", "tmp_objdir-incoming-new"):
        (objects / name).mkdir()
        (objects / name / "pack").write_bytes(b"x")
    age(objects / "tmp_objdir-incoming-old", 1)
    os.utime(objects / "tmp_objdir-incoming-new", (time.time() - 100, time.time() - 100))
    await Maintenance(repositories, push_seconds=60).visit(NAME)
    assert [path.name for path in objects.glob("tmp_objdir-*")] == ["tmp_objdir-incoming-new"]


async def test_an_interrupted_create_or_delete_leaves_nothing(repositories: RepositoryStore, tmp_path: Path) -> None:
    spare = tmp_path / "repos/.spare/half"
    spare.mkdir()
    repositories.prepare()
    assert not spare.exists()
    assert repositories.everything() == [NAME]
    assert await repositories.delete(NAME)
    assert not await repositories.delete(NAME)
    assert repositories.everything() == []
