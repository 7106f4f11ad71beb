"""A Keras model as one concrete TensorFlow function, its states among the inputs and outputs."""

import inspect
import re
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

from components.converters.specs import GraphSpec, StateSpec, frozen, plain_name, states_of
from components.converters.tracing.recording import Recording, Recurrence, recording
from components.errors import ConversionError
from components.networks.gru import NEXT_STATE, STATE

if TYPE_CHECKING:
    import keras


def layers_of(model: "keras.Model") -> list[Any]:
    """Every layer of a model, nested ones included, in the order in which they were made."""
    return list(model._flatten_layers())


def stateful_layers(model: "keras.Model") -> list[Any]:
    """The layers that keep a state between calls, in order; a layer used twice is listed once.

    Raises:
        ConversionError: a stateful layer of a kind whose state cannot be exported.
    """
    import keras

    from components.networks.log_mel import Tail

    found: dict[int, Any] = {}
    for layer in layers_of(model):
        if not getattr(layer, "stateful", False) or isinstance(layer, keras.layers.Bidirectional | keras.Model):
            continue
        if not isinstance(layer, keras.layers.RNN | Tail):
            kind = type(layer).__name__
            raise ConversionError(f"layer '{layer.name}' ({kind}): its state cannot be exported; use GRU or Tail")
        found.setdefault(id(layer), layer)
    return list(found.values())


def implicit_states(model: "keras.Model", spec: GraphSpec) -> list[tuple[Any, StateSpec]]:
    """A state for each state tensor of each stateful layer, numbered after the explicit ones of `spec`.

    A number whose names the model has given to something else is left out.
    """
    import keras

    taken = {tensor.name for tensor in (*spec.inputs, *spec.outputs)}
    free = (number for number in count(len(states_of(spec))) if not taken & _state_names(number))
    found: list[tuple[Any, StateSpec]] = []
    for layer in stateful_layers(model):
        if layer.states is None:
            raise ConversionError(f"layer '{layer.name}': call the model once before it is exported")
        for variable in keras.tree.flatten(layer.states):
            number = next(free)
            name, after = STATE.format(number), NEXT_STATE.format(number)
            found.append((layer, StateSpec(name, after, ("batch", *variable.shape[1:]), "float32")))
    return found


def _state_names(number: int) -> set[str]:
    return {STATE.format(number), NEXT_STATE.format(number)}


def all_states(model: "keras.Model", spec: GraphSpec) -> tuple[StateSpec, ...]:
    """The explicit states of `spec` and those of stateful layers."""
    return states_of(spec) + tuple(state for _, state in implicit_states(model, spec))


def trace(
    model: "keras.Model",
    spec: GraphSpec,
    recurrence: Recurrence | None,
    *,
    fixed: bool = False,
    written_out: bool = False,
) -> tuple[Any, tuple[StateSpec, ...]]:
    """A concrete TensorFlow function of `model`, named as `spec` says, and all its states.

    Args:
        model: the model.
        spec: names and shapes; states of stateful layers are added to it.
        recurrence: what each GRU runs, None for Keras' own loop.
        fixed: freeze the axes that the specification lists as fixed.
        written_out: have Keras' own loops take those steps one by one.

    Raises:
        ConversionError: the model cannot be called as the specification says.
    """
    import tensorflow as tf

    kept = implicit_states(model, spec)
    sizes = spec.fixed if fixed else {}
    named = [(t.name, t.shape, t.dtype) for t in spec.inputs] + [(s.name, s.shape, s.dtype) for _, s in kept]
    signature = [tf.TensorSpec(frozen(shape, sizes), dtype, name=name) for name, shape, dtype in named]

    def graph(*tensors: Any) -> dict[str, Any]:
        now = Recording(recurrence, written_out=written_out)
        for (layer, _), tensor in zip(kept, tensors[len(spec.inputs) :], strict=True):
            now.states.setdefault(id(layer), []).append(tensor)
        with recording(now):
            outputs = call_named(model, spec, tensors[: len(spec.inputs)])
        for layer, state in kept:
            outputs[state.next] = now.states[id(layer)].pop(0)
        return {name: tf.identity(value) for name, value in outputs.items()}

    try:
        function = tf.function(graph, autograph=False, jit_compile=False).get_concrete_function(*signature)
    except ConversionError as error:
        raise ConversionError(first_line(error)) from None  # Keras has added what the layer was called with
    except Exception as error:  # Keras wraps whatever goes wrong inside a layer in classes of its own
        raise ConversionError(f"model '{model.name}' cannot be traced: {first_line(error)}") from error
    return function, all_states(model, spec)


def call_named(model: "keras.Model", spec: GraphSpec, tensors: Any) -> dict[str, Any]:
    """The model's outputs by the names of `spec`, called with its inputs in the structure it wants."""
    import keras

    by_name = dict(zip([t.name for t in spec.inputs], tensors, strict=True))
    struct = getattr(model, "_inputs_struct", None)
    if struct is not None:
        names = [tensor.name for tensor in keras.tree.flatten(struct)]
        ordered = [by_name[n] for n in names] if set(names) == set(by_name) else list(tensors)
        results = model(keras.tree.pack_sequence_as(struct, ordered), training=False)
    else:
        results = model(*arguments_of(model, by_name), training=False)
    if isinstance(results, dict):
        results = {plain_name(str(name)): value for name, value in results.items()}
        missing = [t.name for t in spec.outputs if t.name not in results]
        if missing:
            raise ConversionError(f"model '{model.name}' has no output '{missing[0]}': it has {', '.join(results)}")
        return {t.name: results[t.name] for t in spec.outputs}
    return dict(zip([t.name for t in spec.outputs], keras.tree.flatten(results), strict=True))


def arguments_of(model: "keras.Model", tensors: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a subclassed model is called with: an argument each, or all in a dictionary or a list."""
    shapes = getattr(model, "_build_shapes_dict", None) or {}
    if any(isinstance(shape, Mapping) and set(shape) == set(tensors) for shape in shapes.values()):
        return (dict(tensors),)
    given = inspect.signature(model.call).parameters.values()
    needed = [one for one in given if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]
    return tuple(tensors.values()) if len(tensors) in (1, len(needed)) else (list(tensors.values()),)


def first_line(error: BaseException) -> str:
    """The line of an error message that says what is wrong."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # Keras colours its messages
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("Exception encountered", "Arguments received", "•"))]
    return (said or lines or [type(error).__name__])[0]
