"""A grammar of short reviews in which word order decides the sentiment: negation, contrast and intensity.

Every judging word praises as often as it blames, because half of the judgements are negated; of two judgements the
one after "but" counts, or the stronger one. Asides stand between the words that depend on each other. A bag of words
or of word pairs therefore knows next to nothing, while a network that reads in order can know everything. Reviews of
the test part hold at least one pair of aspect and judgement that the training part never shows.
"""

import random
from collections.abc import Iterator

LABELS = ("negative", "positive")
REVISION = 1  # counts up when the same seed gives other reviews
SEED = 20_240_229  # fixed, so that the test part is the same for every model

ASPECTS = ("plot", "acting", "script", "music", "pacing", "dialogue", "ending", "cast", "editing", "photography")
PRAISE = ("brilliant", "charming", "clever", "gripping", "moving", "fresh", "funny", "elegant", "warm", "sharp")
BLAME = ("dull", "clumsy", "tedious", "shallow", "bland", "messy", "lifeless", "stale", "wooden", "tired")
NEGATIONS = ("not", "never", "hardly")
ASIDES = (
    ", to my mind ,",
    ", for once ,",
    ", i must say ,",
    ", from start to end ,",
    ", as they say ,",
    ", to us all ,",
)
STRONG = ("utterly", "deeply", "truly", "wildly")
WEAK = ("slightly", "somewhat", "mildly", "faintly")
TAILS = ("in this film", "this time", "on the big screen", "for two hours", "in every scene", "again")
OPENINGS = ("we saw it on friday .", "i went with my sister .", "a late show , half full .", "it runs for two hours .")
HELD_OUT = 5  # one pair of aspect and judgement in five is kept for the test part


def reviews(count: int, test: bool, seed: int = SEED) -> Iterator[tuple[str, str]]:
    """`count` pairs of review and label, with a pair of words kept for the test in each of them, or in none.

    Raises:
        ValueError: a negative count.
    """
    if count < 0:
        raise ValueError(f"a count of reviews cannot be negative: {count}")
    chance = random.Random(f"{seed}/{test}")  # noqa: S311  not for secrets
    for _ in range(count):
        yield _review(chance, test)


def _review(chance: random.Random, test: bool) -> tuple[str, str]:
    decisive = chance.random() < 0.5
    held_out = [test, test and chance.random() < 0.5]  # the decisive judgement of a test review is always unseen
    kind = chance.choice(("plain", "but", "although", "strength"))
    first, second = chance.sample(ASPECTS, 2)
    if kind == "plain":
        body = _judgement(chance, first, decisive, held_out[0])
    elif kind == "strength":
        clauses = [
            _degree(chance, first, decisive, STRONG, held_out[0]),
            _degree(chance, second, not decisive, WEAK, held_out[1]),
        ]
        chance.shuffle(clauses)
        body = " and ".join(clauses)
    else:
        counts = _judgement(chance, first, decisive, held_out[0])
        other = _judgement(chance, second, chance.random() < 0.5, held_out[1])
        contrasts = {
            "but": (f"{other} , but {counts}",),
            "although": (f"although {other} , {counts}", f"{counts} , although {other}"),
        }
        body = chance.choice(contrasts[kind])
    opening = f"{chance.choice(OPENINGS)} " if chance.random() < 0.5 else ""
    return f"{opening}{body} .".replace(" ,", ",").replace(" .", "."), LABELS[decisive]


def _judgement(chance: random.Random, aspect: str, good: bool, held_out: bool) -> str:
    """A clause that praises or blames, half of the time by negating the opposite."""
    negated = chance.random() < 0.5
    word = _word(chance, aspect, good != negated, held_out)
    negation = f" {chance.choice(NEGATIONS)}" if negated else ""
    return f"the {aspect} was{negation} {chance.choice(ASIDES)} {word} {chance.choice(TAILS)}"


def _degree(chance: random.Random, aspect: str, good: bool, degrees: tuple[str, ...], held_out: bool) -> str:
    """A clause that praises or blames more or less strongly."""
    word = _word(chance, aspect, good, held_out)
    return f"the {aspect} was {chance.choice(degrees)} {chance.choice(ASIDES)} {word} {chance.choice(TAILS)}"


def _word(chance: random.Random, aspect: str, good: bool, held_out: bool) -> str:
    """A judging word that the aspect has, or has not, in the training part."""
    words = PRAISE if good else BLAME
    row = ASPECTS.index(aspect)
    return chance.choice([word for i, word in enumerate(words) if ((row + i) % HELD_OUT == 0) == held_out])
