"""`.ci/check_words.py`: words that docs/words.md has replaced are refused in what users read, and nowhere else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def words() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_words", ROOT / ".ci" / "check_words.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_words"] = module
    spec.loader.exec_module(module)
    return module


GLOSSARY = """# Words

## Words not to use

| expression | write instead |
| --- | --- |
| `\\bmend(s\\|ed)?\\b` | fix |
| `\\bto be had\\b` | available |
"""
PLANTED = {
    "operator/a.py": 'X = "Mend the line"\n',
    "mcp_gateway/a.py": 'def f(n):\n    """Short.\n\n    What is not\n    to be had.\n    """\n',
    "local/a.py": 'X = (\n    f"{1} is not to "\n    "be had"\n)\n',
    "docs/a.md": "one\ntwo is mended\n",
    "charts/ink/values.yaml": "# what mends it\na: 1\n",
    "charts/ink/templates/NOTES.txt": "not to be\nhad\n",
}
CLEAN = {
    "operator/a.py": "# mend this\nmended = 1\n",
    "operator/b.py": 'X = "recommend, amended"\n',
    "tests/a.py": 'X = "mend"\n',
    "crds/generated/a.yaml": "# mend\n",
    "uv.lock": "mend\n",
}


@pytest.mark.parametrize("file", PLANTED)
def test_an_old_word_is_refused(words: ModuleType, tmp_path: Path, file: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(PLANTED[file])
    (found,) = words.check([file], words.rules_of(GLOSSARY), tmp_path)
    assert found.file == file
    assert found.instead in ("fix", "available")


@pytest.mark.parametrize("file", CLEAN)
def test_other_places_and_other_words_are_let_be(words: ModuleType, tmp_path: Path, file: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(CLEAN[file])
    assert words.check([file], words.rules_of(GLOSSARY), tmp_path) == []


def test_the_line_is_that_of_the_word(words: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("one\ntwo is mended\n")
    (found,) = words.check(["docs/a.md"], words.rules_of(GLOSSARY), tmp_path)
    assert (found.line, found.word) == (2, "mended")


def test_the_glossary_has_rules_and_keeps_them_itself(words: ModuleType) -> None:
    rules = words.rules_of((ROOT / words.GLOSSARY).read_text())
    assert len(rules) > 20
    assert words.check([words.GLOSSARY], rules) == []


def test_a_glossary_without_rules_is_an_error(words: ModuleType) -> None:
    with pytest.raises(ValueError, match="no rows"):
        words.rules_of("# Words\n")


def test_the_program_names_file_line_word_and_replacement(
    words: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = words.Finding("docs/a.md", 2, "mended", "fix")
    monkeypatch.setattr(words, "check", lambda files, rules: [found])
    assert words.main(["docs"]) == 1
    assert capsys.readouterr().out == "docs/a.md:2: do not write 'mended'; write instead: fix\n"
