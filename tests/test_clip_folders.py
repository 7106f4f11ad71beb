"""Folders of clips as people keep them: who speaks, which folder is the word, what is passed over and said."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from test_audio_clips import put, tone, wav

from components.data.choices import Choice, collected
from components.errors import DataError
from components.speech_commands import sources
from components.speech_commands import synthetic as synthetic_speech
from components.speech_commands.audio import BACKGROUND, ClipReader, Reading
from components.speech_commands.config import Config
from components.speech_commands.ingest import ingest_archive, prepare
from components.speech_commands.layout import Place, places
from components.speech_commands.parts import read_facts, read_part
from components.speech_commands.speakers import speakers_in
from components.speech_commands.splits import split
from components.speech_commands.store import Row, read_table
from components.speech_commands.words import CORE_WORDS, other_than

WORDS = ("lamp", "music", "door")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's folder, three words of thirty clips."""
    for number, word in enumerate(WORDS):
        for take in range(30):
            put(tmp_path, f"home/{word}/{word}_{take:03d}.wav", wav(tone(200 + 100 * number + take)))
    return tmp_path / "home"


def ingested(source: Path, raw: Path, how: Reading | None = None) -> tuple[list[Row], list[Choice]]:
    with collected() as choices:
        ingest_archive(source, how or Reading(), raw)
    return read_table(raw)[0], choices


def said(choices: list[Choice], about: str) -> str:
    return " | ".join(choice.chosen for choice in choices if choice.about == about)


def names(pattern: str, **values: range | tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Names of all combinations, and the word of each."""
    found, labels = [], []
    for word in WORDS:
        for who in values["who"]:
            for take in values["take"]:
                found.append(f"{word}/{pattern.format(word=word, who=who, take=take)}")
                labels.append(word)
    return found, labels


def test_a_word_in_front_of_a_number_is_no_speaker(home: Path, raw: Path) -> None:
    rows, choices = ingested(home, raw)
    for part in ("train", "validation", "test"):
        assert {row.label for row in rows if row.split == part} == set(WORDS)
    assert {row.speaker for row in rows} == {""}
    assert "one by one" in said(choices, "speakers")
    assert all(choice.doubtful for choice in choices if choice.about == "speakers")


PEOPLE = ("anna", "ben", "cleo", "dan", "eve", "finn")


@pytest.mark.parametrize("pattern", ["{who}_{take}.wav", "{word}_{who}_{take}.wav", "{who}-{word}-{take}.flac"])
def test_speakers_are_found_beside_the_word(pattern: str) -> None:
    speakers, parts, sentence = split(*names(pattern, who=PEOPLE, take=range(5)))
    assert set(speakers) == set(PEOPLE)
    for speaker in PEOPLE:
        assert len({part for part, who in zip(parts, speakers, strict=True) if who == speaker}) == 1
    assert "speakers" in sentence


@pytest.mark.parametrize("pattern", ["{take:03d}.wav", "take{take}.wav", "{take}_{word}.wav", "rec-{take}.wav"])
def test_numbers_of_takes_are_no_speakers(pattern: str) -> None:
    found = speakers_in(*names(pattern, who=("",), take=range(20)))
    assert set(found.names) == {""}
    assert "takes" in found.reason or "one speaker only, or of none" in found.reason


@pytest.mark.parametrize("pattern", ["{who}_{take}.wav", "s{who}.wav", "speaker {who}.wav"])
def test_numbered_speakers_are_speakers(pattern: str) -> None:
    assert set(speakers_in(*names(pattern, who=range(10, 18), take=range(2))).names) != {""}


@pytest.mark.parametrize(
    ("who", "reason"), [(("anna",), "one speaker only, or of none ('anna')"), (PEOPLE[:3], "only 3 speakers ('anna'")]
)
def test_few_speakers_are_said_with_a_doubt(who: tuple[str, ...], reason: str) -> None:
    with collected() as choices:
        _, parts, sentence = split(*names("{who}_{take}.wav", who=who, take=range(20)))
    assert set(parts) == {"train", "validation", "test"}
    assert reason in sentence
    assert [choice.doubtful for choice in choices] == [True]


def test_a_spelling_of_the_word_is_no_speaker() -> None:
    files = [f"{word}/{word}s_{take}.wav" for word in (*WORDS, "sun", "moon", "star") for take in range(5)]
    assert set(speakers_in(files, [name.split("/")[0] for name in files]).names) == {""}


def test_speakers_are_not_kept_apart_where_that_would_lose_a_word() -> None:
    files, labels = names("{who}_{take}.wav", who=PEOPLE, take=range(5))
    for index in range(len(PEOPLE)):
        own = [f"word{index}/{PEOPLE[index]}_{take}.wav" for take in range(5)]
        files, labels = files + own, labels + [f"word{index}"] * 5
    _, parts, sentence = split(files, labels)
    assert {label for label, part in zip(labels, parts, strict=True) if part == "train"} == set(labels)
    assert "would leave no training clip of" in sentence


@pytest.mark.parametrize(
    ("paths", "words", "expected"),
    [
        (("yes/anna/a.wav", "no/anna/b.wav", "no/ben/c.wav"), (), Place("yes", "anna")),
        (("anna/yes/a.wav", "anna/no/b.wav", "ben/no/c.wav"), (), Place("yes", "anna")),
        (("top/yes/anna/a.wav", "top/no/ben/b.wav"), (), Place("yes", "anna")),
        (("x.tar.gz:top/yes/anna/a.wav", "x.tar.gz:top/no/ben/b.wav"), (), Place("yes", "anna")),
        (("licht/s01/a.wav", "ton/s02/b.wav"), (), Place("licht", "s01")),
        (("licht/uwe/a.wav", "ton/pia/b.wav"), ("licht", "ton"), Place("licht", "uwe")),
        (("uwe/licht/a.wav", "pia/ton/b.wav"), ("licht", "ton"), Place("licht", "uwe")),
        (("licht/uwe/a.wav", "ton/b.wav", "licht/c.wav"), (), Place("licht", "uwe")),
        (("train/licht/a.wav", "test/ton/b.wav"), (), Place("licht")),
        (("yes/12:30.wav", "no/b.wav"), (), Place("yes")),
        (("loose.wav", "no/b.wav"), (), Place("")),
    ],
)
def test_the_words_folder_is_told_from_the_speakers(
    paths: tuple[str, ...], words: tuple[str, ...], expected: Place
) -> None:
    with collected() as choices:
        assert places(paths, words)[0] == expected
    assert bool(choices) == (len(paths[0].split("/")) > 2)


def test_folders_that_do_not_tell_are_read_as_before_with_a_doubt() -> None:
    with collected() as choices:
        assert places(("licht/uwe/a.wav", "ton/uwe/b.wav"), ())[0] == Place("uwe")
    assert [choice.doubtful for choice in choices] == [True]


def test_words_and_speakers_of_one_flat_folder_are_told_by_the_names(tmp_path: Path, raw: Path) -> None:
    for word in WORDS:
        for who in PEOPLE:
            for take in range(3):
                put(tmp_path, f"in/all/{word}_{who}_{take}.wav", wav(tone()))
    rows, choices = ingested(tmp_path / "in", raw)
    assert {row.label for row in rows} == set(WORDS)
    assert {row.split for row in rows if row.speaker == "anna"} < {"train", "validation", "test"}
    assert said(choices, "words").startswith("as the names of the files tell, <word>_<speaker>_<take>")


@pytest.mark.parametrize("count", [5, 9, 40])
def test_every_word_is_in_every_part_when_clips_are_dealt_out_one_by_one(count: int) -> None:
    files, labels = names("{take}.wav", who=("",), take=range(count))
    _, parts, sentence = split(files, labels)
    assert "clip by clip" in sentence
    for part in ("train", "validation", "test"):
        assert {label for label, its in zip(labels, parts, strict=True) if its == part} == set(WORDS)


def test_folders_of_speakers_keep_them_apart(tmp_path: Path, raw: Path) -> None:
    for word in ("yes", "no"):
        for who in PEOPLE:
            for take in range(3):
                put(tmp_path, f"in/{word}/{who}/{take}.wav", wav(tone()))
    rows, choices = ingested(tmp_path / "in", raw)
    assert {row.label for row in rows} == {"yes", "no"}
    assert {row.speaker for row in rows} == set(PEOPLE)
    assert all(len({row.split for row in rows if row.speaker == who}) == 1 for who in PEOPLE)
    assert said(choices, "folders") == "read as <word>/<speaker>/, for example no/anna/"


def test_noise_and_other_words_are_no_commands_unless_named(home: Path, raw: Path) -> None:
    put(home, "noise/street.wav", wav(tone(seconds=20)))
    put(home, "unknown/chair_1.wav", wav(tone()))
    rows, choices = ingested(home, raw)
    assert {row.label for row in rows} == {*WORDS, BACKGROUND, "_unknown_"}
    assert "'noise' is taken for _background_noise_" in said(choices, "folders")
    assert "'unknown' is taken for _unknown_" in said(choices, "folders")
    put(home, "noise/street.wav", wav(tone(seconds=1)))
    rows, _ = ingested(home, raw, Reading(words=("noise", "lamp")))
    assert "noise" in {row.label for row in rows}


def test_hidden_files_are_passed_over_and_unread_ones_are_counted(home: Path, raw: Path) -> None:
    put(home, "lamp/._lamp_001.wav", b"\0\5\26\7")
    put(home, "lamp/.ipynb_checkpoints/lamp_001.wav", wav(tone()))
    put(home, "__MACOSX/lamp/lamp_001.wav", b"nothing")
    put(home, "lamp/phone.m4a", b"\0\0\0 ftypM4A ")
    rows, choices = ingested(home, raw)
    assert len(rows) == 90
    assert said(choices, "hidden files").startswith("3 sound files passed over")
    assert "1 .m4a files: convert them to WAV" in said(choices, "files not read")


def test_coded_sound_is_read_where_it_can_be(home: Path, raw: Path) -> None:
    put(home, "lamp/a.mp3", wav(tone(), format="MP3"))
    put(home, "lamp/b.ogg", wav(tone(), format="OGG"))
    rows, choices = ingested(home, raw)
    assert len(rows) == 92
    assert "MPEG Layer III decoded" in said(choices, "sound files")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_linked_folders_are_read_said_and_part_of_the_fingerprint(home: Path, tmp_path: Path, raw: Path) -> None:
    far = put(tmp_path, "elsewhere/window_000.wav", wav(tone()))
    before = sources.fingerprint(str(home), 1)
    (home / "window").symlink_to(far.parent)
    (home / "lamp" / "loop").symlink_to(home)
    rows, choices = ingested(home, raw)
    assert [row.label for row in rows].count("window") == 1
    assert len(rows) == 91
    assert "window" in said(choices, "linked folders")
    linked = sources.fingerprint(str(home), 1)
    far.write_bytes(wav(tone(500)))
    assert len({before, linked, sources.fingerprint(str(home), 1)}) == 3


def test_the_commonest_rate_is_that_of_the_model(tmp_path: Path) -> None:
    put(tmp_path, "a/first.wav", wav(tone(rate=44_100), 44_100))
    put(tmp_path, "a/second.flac", wav(tone(rate=8_000), 8_000, format="FLAC"))
    put(tmp_path, "b/third.ogg", wav(tone(rate=8_000), 8_000, format="OGG"))
    reader = ClipReader()
    with collected() as choices:
        clips = list(reader.read(tmp_path))
    assert reader.rate == 8_000
    assert all(len(clip.samples) == pytest.approx(4_000, abs=5) for clip in clips)
    assert said(choices, "sample rate") == "8000 Hz for all clips: 2 of 8000 Hz, 1 of 44100 Hz"


def test_without_other_words_espeak_speaks_some(home: Path, raw: Path, tmp_path: Path) -> None:
    ingested(home, raw)
    (tmp_path / "data").mkdir()
    with collected() as choices:
        card = prepare(raw, tmp_path / "data", Config())
    facts = read_facts(tmp_path / "data")
    assert facts.labels == ("door", "lamp", "music", "_unknown_", "_silence_")
    for part in ("train", "validation", "test"):
        assert 3 in read_part(tmp_path / "data", part).labels
    assert card["other_words"] > 20
    assert "espeak-ng speaks" in said(choices, "other words")
    assert [choice.about for choice in choices if choice.doubtful] == ["other words"]


def test_what_is_cut_filled_up_and_made_is_said(home: Path, raw: Path, tmp_path: Path) -> None:
    put(home, "lamp/long.wav", wav(tone(seconds=2)))
    for word in CORE_WORDS:
        for take in range(5):
            put(home, f"{word}/{take}.wav", wav(tone(seconds=1)))
    ingested(home, raw)
    (tmp_path / "data").mkdir()
    with collected() as choices:
        prepare(raw, tmp_path / "data", Config())
    cut = "1 s: of 141 clips 1 longer ones are cut to their loudest stretch, 90 shorter ones get silence in front"
    assert cut in said(choices, "clip length")
    assert "3 others, such as 'door', are _unknown_" in said(choices, "words")
    assert "white, pink and brown noise is made" in said(choices, "background noise")
    assert "clips are taken for the train part" in said(choices, "other words")


def test_other_words_are_none_that_sound_like_a_command() -> None:
    assert not {"know", "no", "one", "two", "cat"} & set(other_than(["No", "1", "2", "cat"]))
    assert {"know", "write", "zero", "three"} <= set(other_than(["yes", "1"]))


def test_other_words_can_be_left_out_and_that_is_said(home: Path, raw: Path, tmp_path: Path) -> None:
    ingested(home, raw)
    (tmp_path / "data").mkdir()
    with collected() as choices:
        prepare(raw, tmp_path / "data", Config(other_words=False))
    assert read_facts(tmp_path / "data").labels == ("door", "lamp", "music", "_silence_")
    assert "set other_words=true" in said(choices, "other words")


def test_without_espeak_the_lack_of_other_words_is_said(
    home: Path, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    monkeypatch.setattr(synthetic_speech, "speaker", synthetic_speech.Speaker)  # espeak-ng starts once in a process
    ingested(home, raw)
    (tmp_path / "data").mkdir()
    with collected() as choices:
        prepare(raw, tmp_path / "data", Config())
    assert "espeak-ng cannot speak some (spoken words need espeak-ng" in said(choices, "other words")


def test_a_stereo_clip_gives_the_channel_asked_for(tmp_path: Path, raw: Path) -> None:
    both = np.stack([np.zeros(8_000, np.float32), tone()], axis=1)
    for take in range(5):
        put(tmp_path, f"in/yes/{take}.wav", wav(both))
        put(tmp_path, f"in/no/{take}.wav", wav(tone(300)))
    ingested(tmp_path / "in", raw, Reading(channel=2))
    rows, pcm, *_ = read_table(raw)
    last = rows[-1]
    assert np.abs(pcm[last.start : last.start + last.samples]).max() == pytest.approx(16_384, abs=3)
    with pytest.raises(DataError, match="no channel 3: there are 2"):
        ingested(tmp_path / "in", raw, Reading(channel=3))
