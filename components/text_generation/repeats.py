"""Whether the test part of a text repeats what was trained on: its score would then measure memory."""

from components.data.choices import doubt

PROBE = 60  # characters: longer than what people write twice by chance
PROBES = 200  # of the test part, evenly
TOLERATED = 0.05  # share of them: phrases and licences stand in many texts
SHOWN = 40


def repeated_share(seen: str, test: str) -> float:
    """Share of the test part's passages that stand in the text before it word for word."""
    passages = _passages(test)
    return sum(passage in seen for passage in passages) / max(1, len(passages))


def say_repeats(seen: str, test: str) -> None:
    """Warn where the test part repeats the text that is trained on."""
    share = repeated_share(seen, test)
    if share > TOLERATED:
        first = next(passage for passage in _passages(test) if passage in seen)
        doubt(
            "test part",
            f"{share:.0%} of it repeats training text, such as '{' '.join(first.split())[:SHOWN]}…': its score is too "
            "good; remove the repeats or set test_share so that they stand on one side",
        )


def _passages(text: str) -> list[str]:
    """Passages of a fixed length from all over a text, those of white space alone left out."""
    step = max(PROBE, len(text) // PROBES)
    passages = [text[at : at + PROBE] for at in range(0, len(text) - PROBE + 1, step)]
    return [passage for passage in passages if len(passage.split()) > 1]
