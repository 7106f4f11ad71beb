"""Spoken words from espeak-ng, through the wheel `espeakng-loader`: an optional part of training, never of a bundle."""

import ctypes
import functools
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.errors import SourceError
from components.speech_commands.audio import Clip, resample

ESPEAK_RATE = 22_050  # Hz, of every voice
AUDIO_OUTPUT_SYNCHRONOUS, CHARS_UTF8 = 2, 1  # speak_lib.h
RATE, PITCH, PITCH_RANGE = 1, 3, 4  # espeak_PARAMETER
ACCENTS = ("en-us", "en", "en-gb-scotland", "en-029", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-us-nyc")
WORDS_PER_MINUTE, PITCHES, PITCH_RANGES = (110, 260), (15, 90), (20, 80)
PLAIN_VOICES = 3  # of four; the rest are whispering or croaking ones
ODD_VOICES = ("whisper", "croak", "robosoft", "demonic", "unirobot", "anikarobot", "klatt")
SILENCE_BELOW = 0.01  # of the peak: what espeak-ng leaves before and after a word
SPEAKING = "components.speech_commands.speaking"  # the module that speaks in a process of its own
EXTRA = "pip install gatewise-flows[speech]"


class Speaker:
    """The espeak-ng library of this process; it can be started only once, see `speaker()`."""

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ImportError:
            raise SourceError(f"spoken words need espeak-ng, which is not installed: {EXTRA}") from None
        try:
            self.library = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise SourceError(f"espeak-ng does not load ({error}): {EXTRA} --force-reinstall") from None
        folder = str(espeakng_loader.get_data_path())
        if self.library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, folder.encode(), 0) != ESPEAK_RATE:
            raise SourceError(f"espeak-ng does not start with its data in {folder}: {EXTRA} --force-reinstall")
        self.timbres = sorted(file.name for file in Path(folder, "voices", "!v").iterdir())
        self._chunks: list[np.ndarray] = []
        self._callback = _CALLBACK(self._collect)  # kept here: ctypes does not keep it alive
        self.library.espeak_SetSynthCallback(self._callback)

    def say(self, word: str, voice: str, rate: int, pitch: int, pitch_range: int) -> np.ndarray:
        """A word at `ESPEAK_RATE`, float32 in [-1, 1], without the silence around it: (samples,).

        Raises:
            SourceError: there is no such voice, or it says nothing.
        """
        if self.library.espeak_SetVoiceByName(voice.encode()):
            raise SourceError(f"espeak-ng has no voice '{voice}'")
        for parameter, value in ((RATE, rate), (PITCH, pitch), (PITCH_RANGE, pitch_range)):
            self.library.espeak_SetParameter(parameter, value, 0)
        self._chunks.clear()
        text = word.encode()
        self.library.espeak_Synth(text, len(text) + 1, 0, 0, 0, CHARS_UTF8, None, None)
        samples = np.concatenate([np.zeros(1, np.int16), *self._chunks]).astype(np.float32) / 32_768
        loud = np.flatnonzero(np.abs(samples) > SILENCE_BELOW * np.abs(samples).max(initial=1e-4))
        if not loud.size:
            raise SourceError(f"espeak-ng says nothing for '{word}' with voice '{voice}'")
        return samples[loud[0] : loud[-1] + 1]

    def _collect(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@functools.cache
def speaker() -> Speaker:
    """The one speaker of this process.

    Raises:
        SourceError: espeak-ng is not installed or does not start; says what to install.
    """
    return Speaker()


def speak(words: Sequence[str], count: int, rate: int, seed: int) -> Iterator[Clip]:
    """`count` clips, the words in turn, each by a voice drawn anew: accent, timbre, speed, pitch.

    The timbre stands as the speaker, so that a split by speaker keeps a voice's clips together. espeak-ng speaks in a
    process of its own: a few of its voices sound otherwise in one that has done other things, and the same seed must
    give the same samples wherever it is asked for.

    Raises:
        SourceError: espeak-ng is not installed or does not start; says what to install.
    """
    speaker()  # says what is missing before a process is started
    command = [sys.executable, "-m", SPEAKING, json.dumps([list(words), count, rate, seed])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(count):
                yield _received(process.stdout)
        finally:
            process.kill()


def spoken(words: Sequence[str], count: int, rate: int, seed: int) -> Iterator[Clip]:
    """What `speak` gives, said in this process."""
    library, rng = speaker(), np.random.default_rng(seed)
    library.library.espeak_ng_SetRandSeed(ctypes.c_long(seed))  # its own choices, else by the time of day
    plain = [name for name in library.timbres if not name.lower().startswith(ODD_VOICES)]
    for index in range(count):
        timbre = str(rng.choice(plain if rng.integers(PLAIN_VOICES + 1) else library.timbres))
        accent, word = str(rng.choice(ACCENTS)), words[index % len(words)]
        numbers = [int(rng.integers(*limits)) for limits in (WORDS_PER_MINUTE, PITCHES, PITCH_RANGES)]
        samples = resample(library.say(word, f"{accent}+{timbre}", *numbers), ESPEAK_RATE, rate)
        yield Clip(f"espeak-ng:{word}/{timbre}_{index}", word, samples, speaker=timbre)


def _received(stream: Any) -> Clip:
    """The next clip that `speaking` wrote: a line of JSON, then its samples as float32."""
    line = stream.readline()
    if not line:
        raise SourceError(f"espeak-ng ended before all words were spoken: {EXTRA} --force-reinstall")
    about = json.loads(line)
    samples = np.frombuffer(stream.read(4 * about["samples"]), np.float32)
    return Clip(about["name"], about["word"], samples, speaker=about["timbre"])
