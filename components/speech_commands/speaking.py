"""The process in which espeak-ng speaks for `synthetic.speak`: for each clip a line of JSON, then float32 samples."""

import json
import sys

import numpy as np

from components.speech_commands.synthetic import spoken


def main(request: str) -> None:
    """Write the clips of a request: words, count, rate, seed."""
    out = sys.stdout.buffer
    for clip in spoken(*json.loads(request)):
        samples = np.asarray(clip.samples, np.float32)
        about = {"name": clip.name, "word": clip.label, "timbre": clip.speaker, "samples": len(samples)}
        out.write(json.dumps(about).encode() + b"\n" + samples.tobytes())


if __name__ == "__main__":
    main(sys.argv[1])
