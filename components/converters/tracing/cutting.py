"""The part of a model that a device runs, where the whole is more: text in front, a training loss behind.

| what the model has | what becomes of it |
|---|---|
| lookups of text or ids (`TextVectorization`, `StringLookup`, `IntegerLookup`, `Hashing`) | their result is an input |
| a layer that computes a CTC loss from labels | what it compares with the labels is the output |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

LOSS = "ctc"  # in the name of a layer, or of its class


@dataclass(frozen=True)
class Part:
    """What is converted of a model.

    Attributes:
        model: that part, or the model itself.
        names: of its inputs, where they are not the model's own.
        vocabularies: by input, what turns text or ids into that input.
        notes: what was left out, in sentences.
    """

    model: "keras.Model"
    names: tuple[str, ...] = ()
    vocabularies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def convertible_part(model: "keras.Model") -> Part:
    """The part of a model that can be converted; a model that does not know its inputs is taken as it is."""
    import keras

    graph = getattr(model, "_functional", None) or model
    if not isinstance(graph, keras.Model) or getattr(graph, "_outputs_struct", None) is None:
        return Part(model)
    outputs, notes = _without_losses(keras.tree.flatten(graph._outputs_struct))
    inputs, lookups = _reached(outputs)
    if not notes and not lookups:
        return Part(model)
    ordered = [tensor for tensor in graph.inputs if id(tensor) in inputs]
    names, vocabularies = [tensor.name for tensor in ordered], {}
    for tensor in lookups:
        layer, name = tensor._keras_history.operation, _name(tensor, names)
        names.append(name)
        vocabularies[name] = _described(layer)
        notes.append(f"Layer '{layer.name}' ({type(layer).__name__}) is left out: input '{name}' takes what it makes.")
    results = keras.tree.pack_sequence_as(graph._outputs_struct, outputs)
    return Part(keras.Model([*ordered, *lookups], results, name=model.name), tuple(names), vocabularies, tuple(notes))


def _without_losses(outputs: Sequence[Any]) -> tuple[list[Any], list[str]]:
    """The outputs, and for those that are a loss what it judges."""
    kept, notes = [], []
    for tensor in outputs:
        operation = tensor._keras_history.operation
        judged = [before for before in _inputs_of(tensor) if not _is_input(before)]
        if LOSS in f"{operation.name} {type(operation).__name__}".lower() and len(judged) == 1:
            notes.append(f"Layer '{operation.name}' ({type(operation).__name__}) is left out: it computes a loss.")
            tensor = judged[0]
        kept.append(tensor)
    return kept, notes


def _reached(outputs: Sequence[Any]) -> tuple[set[int], list[Any]]:
    """Ids of the inputs that outputs depend on otherwise than through a lookup, and what lookups hand on."""
    inputs: set[int] = set()
    lookups: dict[int, Any] = {}
    seen: set[int] = set()
    waiting = list(outputs)
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        if _is_input(tensor):
            inputs.add(id(tensor))
        elif _looks_up(tensor._keras_history.operation):
            lookups[id(tensor)] = tensor
        else:
            waiting += _inputs_of(tensor)
    return inputs, list(lookups.values())[::-1]


def _inputs_of(tensor: Any) -> list[Any]:
    operation, node, _ = tensor._keras_history
    return list(operation._inbound_nodes[node].input_tensors)


def _is_input(tensor: Any) -> bool:
    import keras

    return isinstance(tensor._keras_history.operation, keras.layers.InputLayer)


def _looks_up(operation: Any) -> bool:
    """Whether an operation is a lookup, or a model around one that has learnt nothing."""
    import keras

    kinds = (
        keras.layers.TextVectorization,
        keras.layers.StringLookup,
        keras.layers.IntegerLookup,
        keras.layers.Hashing,
        keras.layers.HashedCrossing,
    )
    if isinstance(operation, keras.Model) and not operation.weights:
        return any(isinstance(layer, kinds) for layer in operation._flatten_layers())
    return isinstance(operation, kinds)


def _name(tensor: Any, taken: Sequence[str]) -> str:
    """The name of the input behind a lookup, or the lookup's own where that is taken."""
    before = tensor
    while not _is_input(before) and _inputs_of(before):
        before = _inputs_of(before)[0]
    return str(before.name) if before.name not in taken else str(tensor._keras_history.operation.name)


def _described(layer: Any) -> dict[str, Any]:
    """What programs need to do as the layer does."""
    settings = {"layer": type(layer).__name__, "settings": layer.get_config()}
    if hasattr(layer, "get_vocabulary"):
        settings["vocabulary"] = [word if isinstance(word, str) else int(word) for word in layer.get_vocabulary()]
        settings["settings"].pop("vocabulary", None)
    return settings
