"""What a run that died leaves for the next one to read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ink_artifacts import files
from ink_artifacts.errors import SetupError
from ink_local import state
from ink_local.cluster import LocalCluster, state_root

WITHOUT_ROOM = """
import resource, signal, sys
from pathlib import Path
from ink_local import state
from ink_local.cluster import LocalCluster
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4, 4))
state.save(LocalCluster("one", 5, Path(sys.argv[1]), True))
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INK_STATE", str(tmp_path))
    assert state_root() == tmp_path
    return tmp_path


def test_a_record_that_could_not_be_written_leaves_the_old_one(root: Path) -> None:
    state.save(LocalCluster("one", 3, root, True))
    done = subprocess.run([sys.executable, "-c", WITHOUT_ROOM, str(root)], capture_output=True, text=True, check=False)
    assert "File too large" in done.stderr
    assert state.load("one").index == 3
    state.save(LocalCluster("one", 4, root, True))
    assert state.load("one").index == 4
    assert [path.name for path in (root / "one").iterdir()] == ["cluster.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"index": 1'])
def test_a_corrupt_record_is_reported_with_a_remedy(root: Path, text: str) -> None:
    state.save(LocalCluster("one", 3, root, True))
    (root / "one/cluster.json").write_text(text)
    with pytest.raises(SetupError, match="corrupt"):
        state.find("one")


def test_a_file_has_the_mode_it_was_given_and_is_left_alone_when_it_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    files.write(path, "a")
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.stat().st_ino
    files.write(path, b"a")
    assert path.stat().st_ino == before
    files.write(path, "b", mode=0o644)
    assert path.read_text() == "b"
    assert path.stat().st_mode & 0o777 == 0o644
