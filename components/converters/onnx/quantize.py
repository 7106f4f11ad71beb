"""int8 for onnxruntime, which has no quantised GRU: weights stored in 8 bits, and integer matrix products.

Two ways, both per output channel:

- `with_int8_weights`: every large weight is stored as int8 and its scales, every small constant as int16 and one scale
  (16 bits are the noise floor of the sound that enters) unless its values span more than 16 bits hold, as factors do
  that bring raw features of every size to one; `Cast` and `Mul` bring them back to float32. onnxruntime computes them
  once, when it opens the file, so a run is exactly as fast as in float32. (It keeps `DequantizeLinear`, which says the
  same, for every run.)
- `with_integer_products`: matrix products with a large weight run on integers, their input quantised as it comes. It
  pays where a weight is read once per run, so in graphs of one step. These weights have 7 bits: x86 processors
  without VNNI add pairs of 8-bit products in 16 bits and saturate (255 * 127 * 2 > 32,767).

onnxruntime's own `MatMulNBits` with 8 bits would be a fifth faster (step of 512 units: 18 µs, integer products 22,
float32 124), but only where its kernels know the processor: its way without them takes 740 µs, so no file holds it.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

SMALLEST = 1_024  # elements: below, a weight is stored in 16 bits
SMALLEST_CHANNEL = 8  # elements: below, a scale for each channel costs as much as what it scales
SMALLEST_16 = 64  # elements: below, the two nodes cost what the bytes save
SMALLEST_FACTOR = 128  # steps of 16 bits: below, a factor would be wrong by half a percent
TERMS_SPAN = 1_000  # times the middle term: with larger ones among them, the others would lose what they hold
TERMS = {"Add": (0, 1), "Sub": (0, 1), "GRU": (3,), "Gemm": (2,), "Conv": (2,)}  # inputs that are added to something
SMALLEST_PRODUCT = 32_768  # elements: below, quantising the input costs what the integers save
BITS_16, BITS_8, BITS_7 = 32_767, 127, 63


@dataclass(frozen=True)
class Weight:
    """A constant that an operation multiplies with.

    Attributes:
        position: which input of the operation it is.
        reduced: the axes that are summed over, so that the other ones are channels.
    """

    position: int
    reduced: tuple[int, ...]


PLAIN_GEMM = (("alpha", 1.0), ("beta", 1.0), ("transA", 0))  # a product and a sum, nothing else
WEIGHTS = {  # of each operation, the inputs that are worth storing in 8 bits; of "Gemm" see `_weights_of`
    "GRU": (Weight(1, (2,)), Weight(2, (2,))),
    "LSTM": (Weight(1, (2,)), Weight(2, (2,))),
    "RNN": (Weight(1, (2,)), Weight(2, (2,))),
    "MatMul": (Weight(0, (-1,)), Weight(1, (-2,))),
    "Gather": (Weight(0, (-1,)),),  # an embedding: one scale per id
    "Conv": (Weight(1, (1, 2, 3)),),
}


def with_int8_weights(proto: "onnx.ModelProto") -> "onnx.ModelProto":
    """A copy of the document whose large weights are stored as int8."""
    copy = _copied(proto)
    graph = _Graph(copy)
    for node in list(copy.graph.node):
        for weight in _weights_of(node):
            array = graph.constants.get(node.input[weight.position])
            if array is not None and array.dtype == np.float32 and array.size >= SMALLEST and array.ndim > 1:
                axes = _scaled_together(array, weight.reduced)
                node.input[weight.position] = graph.stored(node.input[weight.position], array, axes, BITS_8)
        for position, name in enumerate(node.input):
            array = graph.constants.get(name)
            if array is not None and _fits_16_bits(array, position in TERMS.get(node.op_type, ())):
                node.input[position] = graph.stored(name, array, tuple(range(array.ndim)), BITS_16)
    return graph.finished()


def with_integer_products(proto: "onnx.ModelProto") -> "onnx.ModelProto":
    """A copy of the document whose large matrix products run on integers and whose other weights are int8."""
    copy = _copied(proto)
    graph = _Graph(copy)
    nodes: list[Any] = []
    for node in copy.graph.node:
        array = graph.factor(node)
        nodes += [node] if array is None else graph.product(node, array)
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return with_int8_weights(graph.finished())


def quantized(array: np.ndarray, reduced: tuple[int, ...], levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Integers up to `levels` and float32 scales of which `array` is about the product; symmetric, per channel."""
    axes = tuple(axis for axis in reduced if axis < array.ndim)
    largest = np.abs(array).max(axis=axes, keepdims=True)
    scales = np.where(largest > 0, largest / levels, 1.0).astype(np.float32)
    kind = np.int8 if levels <= BITS_8 else np.int16
    return np.clip(np.rint(array / scales), -levels, levels).astype(kind), scales


class _Graph:
    """A document being rewritten."""

    def __init__(self, proto: "onnx.ModelProto") -> None:
        from onnx import numpy_helper

        self.proto = proto
        self.constants = {value.name: numpy_helper.to_array(value) for value in proto.graph.initializer}
        self.made: list[Any] = []  # nodes that bring weights back; they go first
        self.known: dict[Any, Any] = {}
        self.names = 0

    def stored(self, name: str, array: np.ndarray, reduced: tuple[int, ...], levels: int) -> str:
        """Name of a float32 tensor computed from the integer store of a constant."""
        from onnx import TensorProto, helper

        key = (name, reduced, levels)
        if key not in self.known:
            values, scales = quantized(array, reduced, levels)
            whole, back = self.name(), self.name()
            self.made.append(helper.make_node("Cast", [self.constant(values)], [whole], to=TensorProto.FLOAT))
            self.made.append(helper.make_node("Mul", [whole, self.constant(scales)], [back]))
            self.known[key] = back
        return str(self.known[key])

    def factor(self, node: Any) -> np.ndarray | None:
        """The weight (inputs, outputs) of a product that is worth computing on integers, None for other nodes.

        tf2onnx writes a product and the sum with a bias, if they have two axes, as one `Gemm`.
        """
        attributes = _attributes(node)
        if node.op_type not in ("MatMul", "Gemm") or any(attributes.get(name, one) != one for name, one in PLAIN_GEMM):
            return None
        array = self.constants.get(node.input[1])
        if array is None or array.dtype != np.float32 or array.ndim != 2 or array.size < SMALLEST_PRODUCT:
            return None
        return array.T if attributes.get("transB") else array

    def product(self, node: Any, array: np.ndarray) -> list[Any]:
        """A matrix product on integers in the place of `node`; an input used twice is quantised once."""
        from onnx import TensorProto, helper

        values, scales = quantized(array, (0,), BITS_7)
        x, nodes = node.input[0], []
        if x not in self.known:
            self.known[x] = [self.name(), self.name(), self.name()]
            nodes.append(helper.make_node("DynamicQuantizeLinear", [x], self.known[x]))
        integers, scale, zero = self.known[x]
        summed, real, both = self.name(), self.name(), self.name()
        biased = len(node.input) > 2 and bool(node.input[2])
        result = self.name() if biased else node.output[0]
        bias = [helper.make_node("Add", [result, node.input[2]], [node.output[0]])] if biased else []
        return [
            *nodes,
            helper.make_node("MatMulInteger", [integers, self.constant(values), zero], [summed]),
            helper.make_node("Cast", [summed], [real], to=TensorProto.FLOAT),
            helper.make_node("Mul", [scale, self.constant(scales.reshape(-1))], [both]),
            helper.make_node("Mul", [real, both], [result]),
            *bias,
        ]

    def constant(self, array: np.ndarray) -> str:
        """Name of a new constant."""
        from onnx import numpy_helper

        name = self.name()
        self.proto.graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    def name(self) -> str:
        """A name that nothing has yet."""
        self.names += 1
        return f"q{self.names}"

    def finished(self) -> "onnx.ModelProto":
        """The document, without constants that nothing reads any more."""
        graph = self.proto.graph
        nodes = [*self.made, *graph.node]
        del graph.node[:]
        graph.node.extend(nodes)
        read = {name for node in nodes for name in node.input}
        kept = [value for value in graph.initializer if value.name in read]
        del graph.initializer[:]
        graph.initializer.extend(kept)
        return _renumbered(self.proto)


def _fits_16_bits(array: np.ndarray, added: bool) -> bool:
    """Whether a constant is worth storing in 16 bits with one scale, and loses nothing that counts.

    A term may be as wrong as the largest one beside it lets it be; a factor may be wrong in proportion to itself only,
    since what it multiplies may be as large as the factor is small.
    """
    if array.dtype != np.float32 or array.size < SMALLEST_16:
        return False
    sizes = np.abs(array[array != 0])
    if not sizes.size or not np.isfinite(sizes).all():
        return not sizes.size
    if added:
        return bool(sizes.max() <= TERMS_SPAN * np.median(sizes))
    return bool(sizes.min() * BITS_16 >= SMALLEST_FACTOR * sizes.max())


def _scaled_together(array: np.ndarray, reduced: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that share a scale: those summed over, or all axes where those hold next to nothing."""
    together = math.prod(array.shape[axis] for axis in reduced if axis < array.ndim)
    return reduced if together >= SMALLEST_CHANNEL else tuple(range(array.ndim))


def _weights_of(node: Any) -> Iterable[Weight]:
    if node.op_type == "Gemm":
        return (Weight(1, (1,) if _attributes(node).get("transB") else (0,)),)
    return (weight for weight in WEIGHTS.get(node.op_type, ()) if weight.position < len(node.input))


def _attributes(node: Any) -> dict[str, Any]:
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _copied(proto: "onnx.ModelProto") -> "onnx.ModelProto":
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    return copy


def _renumbered(proto: "onnx.ModelProto") -> "onnx.ModelProto":
    """Names made here must not meet those of a second rewriting."""
    from components.converters.onnx.tidying import tidied

    return tidied(proto)
