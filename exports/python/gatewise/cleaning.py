"""What is done to a text before it is tokenized: named steps in an order that the bundle records.

The training imports this module, so that the device reads what the training read.
"""

import html
import re
from collections.abc import Iterable, Sequence

from gatewise.errors import BundleError

LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)  # reviews from web pages hold them
CODE_POINT = re.compile(r"\\u([0-9a-fA-F]{4})")  # TweetEval's files hold some characters as \u2019
HALF_A_PAIR = range(0xD800, 0xE000)  # such a code point is no character by itself


def _character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    return match[0] if number in HALF_A_PAIR else chr(number)


STEPS = {
    "line breaks": lambda text: LINE_BREAK.sub("\n", text),
    "entities": html.unescape,
    "escapes": lambda text: CODE_POINT.sub(_character, text),
    "white space": str.strip,
}


def clean(text: str, steps: Iterable[str]) -> str:
    """The text after each of the steps, in their order."""
    for name in steps:
        text = STEPS[name](text)
    return text


def known(steps: Sequence[str]) -> tuple[str, ...]:
    """The steps, once every one of them is known here.

    Raises:
        BundleError: a step of a newer gatewise.
    """
    for name in steps:
        if name not in STEPS:
            raise BundleError(f"the bundle cleans texts with '{name}', which this gatewise does not know: update it")
    return tuple(steps)
