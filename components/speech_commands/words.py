"""Words of Speech Commands, and others that are easily taken for them."""

from collections.abc import Iterable

CORE_WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")  # Speech Commands, 12 labels
_OTHER_WORDS = """
bed bird cat dog happy house marvin sheila tree wow zero one two three four five six seven eight nine backward forward
follow learn visual window garden water music table open close hello please never always again nothing little person
number picture answer under after over about because morning evening paper father mother nose low so dot get the letter
write light lap lab night mode top step stuff army ball eye are now know cough
"""
OTHER_WORDS = tuple(_OTHER_WORDS.split())  # not to be taken for one's own words; the last ones sound much like them
SOUND_LIKE = {"know": "no", "write": "right", "so": "sew", "two": "to", "four": "for", "one": "won", "eye": "i"}
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")  # of the labels 0 to 9


def other_than(words: Iterable[str]) -> list[str]:
    """Words to be spoken as none of these: neither themselves nor what sounds the same."""
    named = {word.casefold() for word in words}
    named |= {DIGITS[int(word)] for word in named if word in set(map(str, range(len(DIGITS))))}
    return [word for word in OTHER_WORDS if word not in named and SOUND_LIKE.get(word) not in named]
