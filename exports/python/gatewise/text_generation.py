"""Text generation: a prompt goes in, text streams out, the state is carried from id to id."""

from collections.abc import Iterator, Sequence

import numpy as np

from gatewise.bundle import Bundle
from gatewise.errors import BundleError, GatewiseError, InputError
from gatewise.runtime import Runtime
from gatewise.sampling import Sampler
from gatewise.stepping import stepper
from gatewise.tokenizer import read_tokenizer

PROMPT_CHUNK = 512  # ids of a prompt per call: bounds the memory of logits that nobody looks at


class TextGenerator:
    """Continues texts.

    One generation at a time: the state is the generator's.

    Attributes:
        bundle: the bundle it was loaded from.
    """

    def __init__(self, bundle: Bundle, variant: str | None = None, threads: int = 1) -> None:
        self.bundle = bundle
        self._tokenizer = read_tokenizer(bundle.read("tokenizer.json"))
        vocabulary = bundle.outputs[0].shape[-1]
        if not isinstance(vocabulary, int):
            raise BundleError(f"bundle {bundle.path} does not say how many ids its logits are for: make it again")
        self._vocabulary = vocabulary
        self._runtime = Runtime(bundle, bundle.variant(variant), threads)
        single = bundle.settings.get("step_variant") if variant is None else None
        alone = single in (None, bundle.default_variant)
        stepping = self._runtime if alone else Runtime(bundle, bundle.variant(single), threads)
        self._input, self._output = bundle.inputs[0].name, bundle.outputs[0].name
        self._stepper = stepper(stepping, self._input, self._output, vocabulary)
        self._pending: list[int] = []  # ids seen that the model has not been fed yet; empty at a start only
        self._turn = 0

    def predict(
        self,
        prompt: str = "",
        length: int = 200,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        stop: str | Sequence[str] | None = None,
        keep_state: bool = False,
    ) -> str:
        """The text that follows the prompt (the prompt itself is not repeated).

        Args:
            prompt: text to continue; empty starts from the model's start id, or goes on with `keep_state`.
            length: ids to generate at the most: characters of a character-level model, else pieces of words.
            temperature: 0 takes the likeliest id each time.
            top_k: draw from the k likeliest ids only.
            top_p: draw from the fewest ids that together have this probability.
            seed: the same seed gives the same text.
            stop: a text, or several, at which generation ends; it is left out of the answer.
            keep_state: go on where the last call ended instead of starting anew.

        Raises:
            InputError: an argument of the wrong type or out of bounds.
        """
        return "".join(self.stream(prompt, length, temperature, top_k, top_p, seed, stop, keep_state))

    def stream(
        self,
        prompt: str = "",
        length: int = 200,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        stop: str | Sequence[str] | None = None,
        keep_state: bool = False,
    ) -> Iterator[str]:
        """Pieces of the text that `predict` returns, each as soon as it is certain.

        Raises:
            InputError: an argument of the wrong type or out of bounds.
        """
        if not isinstance(prompt, str):
            raise InputError(f"prompt is {type(prompt).__name__}: give text (str)")
        if not isinstance(length, int) or isinstance(length, bool) or length < 0:
            raise InputError(f"length = {length!r}: give a whole number from 0")
        stops = _checked_stops(stop)
        sampler = Sampler(self._vocabulary, temperature, top_k, top_p, seed, banned=self._tokenizer.unknown)
        ids = self._tokenizer.encode(prompt)
        if not keep_state:
            self.reset()
        self._turn += 1
        self._pending += ids or ([] if self._pending else self._start_ids())
        pieces = self._pieces(length, sampler, self._turn)
        return _until(pieces, stops) if stops else pieces

    def reset(self) -> None:
        """Forget everything read and written so far."""
        self._pending = []
        self._stepper.load(self._runtime.start())

    def _start_ids(self) -> list[int]:
        start = self.bundle.settings.get("prompt_token")
        if start is None:
            raise InputError("the prompt is empty and this model has no start id: give at least one character")
        return [int(start)]

    def _pieces(self, length: int, sampler: Sampler, turn: int) -> Iterator[str]:
        """Text of one id after the other, nothing while a character is only half known."""
        decoder = self._tokenizer.decoder()
        draw, step, feed = sampler.draw, self._stepper.step, decoder.feed
        for _ in range(length):
            if turn != self._turn:
                raise GatewiseError("another generation has begun with this generator: finish one, or load a second")
            pending = self._pending
            logits = step(pending[0]) if len(pending) == 1 else self._read(pending)
            token = draw(logits)
            self._pending = [token]
            text = feed(token)
            if text:
                yield text

    def _read(self, ids: Sequence[int]) -> np.ndarray:
        """Logits after the last of many ids, shape (vocabulary,), by calls that take many at once."""
        states = self._stepper.states()
        for begin in range(0, len(ids), PROMPT_CHUNK):
            chunk = np.array([ids[begin : begin + PROMPT_CHUNK]], np.int32)  # (1, time)
            outputs, states = self._runtime.run({self._input: chunk}, states)
        self._stepper.load(states)
        return outputs[self._output][0, -1]


Predictor = TextGenerator  # what `gatewise.load` makes of a bundle of this application


def _checked_stops(stop: str | Sequence[str] | None) -> tuple[str, ...]:
    if stop is None:
        return ()
    stops = (stop,) if isinstance(stop, str) or not isinstance(stop, Sequence) else tuple(stop)
    if not all(isinstance(text, str) and text for text in stops):
        raise InputError(f"stop = {stop!r}: give a text that is not empty, or several")
    return stops


def _until(pieces: Iterator[str], stops: tuple[str, ...]) -> Iterator[str]:
    """The pieces up to the first stop; what may yet become one is held back."""
    held = ""
    for piece in pieces:
        held += piece
        found = [place for place in (held.find(stop) for stop in stops) if place >= 0]
        if found:
            held = held[: min(found)]
            break
        safe = len(held) - _begun(held, stops)
        if safe:
            yield held[:safe]
            held = held[safe:]
    if held:
        yield held


def _begun(text: str, stops: tuple[str, ...]) -> int:
    """Length of the longest end of the text that is the beginning of a stop."""
    longest = min(len(text), max(map(len, stops)) - 1)
    return next((size for size in range(longest, 0, -1) if any(s.startswith(text[-size:]) for s in stops)), 0)
