"""The process in which TensorFlow Lite Micro runs a file once and prints, on stderr, the memory it took.

Started by `micro.py` with the paths of the file and of its inputs (.npz, in the interpreter's order); a process of its
own because a failure in it may be a crash, and because its report goes to the C library's stderr.
"""

import sys
from pathlib import Path

import numpy as np

ARENA_SHARE, LEAST_ARENA = 10, 1 << 20  # bytes offered per byte of the file, and at least: more than is ever needed


def main(path: Path, inputs: Path) -> None:
    """Run the file once."""
    from tflite_micro import runtime

    content = path.read_bytes()
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=max(LEAST_ARENA, ARENA_SHARE * len(content)))
    with np.load(inputs) as arrays:
        for index, name in enumerate(arrays.files):
            interpreter.set_input(arrays[name], index)
    interpreter.invoke()
    interpreter.print_allocations()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
