"""Peers in processes of their own, side by side: all stand ready, and they are asked in turns, one at a time."""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from components.benchmarks.timing import Timing
from components.measuring.machine import machine

log = logging.getLogger(__name__)

STOP_S = 20.0  # a peer that has not ended by then is killed
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")

Case = Mapping[str, Any]


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        turns: turns of every peer in every case.
        seconds: length of a turn.
        starts: starts of every process for the cold start.
    """

    turns: int = 7
    seconds: float = 0.15
    starts: int = 5


QUICK = Effort(turns=2, seconds=0.02, starts=1)


@dataclass(frozen=True)
class Peer:
    """Somebody in a race: the label in the tables, and the module of `peers` that runs it."""

    label: str
    runtime: str


class LivePeer:
    """A peer's process, which answers one line of JSON with another."""

    def __init__(self, peer: Peer, threads: int) -> None:
        self.peer = peer
        self._log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 (closed by stop)
        command = [sys.executable, "-m", "components.benchmarks.peers", peer.runtime, str(threads)]
        environment = {**os.environ, **QUIET, **dict.fromkeys(THREADS, str(threads))}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, env=environment
        )

    def answer(self) -> dict[str, Any]:
        """The next line it says; an error when it has ended."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if line:
            return dict(json.loads(line))
        self._log.seek(0)
        said = [text.strip() for text in self._log if text.strip()] or ["it said nothing"]
        return {"error": f"its process ended: {said[-1]}"}

    def turn(self, case: Case, seconds: float) -> dict[str, Any]:
        """Nanoseconds of each repeat within one turn under "times", or an "error"."""
        if self._process.stdin is None:
            return {"error": "its process cannot be asked"}
        try:
            self._process.stdin.write(json.dumps({"case": dict(case), "seconds": seconds}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            log.debug("%s has ended: its last words follow", self.peer.label)
        return self.answer()

    def stop(self) -> None:
        """End the process: without input there is nothing left for it to do."""
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):  # it has ended already, and a request was still on its way
                if stream:
                    stream.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


@contextmanager
def started(peers: Sequence[Peer], threads: int, notes: list[str]) -> Iterator[list[LivePeer]]:
    """The peers that started, each in its process; why another did not is added to `notes`."""
    with ExitStack() as stack:
        live = []
        for peer in peers:
            live.append(LivePeer(peer, threads))
            stack.callback(live[-1].stop)
        ready = []
        for candidate in live:
            if problem := candidate.answer().get("error"):
                note(notes, f"{candidate.peer.label} is left out: {problem}.")
            else:
                ready.append(candidate)
        yield ready


def race(
    live: Sequence[LivePeer],
    cases: Mapping[str, Case],
    notes: list[str],
    effort: Effort,
) -> dict[str, Timing]:
    """What each peer that has a case took, by label; peers alternate, so that all meet the same weather."""
    racing = [peer for peer in live if peer.peer.label in cases]
    times: dict[str, list[tuple[float, ...]]] = {peer.peer.label: [] for peer in racing}
    for _ in range(effort.turns):
        for peer in list(racing):
            label = peer.peer.label
            reply = peer.turn(cases[label], effort.seconds)
            if problem := reply.get("error"):
                note(notes, f"{label} is left out of {cases[label].get('of', 'a case')}: {problem}.")
                racing.remove(peer)
            else:
                times[label].append(tuple(reply["times"]))
    finished = [peer.peer.label for peer in racing]
    return {label: Timing(tuple(times[label])) for label in finished}


def swapping(
    pair: Sequence[LivePeer], cases: Mapping[str, Case], notes: list[str], effort: Effort
) -> dict[str, Timing]:
    """As `race` for two peers of one runtime, which swap their cases after every turn.

    Where a process' memory lies makes it 2% faster or slower for as long as it lives; so each case meets both.
    """
    labels = [peer.peer.label for peer in pair]
    times: dict[str, list[tuple[float, ...]]] = {label: [] for label in labels}
    for turn in range(2 * effort.turns):
        for place, label in enumerate(labels):
            reply = pair[(place + turn) % len(pair)].turn(cases[label], effort.seconds)
            if problem := reply.get("error"):
                note(notes, f"{label} is left out of {cases[label].get('of', 'a case')}: {problem}.")
                return {}
            times[label].append(tuple(reply["times"]))
    return {label: Timing(tuple(turns)) for label, turns in times.items()}


def thread_counts() -> tuple[int, ...]:
    """One thread, and as many as there are cores."""
    return tuple(sorted({1, int(machine()["cores"])}))


def note(notes: list[str], text: str) -> None:
    """Keep a remark for the table, once."""
    if text not in notes:
        notes.append(text)
        log.info("%s", text)
