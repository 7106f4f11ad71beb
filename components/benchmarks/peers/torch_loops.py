"""PyTorch's `nn.GRU` and `nn.GRUCell` of the same sizes, with weights of their own: speed does not depend on them."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from components.benchmarks.peers import Prepare, Work
from components.benchmarks.peers.sessions import noise

CHARACTERS = 100  # generated per call
TEMPERATURE = 0.8


def start(threads: int) -> Prepare:
    """A function that builds a case's network and does its `task`: "layer", "write" or "write cell"."""
    import torch

    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    tasks = {"layer": _layer, "write": _write, "write cell": _write_cell}

    def prepare(case: Mapping[str, Any]) -> Work:
        torch.manual_seed(0)
        return tasks[case["task"]](case)

    return prepare


def _layer(case: Mapping[str, Any]) -> Work:
    """The last state that one `nn.GRU` reaches, from numpy to numpy."""
    import torch

    gru = torch.nn.GRU(case["features"], case["units_of_gru"], batch_first=True).eval()
    (array,) = noise(case["shapes"], {}).values()  # (batch, time, features)

    def call() -> Any:
        with torch.inference_mode():
            return gru(torch.from_numpy(array))[1][0].numpy()

    return Work(call)


def _write(case: Mapping[str, Any]) -> Work:
    """A loop of single steps through embedding, `nn.GRU` and linear layer, each id drawn by `multinomial`."""
    import torch

    embedding = torch.nn.Embedding(case["vocabulary"], case["embedding"])
    gru = torch.nn.GRU(case["embedding"], case["units_of_gru"], case["layers"], batch_first=True).eval()
    output = torch.nn.Linear(case["units_of_gru"], case["vocabulary"])

    def write() -> list[int]:
        ids, state, text = torch.ones((1, 1), dtype=torch.long), None, []
        with torch.inference_mode():
            for _ in range(CHARACTERS):
                x, state = gru(embedding(ids), state)
                ids = torch.multinomial(torch.softmax(output(x[:, -1]) / TEMPERATURE, -1), 1)  # (1, 1)
                text.append(int(ids))
        return text

    return Work(write, CHARACTERS)


def _write_cell(case: Mapping[str, Any]) -> Work:
    """The same loop through `nn.GRUCell`, one per layer."""
    import torch

    embedding = torch.nn.Embedding(case["vocabulary"], case["embedding"])
    sizes = [case["embedding"], *[case["units_of_gru"]] * case["layers"]]
    cells = [torch.nn.GRUCell(before, after) for before, after in pairwise(sizes)]
    output = torch.nn.Linear(case["units_of_gru"], case["vocabulary"])

    def write() -> list[int]:
        ids, text = torch.ones(1, dtype=torch.long), []
        states = [torch.zeros((1, case["units_of_gru"])) for _ in cells]
        with torch.inference_mode():
            for _ in range(CHARACTERS):
                x = embedding(ids)  # (1, embedding)
                for index, cell in enumerate(cells):
                    x = states[index] = cell(x, states[index])
                ids = torch.multinomial(torch.softmax(output(x) / TEMPERATURE, -1), 1)[0]  # (1,)
                text.append(int(ids))
        return text

    return Work(write, CHARACTERS)
