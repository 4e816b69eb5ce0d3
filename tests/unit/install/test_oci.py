"""Images by hand: the same bytes every time, and what a reader of the format expects."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path
from typing import IO, Any, cast

import pytest
from ink_artifacts import oci

NAMES = ("registry.ink.local/b:2", "registry.ink.local/a:1")


def tree(root: Path, times: int, order: list[str]) -> Path:
    (root / "bin").mkdir(parents=True)
    for name in order:
        (root / "bin" / name).write_text(name)
        (root / "bin" / name).chmod(0o755)
    (root / "link").symlink_to("bin/sh")
    for path in [*root.rglob("*"), root]:
        os.utime(path, (times, times), follow_symlinks=False)
    return root


def read(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as tar:
        return cast(IO[bytes], tar.extractfile(name)).read()


def blob(archive: Path, descriptor: dict[str, Any]) -> bytes:
    data = read(archive, f"blobs/{descriptor['digest'].replace(':', '/')}")
    assert len(data) == descriptor["size"]
    return data


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    config = oci.Config({"PATH": "/bin"}, command=("sh",), labels={"b": "1", "a": "2"})
    digests = {
        oci.write_archive(tree(tmp_path / "1", 100, ["sh", "ls"]), tmp_path / "1.tar", NAMES, config),
        oci.write_archive(tree(tmp_path / "2", 200, ["ls", "sh"]), tmp_path / "2.tar", NAMES[::-1], config),
    }
    assert len(digests) == 1
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "1.tar", "2", "2.tar"]


def test_every_part_is_where_its_digest_says(tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    digest = oci.write_archive(tree(tmp_path / "root", 1, ["sh"]), archive, NAMES, oci.Config(user="65532:65532"))
    assert oci.digests(archive) == dict.fromkeys(NAMES, digest)
    index = json.loads(read(archive, "index.json"))
    manifest = json.loads(blob(archive, index["manifests"][0]))
    settings = json.loads(blob(archive, manifest["config"]))
    assert settings["config"] == {"User": "65532:65532", "WorkingDir": "/"}
    layer = blob(archive, manifest["layers"][0])
    assert settings["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
    (tmp_path / "layer.tar").write_bytes(layer)
    with tarfile.open(tmp_path / "layer.tar") as tar:
        assert tar.getnames() == ["bin", "bin/sh", "link"]
        assert {member.mtime for member in tar.getmembers()} == {0}
        assert {member.uname for member in tar.getmembers()} == {""}


def test_images_of_one_layout_share_what_is_the_same(tmp_path: Path) -> None:
    """Two archives unpacked over each other make a layout of two images; packing forgets what neither holds."""
    config = oci.Config()
    root = tree(tmp_path / "root", 1, ["sh"])
    one = oci.write_archive(root, tmp_path / "one.tar", ("a:1",), config)
    oci.write_archive(tree(tmp_path / "root3", 1, ["cat"]), tmp_path / "three.tar", ("c:1",), config)
    two = oci.write_archive(root, tmp_path / "two.tar", ("b:1",), oci.Config(user="1"))
    layout = tmp_path / "layout"
    oci.unpack_layout(tmp_path / "one.tar", layout)
    for other in ("two", "three"):
        with tarfile.open(tmp_path / f"{other}.tar") as tar:
            tar.extractall(layout, filter="data")
    oci.pack_layout(layout, tmp_path / "both.tar", {"x/a:9": one, "x/b:9": two})
    assert oci.digests(tmp_path / "both.tar") == {"x/a:9": one, "x/b:9": two}
    with tarfile.open(tmp_path / "both.tar") as tar:
        names = [name for name in tar.getnames() if name.startswith("blobs/")]
    assert len(names) == len(set(names)) == 5  # two manifests, two configurations, one layer
    assert len(list((layout / "blobs/sha256").iterdir())) == 5


@pytest.mark.parametrize("kind", ["fifo", "hard link"])
def test_unusual_files_keep_their_kind(tmp_path: Path, kind: str) -> None:
    root = tree(tmp_path / "root", 1, ["sh"])
    if kind == "fifo":
        os.mkfifo(root / "pipe")
    else:
        (root / "pipe").hardlink_to(root / "bin" / "sh")
    archive = tmp_path / "image.tar"
    oci.write_archive(root, archive, NAMES, oci.Config())
    manifest = json.loads(blob(archive, json.loads(read(archive, "index.json"))["manifests"][0]))
    (tmp_path / "layer.tar").write_bytes(blob(archive, manifest["layers"][0]))
    with tarfile.open(tmp_path / "layer.tar") as tar:
        member = tar.getmember("pipe")
    assert member.isfifo() if kind == "fifo" else member.linkname == "bin/sh"
