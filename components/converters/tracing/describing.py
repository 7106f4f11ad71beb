"""The names, shapes and dtypes of a Keras model that comes without a specification."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from components.converters.specs import GraphSpec, TensorSpec, plain_name, states_of
from components.converters.tracing.precision import widened
from components.converters.tracing.trace import arguments_of, first_line, stateful_layers
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras

BATCH, TIME = "batch", "time"
STEPS = 128  # of a fixed time axis when nobody says otherwise


def spec_of(
    model: "keras.Model", inputs: Sequence[TensorSpec] | None = None, fixed: Mapping[str, int] | None = None
) -> GraphSpec:
    """The specification of a model, its free axes fixed for the runtimes that want that.

    Args:
        model: any Keras model.
        inputs: its inputs, needed for a subclassed model that does not know them.
        fixed: sizes of named axes; else 1 for the batch, 1 step for a model with states, 128 steps for others.

    Raises:
        ConversionError: the model does not say what it takes, takes text, or has an axis without a size.
    """
    taken = tuple(inputs) if inputs else inputs_of(model)
    texts = [tensor.name for tensor in taken if tensor.dtype == "string"]
    if texts:
        raise ConversionError(
            f"model '{model.name}': input '{texts[0]}' is text: make ids outside, and convert the part that takes them"
        )
    spec = GraphSpec(taken, _outputs(model, taken))
    fixed = _of_axes(fixed or {}, [size for tensor in taken for size in tensor.shape if isinstance(size, str)])
    streams = bool(states_of(spec) or stateful_layers(model))
    axes = [size for tensor in taken for size in tensor.shape if isinstance(size, str)]
    steps = fixed.get(TIME, 1 if streams else STEPS)  # of other inputs too, which mostly are as long
    usual = {axis: 1 if axis == BATCH else steps for axis in axes if axis.startswith((BATCH, TIME))}
    unknown = sorted(set(fixed) - set(axes))
    if unknown:
        raise ConversionError(f"there is no axis '{unknown[0]}' to fix: the model has {', '.join(dict.fromkeys(axes))}")
    for axis, size in fixed.items():
        if size < 1:
            raise ConversionError(f"axis '{axis}' cannot be fixed to {size}: give a whole number from 1")
    sizes = usual | dict(fixed)
    for axis in axes:
        if axis not in sizes:
            raise ConversionError(f"axis '{axis}' of model '{model.name}' has no usual size: fix it (--fix {axis}=…)")
    return GraphSpec(taken, spec.outputs, sizes)


def _of_axes(fixed: Mapping[str, int], axes: Sequence[str]) -> dict[str, int]:
    """The sizes, that of "time" given to the one axis of time where that has a longer name."""
    longer = list(dict.fromkeys(axis for axis in axes if axis.startswith(TIME) or axis.endswith(TIME)))
    if TIME in axes or len(longer) != 1:
        return dict(fixed)
    return {longer[0] if axis == TIME else axis: size for axis, size in fixed.items()}


def inputs_of(model: "keras.Model", given: Sequence[str] = ()) -> tuple[TensorSpec, ...]:
    """The inputs that a model says it takes, under its names or under those given."""
    tensors = _symbolic(model, "inputs")
    if tensors is not None:
        named = [(tensor.name, tensor.shape, str(tensor.dtype)) for tensor in tensors]
    else:
        shapes = getattr(model, "_build_shapes_dict", None) or {}
        named = [(name, shape, "float32") for key, value in shapes.items() for name, shape in _shapes(key, value)]
        if not named or not all(isinstance(size, int | None) for _, shape, _ in named for size in shape):
            raise ConversionError(
                f"model '{model.name}' ({type(model).__name__}) does not say what it takes: give its inputs, "
                "for example inputs=[TensorSpec('x', ('batch', 'time', 8))], --input x=time,8"
            )
    names = _distinct(given or [name for name, _, _ in named])
    return tuple(
        TensorSpec(name, _axes(shape, "" if index == 0 else f"_{name}"), widened(dtype, model))
        for index, (name, (_, shape, dtype)) in enumerate(zip(names, named, strict=True))
    )


def _shapes(key: str, value: Any) -> list[tuple[str, Any]]:
    """Names and shapes of what a model was built with: one shape, a list of them, or some by name."""
    name = key.removesuffix("_shape")
    if isinstance(value, Mapping):
        return [(str(inner), shape) for inner, shape in value.items()]
    if value and all(isinstance(shape, list | tuple) for shape in value):
        return [(name, shape) for shape in value]
    return [(name, value)]


def _outputs(model: "keras.Model", inputs: Sequence[TensorSpec]) -> tuple[TensorSpec, ...]:
    import keras

    tensors = [
        keras.KerasTensor([None if isinstance(s, str) else s for s in t.shape], t.dtype, name=t.name) for t in inputs
    ]
    results: Any = getattr(model, "_outputs_struct", None)
    if results is None:
        try:
            results = model.compute_output_spec(*arguments_of(model, {tensor.name: tensor for tensor in tensors}))
        except Exception as error:  # whatever the model's own call raises
            raise ConversionError(f"model '{model.name}' cannot be called: {first_line(error)}") from error
    flat = keras.tree.flatten(results)
    if isinstance(results, dict):
        names = [str(name) for name in results]
        flat = list(results.values())
    else:
        names = [tensor._keras_history.operation.name for tensor in _symbolic(model, "outputs") or []]
        names = names if len(names) == len(flat) else ["output"] * len(flat)
    kinds = [(name, tensor.shape, str(tensor.dtype)) for name, tensor in zip(_distinct(names), flat, strict=True)]
    return tuple(TensorSpec(name, _axes(shape, ""), widened(dtype, model)) for name, shape, dtype in kinds)


def _symbolic(model: "keras.Model", attribute: str) -> Any:
    """A list of the model's symbolic tensors; None for a model that has none."""
    try:
        return getattr(model, attribute, None)
    except (AttributeError, ValueError):  # a Sequential that was never built
        return None


def _axes(shape: Sequence[int | None], suffix: str) -> tuple[str | int, ...]:
    """The shape with a name for every free axis; the first one is the batch whatever its size."""
    rest = [
        size if size is not None else f"{TIME}{suffix}" if place == 1 else f"axis{place}{suffix}"
        for place, size in enumerate(shape[1:], start=1)
    ]
    return (BATCH, *rest)


def _distinct(names: Sequence[str]) -> list[str]:
    """Plain names, a number behind those that came before."""
    found: list[str] = []
    for name in map(plain_name, names):
        count = 1
        candidate = name
        while candidate in found:
            count += 1
            candidate = f"{name}_{count}"
        found.append(candidate)
    return found
