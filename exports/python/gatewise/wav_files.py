"""The samples of a WAV file's bytes, whatever its header says of its length: for training and devices alike."""

import struct
from dataclasses import dataclass

import numpy as np

from gatewise.errors import InputError
from gatewise.samples import LOUDEST, to_float

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE  # WAVE format tags
CODECS = {
    0x02: "Microsoft ADPCM",
    0x06: "A-law",
    0x07: "mu-law",
    0x11: "IMA ADPCM",
    0x31: "GSM 6.10",
    0x40: "G.721 ADPCM",
    0x50: "MPEG",
    0x55: "MP3",
    0xFF: "AAC",
    0x161: "Windows Media Audio",
}
READ = ((PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (FLOAT, 64))
ENDLESS = 0x7FFFF000  # and above: what programs write as the size of sound whose end they did not know
RANGES = (2**15, 2**23, 2**31)  # of 16, 24 and 32 bits
QUIETEST_INTEGERS = 256.0  # floats with peaks between 2 and this could be anything


class CodecError(InputError):
    """Samples in a form that is not read here."""


@dataclass(frozen=True)
class WavSound:
    """What a WAV file holds.

    Attributes:
        samples: (samples, channels) float32 in [-1, 1], floats a little beyond.
        rate: samples per second.
        notes: what was not as it should be, and what was chosen, each a sentence without a full stop.
    """

    samples: np.ndarray
    rate: int
    notes: tuple[str, ...]


def is_wav(content: bytes) -> bool:
    """Whether bytes begin as a WAV file does."""
    return content[:4] == b"RIFF" and content[8:12] == b"WAVE"


def wav_sound(content: bytes, where: str) -> WavSound:
    """The sound of a WAV file's bytes: PCM of 8, 16, 24 and 32 bits and floats of 32 and 64 bits.

    Raises:
        InputError: not such a file, or one that is empty or cut short; names `where`.
        CodecError: a WAV file in another codec.
    """
    if not is_wav(content):
        raise InputError(f"{where} is not a WAV file: convert it, for example with ffmpeg")
    chunks, notes = _chunks(content)
    if b"fmt " not in chunks or b"data" not in chunks or len(chunks[b"fmt "][0]) < 16:
        raise InputError(f"{where} is a WAV file without samples or their format: it was cut short or never finished")
    header, _ = chunks[b"fmt "]
    data, stated = chunks[b"data"]
    if len(data) < stated:
        raise InputError(f"{where} was cut short: {len(data)} of {stated} bytes of sound are there, copy it again")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", header)
    if tag == EXTENSIBLE and len(header) >= 26:
        tag = struct.unpack_from("<H", header, 24)[0]  # the real tag begins the sub-format
    samples = _decoded(data, tag, bits, where)
    if not channels or not samples.size // channels:
        raise InputError(f"{where} holds no sound: record again")
    samples, scaled = _scaled(samples, where)
    whole = samples[: samples.size // channels * channels].reshape(-1, channels)
    return WavSound(whole, rate, (*notes, *scaled))


def _chunks(content: bytes) -> tuple[dict[bytes, tuple[bytes, int]], list[str]]:
    """The first chunk of each name, its bytes and how many it should have, and a note where a length is wrong."""
    found: dict[bytes, tuple[bytes, int]] = {}
    place, wrong = 12, False
    while place + 8 <= len(content):
        name, size = content[place : place + 4], struct.unpack_from("<I", content, place + 4)[0]
        left = len(content) - place - 8
        if name == b"data" and ((size > left and size >= ENDLESS) or (not size and not _is_chunk(content, place + 8))):
            wrong, size = wrong or left > 0, left
        found.setdefault(name, (content[place + 8 : place + 8 + size], size))
        place += 8 + size + size % 2
    stated = struct.unpack_from("<I", content, 4)[0] if len(content) >= 8 else 0
    wrong |= abs(stated + 8 - len(content)) > 1  # some programs leave out a padding byte
    return found, ["the length in its header is wrong, all samples that are there are read"] if wrong else []


def _is_chunk(content: bytes, place: int) -> bool:
    """Whether a whole chunk of a printable name begins at a place, or the file ends there."""
    if place + 8 > len(content):
        return True
    name, size = content[place : place + 4], struct.unpack_from("<I", content, place + 4)[0]
    return all(32 <= byte < 127 for byte in name) and place + 8 + size <= len(content)


def _decoded(data: bytes, tag: int, bits: int, where: str) -> np.ndarray:
    """Samples as float32, channels interleaved; floats as they are."""
    width = bits // 8
    if (tag, bits) not in READ:
        codec = f" ({CODECS[tag]})" if tag in CODECS else ""
        raise CodecError(f"{where} has WAV format {tag} of {bits} bits{codec}: convert it to 16-bit PCM")
    data = data[: len(data) // width * width]
    if tag == FLOAT:
        return np.frombuffer(data, f"<f{width}").astype(np.float32)
    if bits == 24:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        return to_float(wide.view("<i4").ravel())
    return to_float(np.frombuffer(data, {8: "u1", 16: "<i2", 32: "<i4"}[bits]))


def _scaled(samples: np.ndarray, where: str) -> tuple[np.ndarray, list[str]]:
    """Samples in [-1, 1] of floats that may be in the range of integers, and a note if they were."""
    if not np.isfinite(samples).all():
        raise InputError(f"{where} holds samples that are not numbers (NaN or infinite): export it again")
    peak = float(np.abs(samples).max(initial=0.0))
    if peak <= LOUDEST:
        return samples, []
    whole = bool((samples == np.round(samples)).all())
    full = next((full for full in RANGES if peak <= full), None)
    if full is None or (peak < QUIETEST_INTEGERS and not whole):
        raise InputError(f"{where} has float samples that reach {peak:.4g}: scale them to [-1, 1]")
    bits = full.bit_length()
    return samples / np.float32(full), [f"its floats reach {peak:.6g} and are read in the range of {bits}-bit integers"]
