"""Tables of text: bytes become rows of cells, whatever encoding, compression and separator they came with."""

import bz2
import codecs
import csv
import gzip
import io
import lzma
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatewise.errors import InputError
from gatewise.reading import Reading

SEPARATORS = ",;\t|"
SAMPLE_ROWS = 200  # that a separator is found from
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
}


@dataclass(frozen=True)
class Cells:
    """A table of texts.

    Attributes:
        header: names of the columns, stripped; unnamed columns without content are gone.
        rows: the cells of every row, each row as wide as the header.
        lines: the line that each row begins at, counted from 1.
        separator: what stood between the fields.
        encoding: of the file.
    """

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    separator: str
    encoding: str


def read_cells(path: str | Path, reading: Reading, guess: Callable[[bytes], str] | None = None) -> Cells:
    """The cells of a text table with a header.

    Args:
        path: the file.
        reading: what is known of it beforehand.
        guess: finds the encoding of bytes that are not Unicode, where something better than cp1252 is at hand.

    Raises:
        InputError: no such file, nothing in it, bytes that are no text, or rows wider or narrower than the header.
    """
    text, encoding = decoded(path, unpacked(path), reading, guess)
    first, _, rest = text.partition("\n")
    told = first.strip().lower()
    separator = reading.separator
    if told.startswith("sep=") and len(told) <= 5:  # Excel's own first line
        separator, text = separator or first.strip()[4:] or "\t", "\n" + rest
    separator = separator or _separator(text)
    rows, lines = _split(text, separator)
    if not rows:
        raise InputError(f"{path} is empty: give a table with a header line and rows")
    rows = _even(path, rows, lines)
    header = [name.strip() for name in rows[0]]
    keep = [i for i, name in enumerate(header) if name or any(row[i].strip() for row in rows[1:])]
    if len(keep) < len(header):
        header, rows = [header[i] for i in keep], [[row[i] for i in keep] for row in rows]
    return Cells(header, rows[1:], lines[1:], separator, encoding)


def unpacked(path: str | Path) -> bytes:
    """The file's bytes, decompressed where its name says that they are compressed.

    Raises:
        InputError: it cannot be read or unpacked, or an archive holds more than one file.
    """
    try:
        data = Path(path).read_bytes()
        suffix = Path(path).suffix.lower()
        if suffix == ".zip":
            return _only_member(path, data)
        return UNPACK[suffix](data) if suffix in UNPACK else data
    except FileNotFoundError:
        raise InputError(f"{path} cannot be read: no such file: give an existing table") from None
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read: {reason}: save or fetch it anew") from None


def decoded(
    path: str | Path, data: bytes, reading: Reading, guess: Callable[[bytes], str] | None = None
) -> tuple[str, str]:
    """The bytes as text, and their encoding, which is said where it is not UTF-8.

    Raises:
        InputError: they are not text in any encoding known here.
    """
    if data.startswith((b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise InputError(f"{path} is a Parquet, Excel or zip file, no text: save it as CSV")
    for encoding in [name for mark, name in BOMS if data.startswith(mark)] or _unicode_of(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding not in ("utf-8", "utf-8-sig"):
            reading.say("encoding", f"{Path(path).name} is read as {encoding}")
        return text, "utf-8" if encoding == "utf-8-sig" else encoding
    return _other_text(path, data, reading, guess)


def _unicode_of(data: bytes) -> list[str]:
    """Encodings to try for bytes without a mark: every other byte of UTF-16 in Latin letters is zero."""
    head = data[:4096]
    if head and head[1::2].count(0) > len(head) // 4:
        return ["utf-16-le"]
    return ["utf-16-be"] if head and head[0::2].count(0) > len(head) // 4 else ["utf-8"]


def _other_text(
    path: str | Path, data: bytes, reading: Reading, guess: Callable[[bytes], str] | None
) -> tuple[str, str]:
    encoding = reading.encoding or (guess(data) if guess else "") or "cp1252"
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        raise InputError(f"{path} is not UTF-8 text, nor {encoding}: save it as UTF-8") from None
    if "\x00" in text or "\xff\xfe" in text or "þÿ" in text:
        raise InputError(f"{path} is not UTF-8 text: save it as UTF-8")
    reading.say(
        "encoding",
        f"{Path(path).name} is not UTF-8 and is read as {encoding}: set encoding if names look wrong",
        not reading.encoding,
    )
    return text, encoding


def _only_member(path: str | Path, data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
        if len(names) != 1:
            raise InputError(f"{path} holds {len(names)} files ({', '.join(names[:5])}): give an archive of one table")
        return archive.read(names[0])


def _split(text: str, separator: str, most: int | None = None) -> tuple[list[list[str]], list[int]]:
    """Rows of cells that are not wholly blank, and the line that each begins at."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=separator != "\t")
    rows: list[list[str]] = []
    lines: list[int] = []
    begin = 1
    for row in reader:
        if any(map(str.strip, row)):
            rows.append(row)
            lines.append(begin)
        begin = reader.line_num + 1
        if most is not None and len(rows) >= most:
            break
    return rows, lines


def _separator(text: str) -> str:
    """The separator that cuts the most rows into as many fields as the header has; the earliest of equals."""

    def fitness(separator: str) -> tuple[float, int]:
        rows, _ = _split(text, separator, SAMPLE_ROWS)
        width = len(rows[0]) if rows else 0
        if width < 2:
            return (0.0, 0)
        return (round(sum(len(row) == width for row in rows[1:]) / max(1, len(rows) - 1), 1) or 0.05, width)

    return max(SEPARATORS, key=fitness)


def _even(path: str | Path, rows: list[list[str]], lines: Sequence[int]) -> list[list[str]]:
    """Rows of the header's width; one empty field more at the end of every row is a separator too many.

    Raises:
        InputError: a row is wider or narrower, by its line.
    """
    width = len(rows[0])
    widths = Counter(map(len, rows[1:]))
    if widths and set(widths) == {width + 1} and not any(row[-1].strip() for row in rows[1:]):
        rows = [rows[0], *(row[:-1] for row in rows[1:])]
    for row, line in zip(rows, lines, strict=True):
        if len(row) != width:
            raise InputError(f"{path}, line {line}: the row has {len(row)} cells, the header {width}: mend it")
    return rows
