"""Texts to learn from: what is read, what is left out, and errors that name the file."""

from pathlib import Path

import pytest

from components.data.choices import collected
from components.data.tokenizing import train_byte_bpe
from components.errors import DataError, SettingError, SourceError
from components.text_generation import corpora, ids, own_texts
from components.text_generation import sources as corpus_catalog
from components.text_generation.repeats import repeated_share

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


def said_while_reading(path: Path) -> tuple[str, str]:
    with collected() as choices:
        text = own_texts.read_own(path)
    return text, "\n".join(f"{choice.about}: {choice.chosen}" for choice in choices)


def test_an_older_encoding_is_found_and_said(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(("Il était une fois un café où l’on dînait très tard.\n" * 8).encode("cp1252"))
    text, said = said_while_reading(path)
    assert text.startswith("Il était une fois un café où l’on")
    assert "latin.txt is not UTF-8 (line 1): read as cp1252" in said


def test_a_file_named_like_text_that_is_none_and_other_peoples_folders_are_passed_over(project: Path) -> None:
    (project / "data.json").write_bytes(bytes(range(256)) * 20)
    (project / "node_modules").mkdir()
    (project / "node_modules" / "index.js").write_text("var a")
    (project / "copy.py").write_text("x = 1\r\n")
    text, said = said_while_reading(project)
    assert text == "x = 1\n\n# Title\n"
    assert "1 binary (data.json), 1 in node_modules (node_modules/index.js), 1 not text by their names" in said
    assert "1 in .git" in said
    assert "1 files repeat another one, and each text is read once: src/one.py" in said


def test_the_licence_around_a_book_of_the_users_is_left_out_and_said(book: Path) -> None:
    text, said = said_while_reading(book)
    assert text == "A SHORT TALE\n\nIt was late. Nobody came.\n"
    assert "Project Gutenberg's, around the book in gutenberg_alice.txt, is left out" in said


def test_a_licence_that_cannot_be_cut_out_is_doubted(tmp_path: Path) -> None:
    (tmp_path / "two.txt").write_text(BOOK + BOOK)
    text, said = said_while_reading(tmp_path / "two.txt")
    assert "START OF THE PROJECT" in text
    assert "two.txt holds Project Gutenberg's licence, which is learned too" in said


def test_only_a_test_part_that_repeats_is_doubted() -> None:
    chapters = [" ".join(f"word{7 * at % 997}x{at * number % 89}" for at in range(400)) for number in (3, 5, 11)]
    assert repeated_share(chapters[0] + chapters[1], chapters[2]) == 0
    assert repeated_share(chapters[0] + chapters[1], chapters[0][-2_000:]) == 1


def test_a_text_in_pieces_has_the_ids_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "One  two\n\nthree\n four \n\tfive\nsix.\n\n\nseven's\r\neight\n" * 40
    monkeypatch.setattr(ids, "PIECE", 20)
    pieces = list(ids.pieces_of(text))
    assert len(pieces) > 20
    assert "".join(pieces) == text
    tokenizer = ids.train(text, "subword", 300, tmp_path / "a.json")
    assert ids.encode(tokenizer, text).tolist() == tokenizer.encode(text).ids
    whole = train_byte_bpe([text], 300, tmp_path / "b.json")
    assert whole.get_vocab() == tokenizer.get_vocab()


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("cp1252", "Ça c'est très naïf, el niño está aquí"),
        ("cp1250", "Zażółć gęślą jaźń, film był świetny i ciekawy"),
        ("cp1251", "Фильм был хороший, актеры играли отлично"),
        ("koi8-r", "Фильм был хороший, актеры играли отлично"),
        ("cp1253", "Η ταινία ήταν υπέροχη και οι ηθοποιοί"),
        ("shift_jis", "この映画は素晴らしいです。友達と一緒に見ました"),
        ("euc_jp", "この映画は素晴らしいです。友達と一緒に見ました"),
        ("gb18030", "这部电影非常好看，我和朋友一起看的"),
        ("big5", "這部電影非常好看，我和朋友一起看的"),
        ("euc_kr", "이 영화는 정말 재미있었습니다 배우들의 연기"),
    ],
)
def test_older_encodings_are_told_apart(tmp_path: Path, encoding: str, line: str) -> None:
    (tmp_path / "a.txt").write_bytes(f"{line}\n".encode(encoding) * 20)
    text, said = said_while_reading(tmp_path / "a.txt")
    assert text == f"{line}\n" * 20
    assert "if it is not, set encoding=NAME" in said
