"""Table `generation`: characters per second, one at a time, sampling included."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.benchmarks.bundles import Prepared, untrained
from components.benchmarks.markdown import grid, share, speedup_of
from components.benchmarks.preparing import prepared
from components.benchmarks.processes import Case, Effort, Peer, race, started, thread_counts
from components.benchmarks.timing import timed_rows

TITLE = "Text, one character at a time"
TEXT = (
    "Embedding, one GRU layer, output layer, temperature 0.8, every character drawn and fed back. Keras and PyTorch: "
    "the loops that people write; Gatewise: `gatewise.load(bundle, variant).predict(...)`."
)
KERAS = "Keras predict loop"
TORCH, TORCH_CELL = "PyTorch nn.GRU loop", "PyTorch nn.GRUCell loop"
RIVALS = (
    Peer(KERAS, "tensorflow_loops"),
    Peer("Keras tf.function loop", "tensorflow_loops"),
    Peer(TORCH, "torch_loops"),
    Peer(TORCH_CELL, "torch_loops"),
)
TASKS = {
    KERAS: "write predict",
    "Keras tf.function loop": "write graph",
    TORCH: "write",
    TORCH_CELL: "write cell",
}
OURS = "Gatewise"
UNITS = (256, 512)
EMBEDDING, LAYERS = 64, 1
US_PER_S = 1e6


def prepare(folder: Path) -> None:
    """One bundle per size."""
    for units in UNITS:
        untrained("text_generation", {"units": units, "layers": LAYERS, "embedding": EMBEDDING}, folder / str(units))


def run(folder: Path, effort: Effort) -> dict[str, Any]:
    """The table."""
    models = prepared("generation", folder)
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    manifests = {
        units: json.loads((Prepared(models / str(units)).bundle / "manifest.json").read_text()) for units in UNITS
    }
    variants = {_label(name): name for manifest in manifests.values() for name in [None, *manifest["variants"]]}
    peers = (*RIVALS, *(Peer(label, "predictors") for label in variants))
    for threads in thread_counts():
        with started(peers, threads, notes) as live:
            for units in UNITS:
                cases = _cases(Prepared(models / str(units)), manifests[units], variants, units)
                found = timed_rows(race(live, cases, notes, effort), [KERAS, TORCH, TORCH_CELL])
                rows += [_row(row, units, threads, variants, manifests[units]) for row in found]
    return {"rows": rows, "notes": notes, "vocabulary": _vocabulary(manifests[UNITS[0]])}


def _label(variant: str | None) -> str:
    return f"{OURS} {variant or 'as loaded'}"


def _vocabulary(manifest: Mapping[str, Any]) -> int:
    return int(manifest["graph"]["outputs"][0]["shape"][-1])


def _cases(
    models: Prepared, manifest: Mapping[str, Any], variants: Mapping[str, str | None], units: int
) -> dict[str, Case]:
    """What each peer is asked to write."""
    network = {
        "of": f"{units} units",
        "file": str(models.keras),
        "states": {state["name"]: state["shape"][-1] for state in manifest["graph"]["states"]},
        "vocabulary": _vocabulary(manifest),
        "embedding": EMBEDDING,
        "units_of_gru": units,
        "layers": LAYERS,
    }
    cases: dict[str, Case] = {peer.label: {**network, "task": TASKS[peer.label]} for peer in RIVALS}
    for label, variant in variants.items():
        if variant is None or variant in manifest["variants"]:
            bundle = str(models.bundle)
            cases[label] = {
                "of": f"{units} units",
                "task": "write",
                "bundle": bundle,
                "variant": variant,
                "prompt": "a",
            }
    return cases


def _row(
    row: Mapping[str, Any], units: int, threads: int, variants: Mapping[str, str | None], manifest: Mapping[str, Any]
) -> dict[str, Any]:
    """A row of the table: speed, and for our variants their precision and bytes."""
    facts: dict[str, Any] = {"units": units, "threads": threads, **row, "per_second": US_PER_S / row["median_us"]}
    if row["peer"] in variants:
        name = variants[row["peer"]] or _stepping(manifest)
        facts |= {
            "variant": name,
            **{key: manifest["variants"][name][key] for key in ("precision", "bytes", "runtime")},
        }
    return facts


def _stepping(manifest: Mapping[str, Any]) -> str:
    """The variant that takes the steps when none is asked for."""
    return str(manifest["settings"].get("step_variant") or manifest["default_variant"])


def lines(table: Mapping[str, Any]) -> list[str]:
    """The table as Markdown."""
    written = [f"Vocabulary of {table['vocabulary']} characters.", ""]
    header = ["by", "units", "threads", "characters/s", "spread", f"× {KERAS}", f"× {TORCH}", f"× {TORCH_CELL}"]
    return written + grid(
        header,
        [
            [
                row["peer"],
                str(row["units"]),
                str(row["threads"]),
                f"{row['per_second']:,.0f}",
                share(row["spread"]),
                *(speedup_of(row, name) for name in (KERAS, TORCH, TORCH_CELL)),
            ]
            for row in table["rows"]
        ],
    )
