"""Text to ids and back, as `tokenizer.json` says: the subset of Hugging Face's format that Gatewise models use.

Read are (1) WordPiece behind a BertNormalizer, (2) byte-level BPE, (3) one id per character. Anything else in the file
is refused by name, because reading it halfway would give other ids than the training saw.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from gatewise.byte_pairs import BytePairs, byte_characters
from gatewise.errors import BundleError, InputError
from gatewise.token_models import Characters, Decoder, TokenModel, WordPiece

EVERY_CHARACTER = ("(?s:.)", "(?s).", "(?m:.)", "(?m).", r"[\s\S]", r"[\S\s]")  # patterns that split off each character


class Tokenizer:
    """Encodes and decodes exactly as the tokenizer of the training did.

    Attributes:
        unknown: id of what the vocabulary lacks, None when nothing can be unknown.
        special: ids that stand for no text.
    """

    def __init__(
        self, model: TokenModel, added: Mapping[str, int], special: Iterable[int], unknown: int | None
    ) -> None:
        self._model = model
        self._added = added
        self.special = frozenset(special)
        self.unknown = unknown
        longest_first = sorted(filter(None, added), key=len, reverse=True)
        self._split = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def encode(self, text: str) -> list[int]:
        """The text's ids.

        Raises:
            InputError: the text holds half a surrogate pair.
        """
        if not text.isascii():
            _check_surrogates(text)
        if self._split is None:
            return self._model.encode(text)
        ids: list[int] = []
        begin = 0
        for match in self._split.finditer(text):  # added tokens are found before anything else happens to the text
            ids += self._model.encode(text[begin : match.start()])
            ids.append(self._added[match[0]])
            begin = match.end()
        return ids + self._model.encode(text[begin:])

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids, special ones left out."""
        decoder = self.decoder()
        return "".join(map(decoder.feed, ids)) + decoder.finish()

    def decoder(self) -> Decoder:
        """A decoder that takes one id at a time and never gives out half a character."""
        return _WithoutSpecial(self._model.decoder(), self.special)


class _WithoutSpecial:
    def __init__(self, decoder: Decoder, special: frozenset[int]) -> None:
        self._decoder = decoder
        self._special = special
        self.finish = decoder.finish

    def feed(self, token: int) -> str:
        return "" if token in self._special else self._decoder.feed(token)


def read_tokenizer(content: bytes) -> Tokenizer:
    """The tokenizer that the bytes of a `tokenizer.json` describe.

    Raises:
        BundleError: not such a file, or one that uses what this reader does not know.
    """
    try:
        spec = json.loads(content)
        _check_unused(spec)
        added = {item["content"]: int(item["id"]) for item in spec.get("added_tokens") or []}
        special = [int(item["id"]) for item in spec.get("added_tokens") or [] if item["special"]]
        kind = spec["model"]["type"]
        if kind not in READERS:
            raise _refused(f"the model '{kind}'")
        model, unknown = READERS[kind](spec, added)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"tokenizer.json cannot be read: {type(error).__name__}: {error}") from None
    return Tokenizer(model, added, special, unknown)


def _check_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"the text holds half a surrogate pair at {error.start}: decode it as UTF-8 first") from None


def _check_unused(spec: Mapping[str, Any]) -> None:
    """Refuse what applies to every model and what this reader leaves out."""
    for part in ("truncation", "padding"):
        if spec.get(part):
            raise _refused(f"'{part}'")
    post = spec.get("post_processor")
    if post and post["type"] != "ByteLevel":  # ByteLevel moves offsets only
        raise _refused(f"the post-processor '{post['type']}'")
    for item in spec.get("added_tokens") or []:
        for flag in ("single_word", "lstrip", "rstrip", "normalized"):
            if item.get(flag):
                raise _refused(f"'{flag}' of the added token '{item['content']}'")


def _read_wordpiece(spec: Mapping[str, Any], added: Mapping[str, int]) -> tuple[TokenModel, int]:
    model, decoder = spec["model"], spec.get("decoder")
    _expect(spec.get("pre_tokenizer"), "pre_tokenizer", {"type": "BertPreTokenizer"})
    if decoder:
        _expect(decoder, "decoder", {"type": "WordPiece", "prefix": model["continuing_subword_prefix"]})
    unknown = model["vocab"][model["unk_token"]]
    wordpiece = WordPiece(
        _with_added(model["vocab"], added),
        unknown,
        prefix=model["continuing_subword_prefix"],
        longest_word=model["max_input_chars_per_word"],
        lowercase=_lowercase(spec.get("normalizer")),
        cleanup=decoder["cleanup"] if decoder else None,
    )
    return wordpiece, unknown


def _lowercase(normalizer: Mapping[str, Any] | None) -> bool:
    """Whether the normalizer lowers case; it must be a BertNormalizer, alone or in a Sequence with Lowercase."""
    if normalizer is None:
        raise _refused("no BertNormalizer")
    parts = normalizer["normalizers"] if normalizer["type"] == "Sequence" else [normalizer]
    bert = [part for part in parts if part["type"] != "Lowercase"]
    if len(bert) != 1:
        raise _refused(f"a Sequence of {len(bert)} normalizers")
    _expect(bert[0], "normalizer", {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": False})
    if bert[0]["strip_accents"] or (bert[0]["strip_accents"] is None and bert[0]["lowercase"]):
        raise _refused("strip_accents in its normalizer")
    return bool(bert[0]["lowercase"]) or len(parts) > 1


def _read_bytepairs(spec: Mapping[str, Any], added: Mapping[str, int]) -> tuple[TokenModel, None]:
    model = spec["model"]
    _expect(spec.get("normalizer"), "normalizer", None)
    _expect(spec["pre_tokenizer"], "pre_tokenizer", {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True})
    _expect(spec["decoder"], "decoder", {"type": "ByteLevel"})
    for option in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges"):
        if model.get(option):
            raise _refused(f"'{option}' of BPE")
    if model.get("unk_token") and any(char not in model["vocab"] for char in byte_characters()):
        raise _refused("an unknown token for bytes")
    merges = [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in model["merges"]]
    return BytePairs(_with_added(model["vocab"], added), merges), None


def _read_characters(spec: Mapping[str, Any], added: Mapping[str, int]) -> tuple[TokenModel, int]:
    model, splitter, decoder = spec["model"], spec["pre_tokenizer"], spec.get("decoder")
    _expect(spec.get("normalizer"), "normalizer", None)
    _expect(splitter, "pre_tokenizer", {"type": "Split", "behavior": "Isolated", "invert": False})
    if splitter["pattern"].get("Regex") not in EVERY_CHARACTER:
        raise _refused(f"the pattern {splitter['pattern']}")
    if decoder:
        _expect(decoder, "decoder", {"type": "Fuse"})
    unknown = model["vocab"][model["unk_token"]]
    return Characters(_with_added(model["vocab"], added), unknown), unknown


READERS = {"WordPiece": _read_wordpiece, "BPE": _read_bytepairs, "WordLevel": _read_characters}


def _with_added(vocabulary: Mapping[str, int], added: Mapping[str, int]) -> dict[str, int]:
    return {**vocabulary, **added}


def _expect(part: Mapping[str, Any] | None, where: str, wanted: Mapping[str, Any] | None) -> None:
    """Refuse a part of the file that is not what is wanted, naming the difference."""
    if part is None or wanted is None:
        if part is not wanted:
            raise _refused(f"the {where} {part['type'] if part else 'null'}")
        return
    for key, value in wanted.items():
        if part.get(key) != value:
            raise _refused(f"{key} = {part.get(key)!r} in its {where}")


def _refused(what: str) -> BundleError:
    return BundleError(
        f"tokenizer.json uses {what}, which this gatewise does not read: train with Gatewise's tokenizers"
    )
