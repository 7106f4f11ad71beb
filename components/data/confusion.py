"""Which label is taken for which: the confusion matrix, and a picture of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

DPI = 110
FEW_LABELS = 4  # up to so many, cells are wide enough for a share below the count
INCHES = 3.5  # of the picture beside the cells


def confusion(truth: np.ndarray, answers: np.ndarray, labels: int) -> np.ndarray:
    """How many examples of each label (rows) got each answer (columns): (labels, labels)."""
    table = np.zeros((labels, labels), int)
    np.add.at(table, (truth, answers), 1)
    return table


def draw_confusion(table: np.ndarray, labels: Sequence[str], what: str, path: Path) -> None:
    """Write a picture of a confusion matrix: counts in the cells, coloured by their share of the row.

    Args:
        table: as `confusion` counts it.
        labels: names of rows and columns.
        what: what was labelled, for the title, such as "test clips".
        path: the PNG to write.
    """
    from matplotlib.figure import Figure

    few = len(labels) <= FEW_LABELS
    share = 100 * table / np.maximum(1, table.sum(axis=1, keepdims=True))
    size = INCHES + (1.0 if few else 0.42) * len(labels)
    figure = Figure(figsize=(size + 1, size), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    for row, column in np.argwhere(table > 0):
        colour = "white" if share[row, column] > 50 else "black"
        text = f"{table[row, column]:,}" + (f"\n{share[row, column]:.1f}%" if few else "")
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=10 if few else 8)
    axes.set_xticks(range(len(labels)), labels)
    axes.tick_params("x", rotation=0 if few else 45)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(
        xlabel="answer", ylabel="true label", title=f"{table.sum():,} {what}: counts, coloured by share of the row"
    )
    figure.colorbar(image, ax=axes, label="% of the row", shrink=0.8)
    figure.savefig(path)
