"""Reading clips: folders, archives, tables of them, and every kind of file that cannot be used."""

import csv
import io
import logging
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from components.data.sources import RemoteFile, Source
from components.errors import DataError, SettingError, SourceError
from components.speech_commands import sources as clip_sources
from components.speech_commands.audio import BACKGROUND, ClipReader, Reading, from_pcm, resample, to_pcm
from components.speech_commands.config import Config
from components.speech_commands.ingest import ingest_archive, prepare
from components.speech_commands.parts import CORE_WORDS, fitted, label_names, read_facts, read_part
from components.speech_commands.splits import digit_split, official_split, speaker_in, split
from components.speech_commands.store import read_table
from gatewise import audio as device

RATE = 16_000
PLAIN = Config(seed=1, other_words=False)


def tone(hertz: float = 440.0, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    """A sine of peak 0.5."""
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def wav(samples: np.ndarray, rate: int = RATE, **options: str) -> bytes:
    """The bytes of a sound file."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, **({"format": "WAV"} | options))
    return stream.getvalue()


def put(folder: Path, name: str, content: bytes) -> Path:
    """A file with its folders."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def pack(path: Path, files: dict[str, bytes]) -> Path:
    """A .tar.gz of files by name."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def read(path: Path, rate: int = 0) -> list:
    return list(ClipReader(rate).read(path))


@pytest.fixture
def two_words(tmp_path: Path) -> Path:
    """A folder with the words yes and no, said by ten speakers three times each."""
    for speaker in range(10):
        for take in range(3):
            put(tmp_path, f"yes/s{speaker}_{take}.wav", wav(tone(440 + speaker)))
            put(tmp_path, f"no/s{speaker}_{take}.flac", wav(tone(220 + speaker), format="FLAC"))
    return tmp_path


def test_word_folders_give_clips_with_their_labels(two_words: Path) -> None:
    clips = read(two_words)
    assert len(clips) == 60
    assert {clip.label for clip in clips} == {"yes", "no"}
    assert clips[0].samples.dtype == np.float32
    assert clips[0].samples.shape == (RATE // 2,)


def test_an_archive_reads_as_its_folder_does(two_words: Path, tmp_path: Path) -> None:
    files = {f"./{file.relative_to(two_words)}": file.read_bytes() for file in sorted(two_words.rglob("*.*"))}
    archive = pack(tmp_path / "words.tar.gz", files)
    ours, theirs = read(archive), [clip for clip in read(two_words) if not clip.name.endswith(".gz")]
    by_name = {clip.name: clip for clip in ours}
    for clip in theirs[-60:]:
        np.testing.assert_array_equal(by_name[clip.name.split(":")[-1]].samples, clip.samples)


def test_stereo_is_mixed_to_mono_and_said_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    both = np.stack([tone(), np.zeros_like(tone())], axis=1)
    put(tmp_path, "yes/a.wav", wav(both))
    reader = ClipReader()
    (clip,) = reader.read(tmp_path)
    with caplog.at_level(logging.INFO):
        assert reader.report()["clips_mixed_to_mono"] == 1
    assert "1 clips with more than one channel were mixed to one" in caplog.text
    np.testing.assert_allclose(clip.samples, tone() / 2, atol=1e-4)


def test_another_sample_rate_is_resampled_and_said_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path, "no/a.wav", wav(tone()))
    put(tmp_path, "yes/b.wav", wav(tone(rate=44_100), 44_100))
    reader = ClipReader()
    clips = list(reader.read(tmp_path))
    with caplog.at_level(logging.INFO):
        assert reader.report()["resampled_clips"] == 1
    assert "1 clips of 44100 Hz were resampled to 16000 Hz" in caplog.text
    np.testing.assert_allclose(clips[1].samples[500:-500], tone()[500:-500], atol=5e-3)


@pytest.mark.parametrize(
    ("rate", "subtype"), [(44_100, "PCM_16"), (48_000, "FLOAT"), (8_000, "PCM_24"), (16_000, "PCM_U8")]
)
def test_training_reads_the_samples_that_the_device_reads(tmp_path: Path, rate: int, subtype: str) -> None:
    path = put(tmp_path, "a.wav", wav(np.stack([tone(rate=rate), tone(300, rate=rate)], axis=1), rate, subtype=subtype))
    samples, same = device.read_wav(path)
    expected = np.clip(device.resample(samples, same, RATE), -1, 1)
    np.testing.assert_array_equal(ClipReader(RATE).decode(path.read_bytes(), "a.wav"), expected)


def test_a_sample_rate_that_no_sound_has_is_refused(tmp_path: Path) -> None:
    content = bytearray(wav(tone()))
    content[24:28] = bytes([3, 0, 0, 0])
    put(tmp_path, "yes/a.wav", bytes(content))
    put(tmp_path, "yes/b.wav", wav(tone()))
    with pytest.raises(DataError, match=r"yes/a\.wav: sample rate 3 Hz"):
        read(tmp_path)


def test_resampling_keeps_the_pitch() -> None:
    low = resample(tone(rate=16_000), 16_000, 8_000)
    assert np.argmax(np.abs(np.fft.rfft(low))) == pytest.approx(440 * len(low) / 8_000, abs=1)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "the file is empty"),
        (wav(np.zeros(0, np.float32)), "holds no sound: record again"),
        (wav(tone())[:5_000], "was cut short: 4956 of 16000 bytes"),
        (wav(tone(), format="FLAC")[:3_000], "truncated|not a readable"),
        (wav(np.full(800, np.nan, np.float32), subtype="FLOAT"), "not numbers"),
        (wav(tone(seconds=11)), r"11\.0 s long, more than 10 s"),
        (b"not sound at all", "not a readable WAV or FLAC"),
    ],
    ids=["empty", "no-samples", "truncated-wav", "truncated-flac", "nan", "too-long", "text"],
)
def test_a_file_that_is_no_clip_is_refused_by_name(two_words: Path, content: bytes, complaint: str) -> None:
    put(two_words, "yes/broken.wav", content)
    with pytest.raises(DataError, match=complaint) as caught:
        read(two_words)
    assert "yes/broken.wav" in str(caught.value)


def test_an_archive_cut_short_is_refused_by_name(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 8_000)
    archive = pack(tmp_path / "words.tar.gz", {f"yes/{i}.wav": wav(noise) for i in range(5)})
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(DataError, match=r"words\.tar\.gz: not a whole archive"):
        read(archive)


@pytest.mark.parametrize("name", ["notes.txt", "clips.zip"])
def test_a_path_that_is_neither_folder_nor_archive_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="not a folder of"):
        read(put(tmp_path, name, b"x"))


def test_a_folder_without_clips_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "readme.txt", b"nothing here")
    with pytest.raises(DataError, match="no clips"):
        ingest_archive(tmp_path, Reading(), tmp_path)


def test_one_word_alone_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "in/yes/a.wav", wav(tone()))
    with pytest.raises(DataError, match="only the word 'yes'"):
        ingest_archive(tmp_path / "in", Reading(), tmp_path)


def test_a_clip_outside_of_word_folders_is_refused_by_name(two_words: Path) -> None:
    put(two_words, "loose.wav", wav(tone()))
    with pytest.raises(DataError, match=r"'loose\.wav' lies in no word's folder \(1 such\)"):
        ingest_archive(two_words, Reading(), two_words)


def test_a_word_that_no_training_clip_says_is_refused(
    two_words: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [(str(file.relative_to(two_words)), file.parent.name) for file in sorted(two_words.rglob("*.*"))]
    lines = [f"{name},{word},{'test' if word == 'no' else PARTS[i % 3]}" for i, (name, word) in enumerate(rows)]
    (two_words / "clips.csv").write_text("\n".join(["file,label,split", *lines]))
    raw = tmp_path_factory.mktemp("raw")
    ingest_archive(two_words, Reading(), raw)
    with pytest.raises(DataError, match="no training clip of 'no'"):
        prepare(raw, tmp_path_factory.mktemp("data"), PLAIN)


def test_a_wanted_word_that_nobody_says_is_refused(two_words: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    raw = tmp_path_factory.mktemp("raw")
    ingest_archive(two_words, Reading(), raw)
    with pytest.raises(DataError, match="no clip of the word 'maybe'"):
        prepare(raw, tmp_path_factory.mktemp("data"), PLAIN.changed({"words": ("yes", "maybe")}))


def test_speakers_are_in_one_part_only(two_words: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    raw = tmp_path_factory.mktemp("raw")
    card = ingest_archive(two_words, Reading(), raw)
    rows, _, rate, sentence = read_table(raw)
    parts = {speaker: {row.split for row in rows if row.speaker == speaker} for speaker in {r.speaker for r in rows}}
    assert all(len(found) == 1 for found in parts.values())
    assert {row.split for row in rows} == {"train", "validation", "test"}
    assert (rate, card["speakers"]) == (RATE, 10)
    assert "speakers" in sentence


def test_names_without_speakers_are_split_clip_by_clip_and_the_card_says_so() -> None:
    names = [f"yes/clip{i}.wav" for i in range(50)]
    _, parts, sentence = split(names, ["yes"] * 50)
    assert set(parts) == {"train", "validation", "test"}
    assert "clip by clip" in sentence


def test_the_official_split_is_that_of_speech_commands(shared_data: Path) -> None:
    with (shared_data / "speech_commands" / "clips.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["official_split"]]
    official = {"training": "train", "validation": "validation", "testing": "test"}
    assert len(rows) > 2_000
    assert all(official_split(row["speaker"]) == official[row["official_split"]] for row in rows)
    assert all(speaker_in(row["file"]) == row["speaker"] for row in rows)


def test_digits_follow_their_own_split() -> None:
    speakers, parts = digit_split(["recordings/7_jackson_0.wav", "recordings/7_theo_7.wav", "recordings/0_theo_32.wav"])
    assert speakers == ["jackson", "theo", "theo"]
    assert parts == ["test", "validation", "train"]


def test_labels_are_the_ten_words_of_speech_commands_where_all_are_there(tmp_path: Path) -> None:
    for word in (*CORE_WORDS, "marvin", "bed"):
        put(tmp_path, f"in/{word}/abc_nohash_0.wav", wav(tone()))
    ingest_archive(tmp_path / "in", Reading(), tmp_path)
    rows, *_ = read_table(tmp_path)
    assert label_names(rows, ()) == (*CORE_WORDS, "_unknown_", "_silence_")
    assert label_names(rows, ("bed", "up")) == ("bed", "up", "_unknown_", "_silence_")


def test_a_table_beside_archives_decides_labels_and_parts(tmp_path: Path) -> None:
    clip = wav(tone())
    pack(tmp_path / "commands.tar.gz", {f"top/{word}/{i}.wav": clip for word in ("yes", "no") for i in range(3)})
    pack(tmp_path / "noise.tar.gz", {"_background_noise_/tap.wav": wav(tone(seconds=20))})
    lines = [f"commands,{word}/{i}.wav,{word},,{part}" for word in ("yes", "no") for i, part in enumerate(PARTS)]
    (tmp_path / "clips.csv").write_text("\n".join(["archive,file,label,speaker,split", *lines]))
    clips = read(tmp_path)
    assert [clip.split for clip in clips if clip.label == "yes"] == list(PARTS)
    assert [len(clip.samples) for clip in clips if clip.label == BACKGROUND] == [20 * RATE]


PARTS = ("train", "validation", "test")


def test_a_row_without_its_clip_is_refused(two_words: Path) -> None:
    (two_words / "clips.csv").write_text("file,label,split\nyes/lost.wav,yes,train\n")
    with pytest.raises(DataError, match=r"no clip 'yes/lost\.wav'"):
        read(two_words)


@pytest.mark.parametrize(
    ("table", "complaint"),
    [("file,label\nyes/s0_0.wav,yes\n", "no column 'split'"), ("file,label,split\na,b,dev\n", "line 2: split 'dev'")],
)
def test_a_table_that_does_not_fit_is_refused(two_words: Path, table: str, complaint: str) -> None:
    (two_words / "clips.csv").write_text(table)
    with pytest.raises(DataError, match=complaint):
        read(two_words)


def test_the_public_archive_is_read_with_its_noise_and_its_hash_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speakers = {part: next(f"{i:08x}" for i in range(999) if official_split(f"{i:08x}") == part) for part in PARTS}
    files = {f"./{w}/{s}_nohash_0.wav": wav(tone()) for w in (*CORE_WORDS, "bed") for s in speakers.values()}
    files |= {"./_background_noise_/pink_noise.wav": wav(tone(seconds=12)), "./testing_list.txt": b"", "./LICENSE": b""}
    pack(tmp_path / "small.tar.gz", files)
    source = Source(
        "speech_commands_v2", "public", "", "CC BY 4.0", (RemoteFile("small.tar.gz", "http://127.0.0.1:9/x"),)
    )
    monkeypatch.setitem(clip_sources.SOURCES, source.name, source)
    monkeypatch.setenv("GATEWISE_DATA", str(tmp_path))
    raw, data = tmp_path / "raw", tmp_path / "data"
    raw.mkdir()
    data.mkdir()
    card = clip_sources.ingest("speech_commands_v2", PLAIN, raw)
    assert (card["split"], card["parts"]) == ("official hash of the speaker", dict.fromkeys(PARTS, 11))
    prepare(raw, data, PLAIN)
    facts, part = read_facts(data), read_part(data, "test")
    assert facts.labels == (*CORE_WORDS, "_unknown_", "_silence_")
    assert np.bincount(part.labels).tolist() == [1] * 12
    assert part.clips.shape == (12, RATE)


def test_without_network_the_error_says_where_to_put_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("speech_commands_v2", "public", "", "", (RemoteFile("missing.tar.gz", "http://127.0.0.1:9/x"),))
    monkeypatch.setitem(clip_sources.SOURCES, source.name, source)
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path))
    with pytest.raises(SourceError, match="put it at"):
        clip_sources.ingest("speech_commands_v2", PLAIN, tmp_path)


def test_an_unknown_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="unknown source 'librispeech'"):
        clip_sources.ingest("librispeech", PLAIN, tmp_path)


def test_eight_kilohertz_digits_stay_at_eight_kilohertz(tmp_path: Path) -> None:
    clips = {
        f"recordings/{d}_{s}_{i}.wav": wav(tone(rate=8_000), 8_000) for d in (3, 4) for s in "ab" for i in (0, 6, 12)
    }
    archive = pack(tmp_path / "digits.tar.gz", clips)
    raw, data = tmp_path / "raw", tmp_path / "data"
    raw.mkdir()
    data.mkdir()
    ingest_archive(archive, Reading(), raw)
    prepare(raw, data, PLAIN)
    facts = read_facts(data)
    assert (facts.labels, facts.sample_rate, facts.hop) == (("3", "4", "_silence_"), 8_000, 320)
    assert read_part(data, "test").clips.shape == (5, 8_000)


def test_short_clips_get_zeros_in_front_and_long_ones_keep_their_loudest_part() -> None:
    short = fitted(np.ones(3, np.int16), 5)
    assert short.tolist() == [0, 0, 1, 1, 1]
    long = np.concatenate([np.zeros(70), np.full(20, 9_000), np.zeros(10)]).astype(np.int16)
    assert np.count_nonzero(fitted(long, 30)) == 20


def test_sixteen_bit_round_trip() -> None:
    samples = np.linspace(-1, 1, 101, dtype=np.float32)
    np.testing.assert_allclose(from_pcm(to_pcm(samples)), samples, atol=1 / 32_000)
