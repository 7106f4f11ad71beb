"""Tokenizers trained on the data, in the few forms that the light runtime reads."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import DataError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PADDING = "[PAD]"
UNKNOWN = "[UNK]"
EVERY_CHARACTER = r"[\s\S]"  # any character in every dialect of regular expressions, line ends included


def train_wordpiece(texts: Iterable[str], vocabulary: int, path: Path, lowercase: bool = True) -> "Tokenizer":
    """A WordPiece tokenizer written to `path`: [PAD] is 0, [UNK] is 1; words split at spaces and punctuation.

    Args:
        texts: training texts.
        vocabulary: tokens at the most.
        path: the `tokenizer.json` to write.
        lowercase: whether case is thrown away.

    Raises:
        DataError: there is no word in the texts.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=lowercase
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=vocabulary, special_tokens=[PADDING, UNKNOWN], show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
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
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, use_regex=True)
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
