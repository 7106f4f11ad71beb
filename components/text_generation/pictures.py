"""Where in a text a model does well."""

from pathlib import Path

import numpy as np

SMOOTHING = 0.05  # of the text: width of the running mean in the picture
WIDTH_INCHES, HEIGHT_INCHES, DOTS_PER_INCH = 9.0, 4.0, 110


def draw_losses(path: Path, losses: dict[str, np.ndarray], unit: str) -> None:
    """Write a picture of each model's loss along the test part.

    Args:
        path: the PNG to write.
        losses: per model, by its name, the loss of each chunk, (chunks,).
        unit: what a loss is in.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    for name, each in losses.items():
        width = max(1, round(SMOOTHING * len(each)))
        smooth = np.convolve(each, np.ones(width) / width, "valid")
        place = np.linspace(0, 100, len(smooth))
        axes.plot(place, smooth, label=f"{name.replace('_', ' ')}, mean {each.mean():.3f}")
    axes.set(title="Loss along the test text (lower is better)", xlabel="place in the test text, %", ylabel=unit)
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path)
