"""Text files of the user's own as characters: compressed or not, in whatever encoding, and which one is said."""

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from components.data.choices import chose, doubt
from components.errors import DataError, SettingError

BYTE_ORDER_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}  # a longer mark stands before the one that it begins with
OPENERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
}
LOOKED_AT = 1 << 16  # bytes that are enough to tell an encoding
UTF16_NULS = 0.4  # share of NUL bytes at every second place from which Western text in UTF-16 is told
SEEN_BYTES = 1 << 20  # for telling an encoding from the frequency of letters
LEAST_BYTES = 200  # fewer do not tell an encoding
MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
WESTERN = "cp1252"
WESTERN_SHARE = 0.25  # of all bytes: Western text holds no more letters with accents
JAPANESE = ("cp932", "euc_jp")
HIRAGANA, HIRAGANA_SHARE = re.compile("[\u3041-\u3096]"), 0.1  # no other language writes them
USUAL = [
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r", "iso8859_2"),
    *("gb18030", "big5", "cp949"),
]  # rarer ones are taken for these too easily
WESTERN_SIGNS = frozenset("‘’“”„‚‹›«»–—…€£§°·•´©®™¡½\xa0\xad")


def content_of(path: Path) -> bytes:
    """What a file holds, unpacked where its name says that it is compressed.

    Raises:
        DataError: it cannot be unpacked, or it is an archive of several files.
    """
    content, suffix = path.read_bytes(), path.suffix.lower()
    try:
        if suffix == ".zip":
            return _only_member(path, content)
        return OPENERS[suffix](content) if suffix in OPENERS else content
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        what = path.suffixes[-2][1:] if len(path.suffixes) > 1 else suffix[1:]
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be read as {what}: {reason}: copy the file again") from None


def text_of(path: Path, encoding: str = "") -> str:
    """The characters of a file, unpacked; the encoding is found where none is named, and said unless it is UTF-8.

    Raises:
        DataError: it cannot be unpacked, or is in no encoding that can be told.
        SettingError: an encoding that does not exist.
    """
    return decoded(content_of(path), path, encoding)


def decoded(content: bytes, path: Path, encoding: str = "") -> str:
    """The characters of a file's content, without byte order mark; see `text_of`."""
    if encoding:
        return _as_told(content, path, encoding)
    for mark, marked in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            if marked != "utf-8-sig":
                chose("encoding", f"{path.name} is {marked}, as its byte order mark says")
            return _as_told(content, path, marked)
    if wide := _utf16(content):
        doubt("encoding", f"{path.name} is read as {wide}, found from its NUL bytes; if it is not, set encoding=NAME")
        return _as_told(content, path, wide)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        return _guessed(content, path, error)


def without_nuls(text: str, path: Path) -> str:
    """The text without NUL characters, which no text file means; how many there were is said."""
    count = text.count("\0")
    if count:
        first = text.index("\0")
        doubt("NUL bytes", f"{path.name} holds {count:,}, the first at character {first:,}: read without them")
    return text.replace("\0", "")


def _as_told(content: bytes, path: Path, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        raise SettingError(f"encoding '{encoding}' is not known: use utf-8, utf-16, cp1252 or another name") from None
    except UnicodeDecodeError as error:
        fault = f"byte 0x{content[error.start]:02x} at offset {error.start}"
        raise DataError(f"{path} is not {encoding}: {fault}; name another with --set encoding=NAME") from None


def _utf16(content: bytes) -> str:
    """The byte order of UTF-16 without a mark, "" for text that is none: NULs stand at every second place only."""
    seen = content[:LOOKED_AT]
    even, odd = seen[0::2].count(0), seen[1::2].count(0)
    if len(content) % 2 or not even + odd or min(even, odd) > 0.05 * max(even, odd):
        return ""
    if max(even, odd) < UTF16_NULS * len(seen) / 2:
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"


def _guessed(content: bytes, path: Path, fault: UnicodeDecodeError) -> str:
    """Text in an older encoding; damaged UTF-8 is refused, because reading it as something else would spoil it."""
    wide = sum(map(len, MULTIBYTE.findall(content)))
    high = len(content.translate(None, bytes(range(0x80))))
    if len(content) < LEAST_BYTES or b"\0" in content or 2 * wide > high:
        raise not_utf8(content, path, fault)
    found = _western(content, high) or _japanese(content) or _detected(content)
    if not found:
        raise not_utf8(content, path, fault)
    name, text = found
    line = text[: max(1, fault.start)].count("\n") + 1
    doubt("encoding", f"{path.name} is not UTF-8 (line {line}): read as {name}; if it is not, set encoding=NAME")
    return text


def not_utf8(content: bytes, path: Path, fault: UnicodeDecodeError) -> DataError:
    """The error of a file whose encoding cannot be told."""
    where = f"byte 0x{content[fault.start]:02x} at offset {fault.start}"
    return DataError(f"{path} is not UTF-8: {where}; save it as UTF-8 or name its encoding with --set encoding=NAME")


def _western(content: bytes, high: int) -> tuple[str, str] | None:
    """Name and text where cp1252 gives nothing but letters and Western punctuation, and not many of them."""
    if high > WESTERN_SHARE * len(content):
        return None
    try:
        text = content.decode(WESTERN)
    except UnicodeDecodeError:
        return None
    strange = {sign for sign in set(text) if not sign.isascii() and not sign.isalpha()} - WESTERN_SIGNS
    return None if strange else (WESTERN, text)


def _japanese(content: bytes) -> tuple[str, str] | None:
    for name in JAPANESE:
        text = content.decode(name, errors="replace")
        if "\ufffd" not in text and len(HIRAGANA.findall(text)) > HIRAGANA_SHARE * len(text):
            return name, text
    return None


def _detected(content: bytes) -> tuple[str, str] | None:
    from charset_normalizer import from_bytes

    best = from_bytes(content[:SEEN_BYTES], cp_isolation=USUAL).best()
    if best is None:
        return None
    try:
        return best.encoding, content.decode(best.encoding)
    except UnicodeDecodeError:
        return None


def _only_member(path: Path, content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if is_content(name)]
        if len(names) != 1:
            listed = ", ".join(names[:5]) or "nothing"
            raise DataError(f"{path} holds {listed}: give an archive of one file, or unpack it and give the folder")
        return archive.read(names[0])


def is_content(member: str) -> bool:
    """Whether a member of an archive is a file of the user's and not what a desktop adds to one."""
    parts = member.split("/")
    return bool(parts[-1]) and not any(part.startswith(".") or part == "__MACOSX" for part in parts)
