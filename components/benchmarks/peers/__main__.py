"""A peer's process: one case per line of JSON on stdin, the times of its repeats on stdout."""

import json
import os
import sys
from importlib import import_module
from typing import Any, TextIO

from components.benchmarks.peers import Prepare, Work
from components.benchmarks.timing import repeat

RUNTIMES = ("sessions", "predictors", "tensorflow_loops", "torch_loops")


def main(runtime: str, threads: int) -> int:
    """Answer until stdin ends."""
    answers = _own_stdout()
    if runtime not in RUNTIMES:
        _say(answers, {"error": f"unknown runtime '{runtime}': choose from {', '.join(RUNTIMES)}"})
        return 1
    try:
        prepare = import_module(f"components.benchmarks.peers.{runtime}").start(threads)
    except ImportError as error:
        _say(answers, {"error": f"{error.name} is not installed (`make bench` installs it)"})
        return 1
    _say(answers, {"ready": runtime})
    _serve(prepare, answers)
    return 0


def _serve(prepare: Prepare, answers: TextIO) -> None:
    """Answer one request after the other; only the latest case is kept ready."""
    case: Any = None
    work = Work(lambda: None)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["case"] != case:
                work = prepare(request["case"])
                work.call()  # traces, allocates, loads
                case = request["case"]
            times = repeat(work.call, request["seconds"])
            _say(answers, {"times": [time / work.units for time in times]})
        except Exception as error:  # whatever a runtime raises becomes a remark under the table
            first = next(iter(str(error).splitlines()), "")
            _say(answers, {"error": f"{type(error).__name__}: {first}"})


def _own_stdout() -> TextIO:
    """The real stdout; whatever a library prints goes to stderr from now on."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _say(answers: TextIO, reply: dict[str, Any]) -> None:
    answers.write(json.dumps(reply) + "\n")
    answers.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
