"""Tokenizers trained on the data, in the few forms that the light runtime reads."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.errors import DataError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PADDING = "[PAD]"
UNKNOWN = "[UNK]"
INSIDE = "##"  # marks a piece that goes on with a word
CHARACTER_SHARE = (
    20  # one token in ten is a single character at the most, in its two forms, so that unseen words can be spelled
)
BATCH = 1_000  # texts tokenized at once
EVERY_CHARACTER = r"[\s\S]"  # any character in every dialect of regular expressions, line ends included


def train_wordpiece(texts: Sequence[str], vocabulary: int, path: Path, lowercase: bool = True) -> "Tokenizer":
    """A WordPiece tokenizer written to `path`: [PAD] is 0, [UNK] is 1; words split at spaces and punctuation.

    The pieces are those that byte-pair merges of the words use most, at a word's beginning and inside it. (The
    library's own WordPiece trainer gives another vocabulary every time.)

    Args:
        texts: training texts.
        vocabulary: tokens at the most.
        path: the `tokenizer.json` to write.
        lowercase: whether case is thrown away.

    Raises:
        DataError: there is no word in the texts.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=lowercase
    )
    merges = Tokenizer(models.BPE())
    merges.normalizer, merges.pre_tokenizer = normalizer, pre_tokenizers.BertPreTokenizer()
    merges.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=vocabulary, show_progress=False))
    pieces = _pieces_by_use(merges, texts)
    kept = _vocabulary(pieces, vocabulary // CHARACTER_SHARE)[: vocabulary - 2]
    ids = {token: index for index, token in enumerate([PADDING, UNKNOWN, *kept])}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token=UNKNOWN))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizers.BertPreTokenizer()
    return _written(tokenizer, path, specials=2)


def train_byte_bpe(texts: Iterable[str], vocabulary: int, path: Path) -> "Tokenizer":
    """A byte-level BPE tokenizer written to `path`: any text becomes ids and the ids become the same text again.

    Args:
        texts: training texts.
        vocabulary: tokens at the most; the 256 bytes are among them.
        path: the `tokenizer.json` to write.

    Raises:
        DataError: there is no text.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return _written(tokenizer, path, specials=0)


def train_characters(texts: Iterable[str], path: Path) -> "Tokenizer":
    """A tokenizer of single characters written to `path`: [UNK] is 0, then every character seen, sorted.

    Raises:
        DataError: there is no character in the texts.
    """
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    characters = sorted({character for text in texts for character in text})
    ids = {token: index for index, token in enumerate([UNKNOWN, *characters])}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(EVERY_CHARACTER), "isolated")
    return _written(tokenizer, path, specials=1)


def encode(tokenizer: "Tokenizer", texts: Sequence[str]) -> list[np.ndarray]:
    """Ids of each text, (tokens,) int32."""
    batches = (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))
    return [
        np.array(encoding.ids, np.int32)
        for batch in batches
        for encoding in tokenizer.encode_batch_fast(list(batch), add_special_tokens=False)
    ]


def _pieces_by_use(merges: "Tokenizer", texts: Sequence[str]) -> Counter[str]:
    """How often each piece stands at the beginning of a word (as it is) and inside one (marked) in the texts."""
    size = max(1, merges.get_vocab_size())
    uses = np.zeros(2 * size, np.int64)  # first the pieces that begin a word, then those inside one
    for start in range(0, len(texts), BATCH):
        for encoding in merges.encode_batch(list(texts[start : start + BATCH]), add_special_tokens=False):
            words = np.array(encoding.word_ids, np.int64)  # (pieces,)
            inside = np.diff(words, prepend=-1) == 0
            np.add.at(uses, np.array(encoding.ids, np.int64) + size * inside, 1)
    counts = {}
    for piece, index in merges.get_vocab().items():
        counts[piece], counts[INSIDE + piece] = int(uses[index]), int(uses[size + index])
    used = {piece: count for piece, count in counts.items() if count}
    return Counter(dict(sorted(used.items(), key=lambda item: (-item[1], item[0]))))


def _vocabulary(pieces: Counter[str], characters: int) -> list[str]:
    """The commonest single characters in both their forms, then all other pieces, then all other characters."""
    letters: Counter[str] = Counter()
    for piece, uses in pieces.items():
        for character in piece.removeprefix(INSIDE):
            letters[character] += uses
    ranked = sorted(letters, key=lambda character: (-letters[character], character))
    forms = [form for character in ranked for form in (character, INSIDE + character)]
    return list(dict.fromkeys([*forms[: 2 * characters], *pieces, *forms]))


def _written(tokenizer: "Tokenizer", path: Path, specials: int) -> "Tokenizer":
    """The tokenizer, once it has learned something and its file stands whole."""
    if tokenizer.get_vocab_size() <= specials:
        raise DataError(
            f"no tokenizer can be trained for {path.name}: the texts hold no characters; give texts with words"
        )
    temporary = path.with_name(path.name + ".part")
    tokenizer.save(str(temporary))
    temporary.replace(path)
    return tokenizer
