"""Artifacts: folders that appear whole or not at all, and whose changes are noticed."""

import stat
from pathlib import Path

import pytest

from components.data.artifacts import home, key_of, new_folder, open_artifact, seal, sha256_of
from components.errors import DataError


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    with new_folder(tmp_path / "artifact") as work:
        (work / "deep").mkdir()
        (work / "deep" / "data.txt").write_text("data")
        seal(work, {"rows": 1})
    return tmp_path / "artifact"


def test_a_finished_folder_opens_with_its_card(artifact):
    opened = open_artifact(artifact)
    assert opened.card() == {"rows": 1}
    assert opened.sha256 == sha256_of(artifact)


def test_a_folder_is_not_there_before_its_work_is_done(tmp_path):
    with new_folder(tmp_path / "later") as work:
        (work / "data.txt").write_text("data")
        assert not (tmp_path / "later").exists()
    assert (tmp_path / "later" / "data.txt").read_text() == "data"


def test_work_that_fails_leaves_nothing_and_keeps_what_was_there(artifact, tmp_path):
    with pytest.raises(ValueError, match="broken"), new_folder(artifact) as work:  # noqa: PT012 (the block is the work)
        (work / "half.txt").write_text("half")
        raise ValueError("broken")
    assert open_artifact(artifact).card() == {"rows": 1}
    assert list(tmp_path.iterdir()) == [artifact]


def test_a_folder_takes_the_place_of_an_older_one(artifact, tmp_path):
    with new_folder(artifact) as work:
        (work / "new.txt").write_text("new")
        seal(work, {"rows": 2})
    assert open_artifact(artifact).card() == {"rows": 2}
    assert not (artifact / "deep").exists()
    assert list(tmp_path.iterdir()) == [artifact]


def test_others_may_read_a_finished_folder(artifact):
    assert stat.S_IMODE(artifact.stat().st_mode) == 0o755


@pytest.mark.parametrize("harm", ["altered", "added", "removed", "renamed"])
def test_a_change_of_any_file_is_noticed(artifact, harm):
    data = artifact / "deep" / "data.txt"
    if harm == "altered":
        data.write_text("date")
    elif harm == "added":
        (artifact / "more.txt").write_text("")
    elif harm == "removed":
        data.unlink()
    else:
        data.rename(artifact / "deep" / "other.txt")
    with pytest.raises(DataError, match="was changed after it was made"):
        open_artifact(artifact)


@pytest.mark.parametrize("card", [None, "", "{}", "not json"])
def test_a_folder_without_a_sound_card_is_not_an_artifact(tmp_path, card):
    if card is not None:
        (tmp_path / "artifact.json").write_text(card)
    with pytest.raises(DataError, match="not a finished artifact"):
        open_artifact(tmp_path)


def test_the_checksum_knows_names_and_contents_and_not_the_folders_place(tmp_path):
    for name, file, text in (("a", "x", "1"), ("b", "x", "1"), ("c", "x", "2"), ("d", "y", "1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text)
    a, b, c, d = (sha256_of(tmp_path / name) for name in "abcd")
    assert a == b
    assert len({a, c, d}) == 3


def test_a_key_depends_on_values_and_not_on_the_order_of_names():
    assert key_of("x", {"a": 1, "b": 2}) == key_of("x", {"b": 2, "a": 1})
    assert key_of("x", {"a": 1}) != key_of("x", {"a": 2})
    assert key_of("x", "y") != key_of("xy")


def test_home_is_in_the_working_folder_unless_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEWISE_HOME", raising=False)
    assert home() == tmp_path / ".gatewise"
    monkeypatch.setenv("GATEWISE_HOME", str(tmp_path / "other"))
    assert home() == tmp_path / "other"
