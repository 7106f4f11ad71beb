"""A Bidirectional of two GRUs while a model is traced."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from components.converters.tracing.recording import Recording


def run_both(now: "Recording", layer: Any, x: Any, initial_state: Any, mask: Any) -> Any:
    """A Bidirectional of two GRUs, without turning the backward outputs twice."""
    import keras

    states = [] if initial_state is None else list(initial_state)
    half = len(states) // 2
    forward, backward = layer.forward_layer, layer.backward_layer
    results = [forward(x, initial_state=states[:half] or None, mask=mask)]
    now.natural = backward if layer.return_sequences and backward.go_backwards else None
    results.append(backward(x, initial_state=states[half:] or None, mask=mask))
    now.natural = None
    after: tuple[Any, ...] = ()
    if layer.return_state:
        after = tuple(results[0][1:]) + tuple(results[1][1:])
        results = [results[0][0], results[1][0]]
    if layer.return_sequences and not backward.go_backwards:
        results[1] = keras.ops.flip(results[1], axis=1)
    merged = _merged(layer.merge_mode, *results)
    whole = tuple(merged) if layer.merge_mode is None else (merged,)
    return (*whole, *after) if layer.return_state else merged


def _merged(mode: str | None, one: Any, other: Any) -> Any:
    import keras

    if mode is None:
        return one, other
    if mode == "concat":
        return keras.ops.concatenate([one, other], axis=-1)
    if mode == "mul":
        return one * other
    return (one + other) / 2 if mode == "ave" else one + other
