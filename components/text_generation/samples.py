"""What a person wants to see of a text model: passages it writes, and where in a text it does well."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.application import Predict
from components.data.tokenizing import UNKNOWN
from components.text_generation.ids import decode

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SMOOTHING = 0.05  # of the text: width of the running mean in the picture
WIDTH_INCHES, HEIGHT_INCHES, DOTS_PER_INCH = 9.0, 4.0, 110


def write_on(
    predict: Predict,
    tokenizer: "Tokenizer",
    prompt: np.ndarray,
    states: dict[str, np.ndarray],
    temperature: float,
    length: int,
    seed: int = 1,
) -> str:
    """The text that a network writes after a prompt.

    Args:
        predict: the network.
        tokenizer: turns its ids into text.
        prompt: ids to start from, (time,).
        states: start states by name, each (units,).
        temperature: as in `gatewise.sampling.Sampler`.
        length: ids to write.
        seed: of the draws.
    """
    from gatewise.sampling import Sampler

    carried = {name: state[None] for name, state in states.items()}
    ids, written, sampler = prompt[None], [], None
    for _ in range(length):
        results = predict({"ids": ids.astype(np.int32), **carried})
        carried = {name: results[f"{name}_next"] for name in states}
        logits = results["logits"][0, -1]  # (vocabulary,)
        sampler = sampler or Sampler(len(logits), temperature, seed=seed, banned=tokenizer.token_to_id(UNKNOWN))
        written.append(sampler.draw(np.array(logits)))
        ids = np.array([[written[-1]]])
    return decode(tokenizer, written)


def fenced(text: str) -> str:
    """The text as a Markdown code block that shows it letter by letter."""
    fence = "`" * max(3, 1 + max((len(run) for run in text.split() if set(run) == {"`"}), default=0))
    return f"{fence}text\n{text}\n{fence}"


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
