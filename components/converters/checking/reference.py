"""What Keras itself makes of inputs: the reference that every file is compared with."""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from components.converters.specs import GraphSpec, StateSpec
from components.converters.tracing.substitutes import plain_scopes
from components.converters.tracing.trace import call_named, first_line, implicit_states
from components.data.progress import new_bar
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

Feeds = dict[str, np.ndarray]
Arrays = Mapping[str, np.ndarray]
Case = tuple[Arrays, Arrays]  # inputs, and what Keras makes of them


def keras_cases(model: "keras.Model", spec: GraphSpec, feeds: Sequence[Feeds]) -> list[Case]:
    """Each case with what Keras makes of it: outputs and next states by name.

    Raises:
        ConversionError: as `Reference`.
    """
    log.info("asking Keras for its answers to %d cases", len(feeds))
    reference = Reference(model, spec)
    found: list[Case] = []
    with new_bar() as bar:
        task = bar.add_task("Keras' answers", total=len(feeds), note="")
        for case in feeds:
            found.append((case, reference(case)))
            bar.advance(task)
    return found


class Reference:
    """Keras' own answers; it is called with inputs and states by name, the model's own states stay what they are.

    The model's call is traced once for each shape, without anything of ours in its place: one step after the other of a
    Keras loop outside of a graph takes a hundred times as long.
    """

    def __init__(self, model: "keras.Model", spec: GraphSpec) -> None:
        import tensorflow as tf

        self.model, self.spec = model, spec
        kept = implicit_states(model, spec)
        self.states = [state for _, state in kept]
        self.variables = dict(zip([state.name for state in self.states], _variables(kept), strict=True))
        self.traced = tf.function(lambda *tensors: call_named(model, spec, tensors), autograph=False)

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> Feeds:
        """Outputs and next states by name.

        Raises:
            ConversionError: the model cannot be called with the case, or its outputs are empty or not numbers.
        """
        rows = len(next(iter(feeds.values())))
        tiled = self._tiled(feeds, rows)
        before = {name: np.array(variable.value.numpy()) for name, variable in self.variables.items()}
        try:
            for name, variable in self.variables.items():
                variable.assign(tiled[name])
            found = {name: np.array(value)[:rows] for name, value in self._called(tiled).items()}
            for state in self.states:
                found[state.next] = np.array(self.variables[state.name].value.numpy())[:rows]
        except ConversionError:
            raise
        except Exception as error:  # whatever the model's own layers raise
            shapes = ", ".join(f"{name} {array.shape}" for name, array in feeds.items())
            raise ConversionError(
                f"model '{self.model.name}' cannot be called with {shapes}: {first_line(error)}"
            ) from error
        finally:
            for name, variable in self.variables.items():
                variable.assign(before[name])
        _check_numbers(self.model.name, found)
        return found

    def _called(self, tiled: Mapping[str, np.ndarray]) -> Feeds:
        import keras

        tensors = [keras.ops.convert_to_tensor(tiled[t.name], t.dtype) for t in self.spec.inputs]
        with plain_scopes():
            return {name: value.numpy() for name, value in self.traced(*tensors).items()}

    def _tiled(self, feeds: Mapping[str, np.ndarray], rows: int) -> Feeds:
        """The inputs with as many rows as the model keeps states of."""
        needed = next((int(variable.shape[0]) for variable in self.variables.values()), rows)
        if rows > needed:
            raise ConversionError(
                f"model '{self.model.name}' keeps states of {needed} rows, not {rows}: fix batch to {needed}"
            )
        return {name: np.resize(array, (needed, *array.shape[1:])) for name, array in feeds.items()}


def _check_numbers(model: str, found: Mapping[str, np.ndarray]) -> None:
    for name, array in found.items():
        if array.size == 0:
            raise ConversionError(f"model '{model}': output '{name}' came out empty, shape {array.shape}")
        if np.isnan(array.astype(np.float64)).any():
            raise ConversionError(f"model '{model}' computes NaN for output '{name}': its weights are damaged")


def _variables(kept: Sequence[tuple[Any, StateSpec]]) -> list[Any]:
    """The Keras variable behind each state."""
    import keras

    places = {id(layer): iter(keras.tree.flatten(layer.states)) for layer, _ in kept}
    return [next(places[id(layer)]) for layer, _ in kept]
