"""Spoken commands: sound goes in, a label comes out, or the moments at which commands were heard."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatewise.audio import Resampler, checked_samples, resample
from gatewise.bundle import Bundle
from gatewise.clip_search import ClipSearch, clip_search
from gatewise.errors import BundleError, InputError
from gatewise.runtime import Runtime

CLIPS_AT_MOST = 10  # clip lengths that `predict` takes; longer sound is for `stream`
BLOCK_SECONDS = 1  # sound per call while streaming: bounds the memory of a long chunk


@dataclass(frozen=True)
class Command:
    """What a clip says: the likeliest label, its probability, and every label's.

    Of a sound longer than a clip only its loudest stretch is heard: `start_s` is where that begins.
    """

    label: str
    probability: float
    probabilities: dict[str, float]
    start_s: float = 0.0


@dataclass(frozen=True)
class Detection:
    """A command heard in a stream, `time_s` seconds after its beginning."""

    label: str
    probability: float
    time_s: float


class CommandRecognizer:
    """Hears commands.

    Attributes:
        bundle: the bundle it was loaded from.
        labels: what it tells apart; labels in underscores, such as _silence_, are never detected in a stream.
        sample_rate: Hz of the sound it was trained on; other rates are resampled.
    """

    _states: list[np.ndarray]
    _waiting: np.ndarray  # samples that do not fill a step yet

    def __init__(self, bundle: Bundle, variant: str | None = None, threads: int = 1) -> None:
        settings = bundle.settings
        self.bundle = bundle
        self.labels: tuple[str, ...] = tuple(settings["labels"])
        self.sample_rate = int(settings["sample_rate"])
        self._hop = int(settings["hop"])
        self._clip = int(settings["clip_samples"])
        self._search = _search(settings, self._clip)
        self._window = int(settings["decision_frames"])
        self._threshold = float(settings["threshold"])
        self._refractory_s = float(settings["refractory_ms"]) / 1_000
        self._commands = np.array([not (label[:1] == label[-1:] == "_") for label in self.labels])
        self._runtime = Runtime(bundle, bundle.variant(variant), threads)
        self._single = _single_steps(bundle, variant, threads) or self._runtime
        self._step = max(self._hop, self._runtime.step)  # samples that a call takes a multiple of
        if self._step % self._hop:
            raise BundleError(f"bundle {bundle.path}: variant steps of {self._step} are no multiple of hop {self._hop}")
        self._input, self._output = bundle.inputs[0].name, bundle.outputs[0].name
        self.reset()

    def predict(self, samples: Any, sample_rate: int | None = None) -> Command:
        """What a clip says, cut as training cut its clips: silence in front of a shorter one, a longer one's loudest.

        Args:
            samples: floats in [-1, 1] or integers, (samples,) or (samples, channels).
            sample_rate: Hz; the model's own without.

        Raises:
            InputError: empty, NaN, far beyond [-1, 1], or too long for one clip.
        """
        clip = checked_samples(samples)
        rate = _checked_rate(sample_rate, self.sample_rate)
        limit = CLIPS_AT_MOST * self._clip / self.sample_rate
        if len(clip) / rate > limit:
            raise InputError(f"the sound lasts {len(clip) / rate:.1f} s, a clip at most {limit:g} s: use stream()")
        clip = resample(clip, rate, self.sample_rate)
        clip = np.clip(clip, -1, 1)  # as training does
        start = self._search.start(clip)
        clip = clip[start : start + self._clip]
        length = -(-self._clip // self._step) * self._step
        padded = np.zeros((1, length), np.float32)  # (1, samples)
        padded[0, length - len(clip) :] = clip
        frames = self._runtime.run({self._input: padded})[0][self._output][0]  # (frames, labels)
        mean = frames[-self._window :].mean(axis=0)  # (labels,)
        by_label = dict(zip(self.labels, map(float, mean), strict=True))
        best = self.labels[int(mean.argmax())]
        return Command(best, by_label[best], by_label, start / self.sample_rate)

    def stream(self, chunks: Iterable[Any], sample_rate: int | None = None) -> Iterator[Detection]:
        """The commands heard in chunks of sound of any size, each as soon as it is certain; starts anew.

        Raises:
            InputError: as `predict`, for any chunk.
        """
        self.reset()
        for chunk in chunks:
            yield from self.feed(chunk, sample_rate)

    def feed(self, chunk: Any, sample_rate: int | None = None) -> list[Detection]:
        """The commands that a further chunk of sound completes.

        Raises:
            InputError: as `predict`, or another sample rate than the stream began with.
        """
        samples = self._at_own_rate(checked_samples(chunk, empty=True), sample_rate)
        waiting = np.concatenate([self._waiting, samples])
        ready = len(waiting) // self._step * self._step
        self._waiting = waiting[ready:]
        block = max(1, BLOCK_SECONDS * self.sample_rate // self._step) * self._step
        heard: list[Detection] = []
        for begin in range(0, ready, block):
            feeds = {self._input: waiting[None, begin : min(ready, begin + block)]}
            runtime = self._single if min(block, ready - begin) == self._step else self._runtime
            outputs, self._states = runtime.run(feeds, self._states)
            heard += [found for frame in outputs[self._output][0] if (found := self._decide(frame))]
        return heard

    def reset(self) -> None:
        """Forget the sound heard so far; the next chunk is at 0 s."""
        self._states = self._runtime.start()
        self._waiting = np.zeros(0, np.float32)
        self._resampler: Resampler | None = None
        self._rate: int | None = None
        self._recent = np.zeros((self._window, len(self.labels)), np.float32)  # the last frames, as a ring
        self._frames = 0
        self._quiet_until = 0.0
        self._armed = np.ones(len(self.labels), bool)

    def _at_own_rate(self, samples: np.ndarray, sample_rate: int | None) -> np.ndarray:
        rate = _checked_rate(sample_rate, self.sample_rate)
        if self._rate is None:
            self._rate = rate
            self._resampler = Resampler(rate, self.sample_rate) if rate != self.sample_rate else None
        if rate != self._rate:
            raise InputError(f"sample rate {rate} Hz in a stream that began with {self._rate} Hz: reset() first")
        return self._resampler.push(samples) if self._resampler else samples

    def _decide(self, frame: np.ndarray) -> Detection | None:
        """A detection if the mean of the last frames is sure enough and the last detection is long enough ago.

        A label is heard again only after its mean has fallen below the threshold: a state that stays is no new word.
        """
        self._recent[self._frames % self._window] = frame
        self._frames += 1
        time_s = self._frames * self._hop / self.sample_rate
        if self._frames < self._window:
            return None
        mean = self._recent.mean(axis=0)  # (labels,)
        self._armed |= mean < self._threshold
        best = int(mean.argmax())
        sure = self._commands[best] and mean[best] >= self._threshold
        if not sure or not self._armed[best] or time_s < self._quiet_until:
            return None
        self._armed[best] = False
        self._quiet_until = time_s + self._refractory_s
        return Detection(self.labels[best], float(mean[best]), time_s)


Predictor = CommandRecognizer  # what `gatewise.load` makes of a bundle of this application


def _single_steps(bundle: Bundle, variant: str | None, threads: int) -> Runtime | None:
    """The file that takes single steps faster, where it answers as the default one does; None where there is none."""
    name = bundle.settings.get("step_variant") if variant is None else None
    if name in (None, bundle.default_variant) or bundle.variant(name).precision != bundle.variant().precision:
        return None
    return Runtime(bundle, bundle.variant(name), threads)


def _search(settings: Mapping[str, Any], length: int) -> ClipSearch:
    """The bundle's rule for long recordings; bundles from before it was recorded were trained with the usual one."""
    usual = clip_search(length)
    step, as_loud = settings.get("search_step", usual.step), settings.get("search_as_loud", usual.as_loud)
    return ClipSearch(length, int(step), float(as_loud))


def _checked_rate(sample_rate: int | None, own: int) -> int:
    if sample_rate is None:
        return own
    if isinstance(sample_rate, bool) or int(sample_rate) != sample_rate or sample_rate <= 0:
        raise InputError(f"sample_rate = {sample_rate!r}: give whole Hz, for example {own}")
    return int(sample_rate)
