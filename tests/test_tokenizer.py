"""The light package's tokenizer gives exactly what Hugging Face `tokenizers` gives, and refuses what it cannot read."""

import json
import os
import sys

import pyarrow.parquet as parquet
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tiny_bundles import CHARACTERS, byte_tokenizer, character_tokenizer, word_tokenizer
from tokenizers import Tokenizer, decoders

from components.data.tokenizing import train_byte_bpe, train_characters, train_wordpiece
from gatewise import BundleError, InputError
from gatewise.tokenizer import read_tokenizer

EVERYTHING = "GATEWISE_TEST_ALL"  # set it to compare on all 50,000 reviews and all of Unicode: some minutes
ALIKE = ((0x3400, 0xA000), (0xAC00, 0xD7A4), (0xE000, 0xF900), (0x20000, sys.maxunicode + 1))  # ideographs and such
CORPUS = [
    "The film's plot isn't new, but WE'VE seen worse!  It'll do: 7/10...\n\nIts café scene -- naïve? -- costs $3.50.",
    "don't can't I'm you're they've he'd she'll 's 'S \t tabs\r\n and   spaces ",
    "Ελληνικά ΣΊΣΥΦΟΣ, русский текст, 日本語のテキスト, العربية, हिन्दी, 한국어, emoji 😀👩‍👩‍👧, ½ Ⅷ ²",
]
ALPHABET = st.one_of(
    st.characters(codec="utf-8"),
    st.sampled_from("aAbBzZ09 .,'!\n\t\r_-éßİΣſ½\u0085\u00a0\u2028\u3000\u200b\ufffd\x00\x1c"),
    st.sampled_from("thefilmsgood"),
)
TEXTS = st.text(ALPHABET, max_size=60)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Reference and light tokenizer of each kind, trained by the training side."""
    folder = tmp_path_factory.mktemp("tokenizers")
    files = {name: folder / f"{name}.json" for name in ("lower", "cased", "bytes", "characters")}
    train_wordpiece(CORPUS, 200, files["lower"])
    train_wordpiece(CORPUS, 200, files["cased"], lowercase=False)
    train_byte_bpe(CORPUS, 330, files["bytes"])
    train_characters(CORPUS, files["characters"])
    return {name: both(file.read_bytes()) for name, file in files.items()}


def both(content):
    return Tokenizer.from_str(content.decode()), read_tokenizer(content)


KINDS = pytest.mark.parametrize("kind", ["lower", "cased", "bytes", "characters"])


@KINDS
@given(text=TEXTS)
@example(text="")
@example(text="a" * 101 + " " + "b" * 100)
@example(text="ΟΔΥΣΣΕΎΣ İstanbul ǅ ﬃ")
@example(text="[UNK] [PAD]film[UNK]!")
def test_ids_equal_the_reference(pairs, kind, text):
    reference, ours = pairs[kind]
    assert ours.encode(text) == reference.encode(text).ids


@pytest.mark.parametrize("kind", ["lower", "bytes"])
def test_ids_equal_the_reference_around_every_character_of_unicode(pairs, kind):
    """Every one outside large blocks of like characters, and one in 97 of those."""
    reference, ours = pairs[kind]
    codes = [code for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    if not os.environ.get(EVERYTHING):
        codes = [code for code in codes if code % 97 == 0 or not any(a <= code < b for a, b in ALIKE)]
    every = [chr(code) for code in codes]
    texts = ["".join(f"a{char}1{char}! " for char in every[start : start + 512]) for start in range(0, len(every), 512)]
    for text, expected in zip(texts, reference.encode_batch(texts), strict=True):
        assert ours.encode(text) == expected.ids, f"U+{ord(text[1]):04X} and after"


@pytest.mark.parametrize("kind", ["lower", "bytes"])
@given(data=st.data())
def test_text_of_any_ids_equals_the_reference(pairs, kind, data):
    reference, ours = pairs[kind]
    ids = data.draw(st.lists(st.integers(0, reference.get_vocab_size() + 1), max_size=20))
    assert ours.decode(ids) == reference.decode(ids)


@given(text=TEXTS)
def test_word_pieces_decode_as_the_references_decoder_does(text):
    reference = Tokenizer.from_str(word_tokenizer([*"abthefilmsgod'", ".", "!", "##a", "##b", "##o"]).decode())
    for decoder in (decoders.WordPiece(), decoders.WordPiece(cleanup=False)):
        reference.decoder = decoder
        ours = read_tokenizer(reference.to_str().encode())
        ids = ours.encode(text)
        assert ours.decode(ids) == reference.decode(ids)


@given(text=TEXTS)
def test_byte_pairs_lose_nothing(text):
    tokenizer = read_tokenizer(byte_tokenizer())
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(text=st.text(CHARACTERS))
def test_known_characters_lose_nothing(text):
    tokenizer = read_tokenizer(character_tokenizer())
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(text=TEXTS)
def test_a_stream_never_gives_half_a_character(text):
    tokenizer = read_tokenizer(byte_tokenizer())
    decoder = tokenizer.decoder()
    written = ""
    for token in tokenizer.encode(text):
        written += decoder.feed(token)
        assert text.startswith(written)
    assert written + decoder.finish() == text


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), unique=True, max_size=6), st.text("abc"))
def test_merges_in_any_order_equal_the_reference(merges, text):
    """Also of tables that no training would give."""
    reference, ours = both(byte_tokenizer([*merges, *((a + b, "c") for a, b in merges[:2])]))
    assert ours.encode(text) == reference.encode(text).ids


def test_a_word_of_a_hundred_thousand_characters_takes_moments(pairs):
    reference, ours = pairs["bytes"]
    text = "ab" * 50_000
    assert ours.encode(text) == reference.encode(text).ids


def test_every_imdb_review_gives_the_same_ids(shared_data, tmp_path):
    texts = [
        text
        for part in ("train", "test")
        for text in parquet.read_table(shared_data / "imdb" / f"{part}.parquet", columns=["text"])["text"].to_pylist()
    ]
    assert len(texts) == 50_000
    train_wordpiece(texts[::100], 4_000, tmp_path / "tokenizer.json")
    reference, ours = both((tmp_path / "tokenizer.json").read_bytes())
    chosen = texts if os.environ.get(EVERYTHING) else texts[::25]
    for start in range(0, len(chosen), 1_000):
        batch = chosen[start : start + 1_000]
        for text, expected in zip(batch, reference.encode_batch(batch), strict=True):
            assert ours.encode(text) == expected.ids, text


def test_half_a_surrogate_pair_is_one_clear_error():
    with pytest.raises(InputError, match="half a surrogate pair at 2"):
        read_tokenizer(byte_tokenizer()).encode("ab\ud800")


def changed(content, **parts):
    return json.dumps(json.loads(content) | parts).encode()


WORDS, BYTES, SINGLE = word_tokenizer(["a"]), byte_tokenizer(), character_tokenizer()
NORMALIZER = json.loads(WORDS)["normalizer"]
ADDED = {"id": 1, "content": "[UNK]", "single_word": False, "lstrip": False, "rstrip": False}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"{}", "cannot be read"),
        (b"not json", "cannot be read"),
        (changed(WORDS, model={"type": "Unigram", "vocab": []}), "the model 'Unigram'"),
        (changed(WORDS, normalizer=None), "no BertNormalizer"),
        (changed(WORDS, normalizer={"type": "NFC"}), "NFC"),
        (changed(WORDS, normalizer=NORMALIZER | {"strip_accents": None}), "strip_accents"),
        (changed(WORDS, normalizer=NORMALIZER | {"clean_text": False}), "clean_text"),
        (changed(WORDS, normalizer=NORMALIZER | {"handle_chinese_chars": True}), "handle_chinese_chars"),
        (changed(WORDS, pre_tokenizer={"type": "Whitespace"}), "Whitespace"),
        (changed(WORDS, decoder={"type": "Metaspace"}), "Metaspace"),
        (changed(WORDS, truncation={"max_length": 5}), "truncation"),
        (changed(WORDS, padding={"strategy": "BatchLongest"}), "padding"),
        (changed(WORDS, post_processor={"type": "TemplateProcessing"}), "TemplateProcessing"),
        (changed(WORDS, added_tokens=[ADDED | {"special": False, "normalized": True}]), "normalized"),
        (changed(BYTES, normalizer={"type": "Lowercase"}), "Lowercase"),
        (changed(BYTES, pre_tokenizer={"type": "ByteLevel", "add_prefix_space": True}), "add_prefix_space"),
        (changed(BYTES, decoder=None), "decoder null"),
        (changed(BYTES, model=json.loads(BYTES)["model"] | {"byte_fallback": True}), "byte_fallback"),
        (changed(BYTES, model=json.loads(BYTES)["model"] | {"merges": [["q", "zz"]]}), "cannot be read"),
        (changed(SINGLE, pre_tokenizer={"type": "Whitespace"}), "Whitespace"),
        (changed(SINGLE, pre_tokenizer=json.loads(SINGLE)["pre_tokenizer"] | {"pattern": {"Regex": r"\w"}}), "pattern"),
    ],
)
def test_what_cannot_be_read_exactly_is_refused_by_name(content, named):
    with pytest.raises(BundleError, match=named):
        read_tokenizer(content)


def test_a_lowercase_step_of_its_own_counts():
    cased = NORMALIZER | {"lowercase": False}
    sequence = {"type": "Sequence", "normalizers": [cased, {"type": "Lowercase"}]}
    reference, ours = both(changed(WORDS, normalizer=sequence))
    assert ours.encode("A a") == reference.encode("A a").ids == [2, 2]


def test_added_tokens_are_found_in_the_raw_text_and_left_out_of_the_decoded_one():
    added = [ADDED | {"id": 1, "special": True, "normalized": False}]
    added += [ADDED | {"id": 3, "content": "[UNKNOWN]", "special": True, "normalized": False}]
    reference, ours = both(changed(WORDS, added_tokens=added))
    for text in ("a[UNK]a", "[UNKNOWN]a", "[UNK][UNKNOWN]", "[unk]"):
        ids = reference.encode(text).ids
        assert ours.encode(text) == ids
        assert ours.decode(ids) == reference.decode(ids)
