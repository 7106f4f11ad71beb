"""Table `audio`: microseconds per 20 ms of sound, front end included, and what the front end costs alone."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.benchmarks import front_ends
from components.benchmarks.bundles import Prepared, untrained
from components.benchmarks.markdown import duration, grid, share, speedup_of
from components.benchmarks.preparing import prepared
from components.benchmarks.processes import Case, Effort, Peer, note, race, started, thread_counts
from components.benchmarks.timing import timed_rows
from components.errors import ConversionError

TITLE = "Sound, 20 ms at a time"
TEXT = (
    "A recogniser of 128 units with its log-mel front end in the graph, per 20 ms of sound. `feed`: "
    "`CommandRecognizer.feed` of the 40 ms that an answer takes, detection included; `clip`: `predict` of one second; "
    "`graph`: the file's session alone, 40 ms."
)
UNITS = 128
OURS = "Gatewise as loaded"
KERAS = "Keras tf.function, graph"
PACKET_MS, CLIP_PACKETS = 20, 50
PACKET_US = PACKET_MS * 1_000
US_PER_S = 1e6
REFERENCE = front_ends.FRONT_ENDS[0].name


def prepare(folder: Path) -> None:
    """The recogniser's bundle, every front end's files, and `front_ends.json`: what came of each."""
    untrained("speech_commands", {"units": UNITS}, folder / "recogniser")
    results: dict[str, Any] = {}
    for index, front_end in enumerate(front_ends.FRONT_ENDS):
        names = {n: f"front_end{index}.{n}.{front_end.suffix}" for n in front_ends.FRAMES.values()}
        try:
            front_end.write({front_ends.samples_of(n): folder / name for n, name in names.items()})
        except ConversionError as error:
            results[front_end.name] = {"problem": str(error)}
        else:
            results[front_end.name] = {str(frames): _checked(folder / name, frames) for frames, name in names.items()}
    (folder / "front_ends.json").write_text(json.dumps(results))


def _checked(path: Path, frames: int) -> dict[str, Any]:
    """A file with its largest error against Keras, or why it does not run."""
    from components.benchmarks.peers.sessions import noise
    from gatewise.runtime import LiteRtSession, OnnxSession

    samples = front_ends.samples_of(frames)
    feeds = noise({front_ends.INPUT: (1, samples)}, {})
    expected = front_ends.network(front_ends.LogMel())(feeds[front_ends.INPUT])[front_ends.OUTPUT]
    try:
        session = (LiteRtSession if path.suffix == ".tflite" else OnnxSession)(path.read_bytes(), 1)
        got = session.run(feeds)[front_ends.OUTPUT]
    except Exception as error:  # each runtime has error classes of its own
        return {"problem": next(iter(str(error).splitlines()), type(error).__name__)}
    return {"file": path.name, "samples": samples, "error": float(np.abs(got - expected).max())}


def run(folder: Path, effort: Effort) -> dict[str, Any]:
    """The table."""
    models = prepared("audio", folder)
    notes: list[str] = []
    recogniser = Prepared(models / "recogniser")
    peers, cases = _recogniser(recogniser)
    rows: list[dict[str, Any]] = []
    for threads in thread_counts():
        with started(peers, threads, notes) as live:
            for row in timed_rows(race(live, cases, notes, effort), [KERAS]):
                rows.append({"threads": threads, **row, "real_time_factor": row["median_us"] / PACKET_US})
    return {"rows": rows, "front_ends": _front_ends(models, notes, effort), "notes": notes}


def _recogniser(models: Prepared) -> tuple[list[Peer], dict[str, Case]]:
    """Everybody who runs the recogniser, and what they run."""
    manifest = json.loads((models.bundle / "manifest.json").read_text())
    hop, rate = int(manifest["settings"]["hop"]), int(manifest["settings"]["sample_rate"])
    packets = hop * 1_000 // (rate * PACKET_MS)  # in one call
    shapes: dict[str, list[int]] = {"samples": [1, hop]}
    shapes |= {s["name"]: [1, *(int(size) for size in s["shape"][1:])] for s in manifest["graph"]["states"]}
    peers, cases = [Peer(KERAS, "tensorflow_loops")], dict[str, Case]()
    cases[KERAS] = {"of": "20 ms", "task": "graph", "file": str(models.keras), "shapes": shapes, "units": packets}
    clip: Case = {"task": "predict", "samples": CLIP_PACKETS * rate * PACKET_MS // 1_000, "units": CLIP_PACKETS}
    for label, name in {OURS: None, **{f"Gatewise {name}": name for name in manifest["variants"]}}.items():
        predictor: Case = {"of": "20 ms", "bundle": str(models.bundle), "variant": name}
        peers += [Peer(f"{label}, {way}", "predictors") for way in ("feed", "clip")]
        cases[f"{label}, feed"] = {**predictor, "task": "feed", "samples": hop, "units": packets}
        cases[f"{label}, clip"] = {**predictor, **clip}
    for name, variant in manifest["variants"].items():
        if variant["fixed"].get("samples", hop) == hop:
            peers.append(Peer(f"Gatewise {name}, graph", "sessions"))
            file = str(models.bundle / variant["file"])
            cases[f"Gatewise {name}, graph"] = {"of": "20 ms", "file": file, "shapes": shapes, "units": packets}
    return peers, cases


def _front_ends(models: Path, notes: list[str], effort: Effort) -> list[dict[str, Any]]:
    """Rows of the front ends alone, on one thread."""
    results = json.loads((models / "front_ends.json").read_text())
    peers = [Peer(front_end.name, "sessions") for front_end in front_ends.FRONT_ENDS]
    rows: list[dict[str, Any]] = []
    with started(peers, 1, notes) as live:
        for label, frames in front_ends.FRAMES.items():
            found = {name: made if "problem" in made else made[str(frames)] for name, made in results.items()}
            for name, made in found.items():
                if "problem" in made:
                    note(notes, f"{name}, {label}: {made['problem']}.")
            usable = {name: made for name, made in found.items() if "file" in made}
            cases = {name: _case_of(models, made, label, frames) for name, made in usable.items()}
            for row in timed_rows(race(live, cases, notes, effort), [REFERENCE]):
                rows.append({"at_once": label, "error": usable[row["peer"]]["error"], **row})
    return rows


def _case_of(models: Path, made: Mapping[str, Any], label: str, frames: int) -> Case:
    """A front end's file, timed per frame."""
    shapes = {front_ends.INPUT: [1, made["samples"]]}
    return {"of": label, "file": str(models / made["file"]), "shapes": shapes, "units": frames}


def lines(table: Mapping[str, Any]) -> list[str]:
    """The table as Markdown."""
    header = ["by", "threads", "per 20 ms", "fastest", "spread", "real-time factor", f"× {KERAS}"]
    written = grid(header, [_listed(row) for row in table["rows"]])
    written += ["", "The front end alone, one thread, per frame of 20 ms:", ""]
    return written + _grid_of_front_ends(table["front_ends"])


def _listed(row: Mapping[str, Any]) -> list[str]:
    return [
        row["peer"],
        str(row["threads"]),
        duration(row["median_us"]),
        duration(row["fastest_us"]),
        share(row["spread"]),
        f"{row['real_time_factor']:.4f}",
        speedup_of(row, KERAS),
    ]


def _grid_of_front_ends(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    header = ["front end", "frames at once", "per frame", "spread", "frames/s", "largest error", f"× {REFERENCE}"]
    return grid(
        header,
        [
            [
                row["peer"],
                row["at_once"],
                duration(row["median_us"]),
                share(row["spread"]),
                f"{US_PER_S / row['median_us']:,.0f}",
                f"{row['error']:.0e}",
                speedup_of(row, REFERENCE),
            ]
            for row in rows
        ],
    )
