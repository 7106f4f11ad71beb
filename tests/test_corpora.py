"""Texts to learn from: what is read, what is left out, and errors that name the file."""

from pathlib import Path

import pytest

from components.errors import DataError, SettingError, SourceError
from components.text_generation import corpora, own_texts
from components.text_generation import sources as corpus_catalog

BOOK = """\ufeffThe Project Gutenberg eBook of A Short Tale

This eBook is for the use of anyone anywhere in the United States.

*** START OF THE PROJECT GUTENBERG EBOOK A SHORT TALE ***



A SHORT TALE

It was late. Nobody came.

*** END OF THE PROJECT GUTENBERG EBOOK A SHORT TALE ***

Updated editions will replace the previous one.
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A Project Gutenberg text as the site sends it: byte order mark, CRLF line ends."""
    path = tmp_path / "gutenberg_alice.txt"
    path.write_bytes(BOOK.replace("\n", "\r\n").encode())
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with text, code, an empty file, a picture and a hidden file."""
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "readme.md").write_text("# Title\n")
    (folder / "src" / "one.py").write_text("x = 1\n")
    (folder / "src" / "__init__.py").write_text("")
    (folder / "picture.png").write_bytes(b"\x89PNG\xff")
    (folder / ".git" / "notes.txt").write_text("hidden")
    return folder


def test_a_gutenberg_book_is_read_without_the_licence_around_it(book: Path) -> None:
    assert corpora.read_book(book) == "A SHORT TALE\n\nIt was late. Nobody came.\n"


def test_older_gutenberg_markers_are_known(tmp_path: Path) -> None:
    path = tmp_path / "old.txt"
    path.write_text("***START OF THIS PROJECT GUTENBERG EBOOK X***\ntext\n***END OF THIS PROJECT GUTENBERG EBOOK X***")
    assert corpora.read_book(path) == "text\n"


def test_a_page_that_is_no_gutenberg_text_is_refused_by_name(tmp_path: Path) -> None:
    page = tmp_path / "page.txt"
    page.write_text("<html>Too many requests</html>")
    with pytest.raises(DataError, match=r"page\.txt: no text between"):
        corpora.read_book(page)


def test_a_named_book_comes_from_the_data_folder(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWISE_DATA", str(book.parent))
    text, facts = corpus_catalog.read("alice")
    assert text.startswith("A SHORT TALE")
    assert facts["url"].endswith("pg11.txt")
    assert len(facts["sha256"]) == 64


def test_every_public_source_has_one_file_of_its_own() -> None:
    files = [source.files for source in corpus_catalog.SOURCES.values() if source.kind == "public"]
    assert all(len(entry) == 1 for entry in files)
    assert len({entry[0].name for entry in files}) == len({entry[0].url for entry in files}) == len(files) >= 5


def test_the_embedded_prose_holds_no_paragraph_twice() -> None:
    text = corpora.python_topics()
    paragraphs = text.strip().split("\n\n")
    assert len(text) > 200_000
    assert len(paragraphs) == len(set(paragraphs))
    assert "   |" not in text


def test_the_embedded_code_is_python() -> None:
    text = corpora.python_library()
    assert len(text) > 500_000
    assert "\nclass BaseEventLoop(" in text


def test_a_folder_is_read_in_order_without_hidden_and_binary_files(project: Path) -> None:
    assert own_texts.read_own(project) == "# Title\n\nx = 1\n"


def test_line_ends_and_byte_order_mark_are_made_plain(tmp_path: Path) -> None:
    path = tmp_path / "windows.txt"
    path.write_bytes("\ufeffone\r\ntwo\rthree".encode())
    assert corpora.read_text(path) == "one\ntwo\nthree"


def test_text_that_is_not_utf8_is_named_with_the_offset(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"abc caf\xe9 x")
    with pytest.raises(DataError, match=r"latin\.txt is not UTF-8: byte 0xe9 at offset 7") as caught:
        own_texts.read_own(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", " \n\t\n"])
def test_an_empty_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "nothing.txt"
    path.write_text(content)
    with pytest.raises(DataError, match=r"nothing\.txt is empty"):
        own_texts.read_own(path)


def test_a_folder_without_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89")
    with pytest.raises(DataError, match="no text in this folder"):
        own_texts.own_files(tmp_path)


def test_a_missing_file_and_an_unknown_name_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        corpus_catalog.read(str(tmp_path / "absent.txt"))
    with pytest.raises(SettingError, match="unknown source 'shakespear'"):
        corpus_catalog.read("shakespear")


def test_the_fingerprint_changes_with_the_content_only(project: Path) -> None:
    before = corpus_catalog.fingerprint(str(project))
    (project / "picture.png").write_bytes(b"other")
    assert corpus_catalog.fingerprint(str(project)) == before
    (project / "readme.md").write_text("# Other\n")
    assert corpus_catalog.fingerprint(str(project)) != before


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("ANNA: Who is there?\nBEN: Only me.\nANNA: Come in.\n", "\n"),
        ("First Citizen:\nSpeak.\n\nAll:\nSpeak, speak.\n", "\n\n"),
        ("It was late.\n\nNobody came: the road was empty.\n", None),
        ("def f(x):\n    return x\n\nclass A:\n    x: int\n", None),
    ],
)
def test_the_end_of_a_speakers_turn_is_found_in_dialogue_only(text: str, end: str | None) -> None:
    assert corpora.turn_end(text) == end
