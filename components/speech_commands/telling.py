"""Says what becomes of clips on their way to a network, so that no choice is silent."""

from collections.abc import Sequence

from components.data.choices import chose
from components.speech_commands.layout import BACKGROUND, SILENCE, UNKNOWN
from components.speech_commands.store import Row
from components.speech_commands.words import CORE_WORDS


def tell_words(rows: Sequence[Row], labels: Sequence[str], wanted: Sequence[str]) -> None:
    """Say which words count as others where nobody named the commands."""
    there = {row.label for row in rows} - {BACKGROUND, SILENCE, UNKNOWN}
    if not wanted and (others := sorted(there - set(labels))):
        core = f"the {len(CORE_WORDS)} words of Speech Commands are the commands"
        chose("words", f"{core}, {len(others)} others, such as '{others[0]}', are {UNKNOWN}: words=… names others")


def tell_lengths(rows: Sequence[Row], length: int, rate: int) -> None:
    """Say how many clips are cut or filled up to `length` samples."""
    spoken = [row.samples for row in rows if row.label != BACKGROUND]
    longer, shorter = sum(count > length for count in spoken), sum(count < length for count in spoken)
    if longer or shorter:
        cut = f"{longer} longer ones are cut to their loudest stretch, {shorter} shorter ones get silence in front"
        chose("clip length", f"{length / rate:g} s: of {len(spoken)} clips {cut}, on devices too")


def tell_noise(rows: Sequence[Row]) -> None:
    """Say what noise and silence are made of where the data has none."""
    labels = {row.label for row in rows}
    if BACKGROUND not in labels:
        chose("background noise", f"none in the data: white, pink and brown noise is made; put yours into {BACKGROUND}")
    if SILENCE not in labels:
        chose("silence", f"no clips in the data: those of {SILENCE} are made of the background noise")
