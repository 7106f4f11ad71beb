"""int8 for onnxruntime: how exact, how small, and that stored weights run exactly the graph that float32 runs."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from components.converters import GraphSpec, TensorSpec
from components.converters.checking.measuring import differences, median_us
from components.converters.onnx.quantize import (
    BITS_7,
    BITS_8,
    BITS_16,
    quantized,
    with_int8_weights,
    with_integer_products,
)
from components.converters.onnx.to_onnx import onnx_of, step_onnx_of, write
from components.converters.onnx.variants import PRODUCTS, STORED, onnx_variants

UNITS, VOCABULARY, STEPS = 128, 300, 12
SATURATION = 32_767  # of the 16-bit sum of two products, on x86 processors without VNNI


def document(nodes, constants, inputs, outputs):
    """An ONNX document of float32 tensors."""
    tensors = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in named.items()]
        for named in (inputs, outputs)
    ]
    initializers = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "made", *tensors, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def outputs_of(proto, feeds):
    """What onnxruntime computes, as a list."""
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def kinds(proto):
    """How many nodes there are of each kind."""
    return Counter(node.op_type for node in proto.graph.node)


@pytest.fixture(scope="module")
def writer():
    """A character model with biases that are not zero, its graph's shapes and a case."""
    import keras

    keras.utils.set_random_seed(1)
    ids, state = keras.Input((None,), dtype="int32", name="ids"), keras.Input((UNITS,), name="state_0")
    x = keras.layers.Embedding(VOCABULARY, UNITS, embeddings_initializer="glorot_normal")(ids)
    x, last = keras.layers.GRU(UNITS, return_sequences=True, return_state=True, bias_initializer="glorot_normal")(
        x, initial_state=state
    )
    logits = keras.layers.Dense(VOCABULARY, bias_initializer="ones")(x)
    model = keras.Model([ids, state], {"logits": logits, "state_0_next": keras.layers.Identity()(last)})
    spec = GraphSpec(
        (TensorSpec("ids", ("batch", "time"), "int32"), TensorSpec("state_0", ("batch", UNITS))),
        (TensorSpec("logits", ("batch", "time", VOCABULARY)), TensorSpec("state_0_next", ("batch", UNITS))),
        {"batch": 1, "time": 1},
    )
    rng = np.random.default_rng(0)
    case = {
        "ids": rng.integers(0, VOCABULARY, (1, STEPS)).astype(np.int32),
        "state_0": rng.uniform(-0.5, 0.5, (1, UNITS)).astype(np.float32),
    }
    return model, spec, case


@pytest.fixture(scope="module")
def whole(writer):
    """Its float32 graph."""
    model, spec, _ = writer
    return onnx_of(model, spec)[0]


@pytest.fixture(scope="module")
def step(writer):
    """Its float32 graph of one step."""
    model, spec, _ = writer
    return step_onnx_of(model, spec)


@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from([BITS_7, BITS_8, BITS_16]),
    st.floats(1e-6, 1e6),
    st.integers(0, 2**32 - 1),
)
def test_no_weight_is_further_from_its_integer_than_half_a_step_of_its_channel(rows, columns, levels, size, seed):
    array = (size * np.random.default_rng(seed).standard_normal((rows, columns))).astype(np.float32)
    values, scales = quantized(array, (0,), levels)
    assert np.abs(values.astype(int)).max() <= levels
    assert scales.shape == (1, columns)
    rounding = levels * 2.0**-22  # of float32 products as large as `levels`, in steps
    assert np.all(np.abs(values * scales - array) <= (0.5 + rounding) * scales)


def test_a_channel_of_zeros_stays_zeros_and_a_huge_neighbour_costs_it_nothing():
    array = np.array([[0.0, 1e6, 0.001], [0.0, -1e6, -0.0005]], np.float32)
    values, scales = quantized(array, (0,), BITS_8)
    assert np.isfinite(scales).all()
    np.testing.assert_allclose(values * scales, array, atol=0.001 / BITS_8)


def test_pairs_of_products_cannot_saturate_sixteen_bits():
    assert 2 * 255 * BITS_7 <= SATURATION < 2 * 255 * BITS_8


def test_stored_weights_take_less_than_three_tenths_of_the_bytes(whole, step):
    for proto in (whole, step):
        assert with_int8_weights(proto).ByteSize() <= 0.30 * proto.ByteSize()
        assert with_integer_products(proto).ByteSize() <= 0.30 * proto.ByteSize()


def test_int8_answers_nearly_as_float32_does(whole, writer):
    _, _, case = writer
    exact, *_ = outputs_of(whole, case)
    for quantise in (with_int8_weights, with_integer_products):
        found, *_ = outputs_of(quantise(whole), case)
        assert 0 < np.abs(found - exact).max() <= 0.02 * np.abs(exact).max()


def test_onnxruntime_runs_stored_weights_as_the_very_graph_of_float32(whole, tmp_path):
    """So int8 cannot be slower: the graphs that are left after opening differ in the constants' values alone."""
    opened = []
    for name, proto in (("float32", whole), ("int8", with_int8_weights(whole))):
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(tmp_path / name)
        options.log_severity_level = 3  # it warns that such a file is for this machine alone
        onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
        opened.append(onnx.load(tmp_path / name))
    exact, small = opened
    assert kinds(small) == kinds(exact)
    assert "GRU" in kinds(small)
    shapes = [sorted((tuple(c.dims), c.data_type) for c in proto.graph.initializer) for proto in opened]
    assert shapes[0] == shapes[1]


def test_a_step_computes_every_large_product_on_integers(step, writer):
    """The product with the state and its bias, which tf2onnx writes as `Gemm`, and the output layer."""
    _, _, case = writer
    assert kinds(step)["Gemm"] == 1
    integer = with_integer_products(step)
    assert kinds(integer)["MatMulInteger"] == 2
    assert not kinds(integer)["Gemm"] + kinds(integer)["MatMul"]
    feeds = {"ids": case["ids"][:, :1], "state_0": case["state_0"]}
    for exact, found in zip(outputs_of(step, feeds), outputs_of(integer, feeds), strict=True):
        assert 0 < np.abs(found - exact).max() <= 0.02 * np.abs(exact).max()


@pytest.mark.parametrize("turned", [0, 1])
def test_a_gemm_is_quantised_whichever_way_its_weight_lies(turned):
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((256, 192)).astype(np.float32)
    weight[:, 0] *= 1_000  # one loud channel: with a scale of its own it does not drown the others
    constants = {"w": np.ascontiguousarray(weight.T) if turned else weight, "b": rng.standard_normal(192).astype("f4")}
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=turned)
    proto = document([node], constants, {"x": [None, 256]}, {"y": [None, 192]})
    feeds = {"x": rng.uniform(-1, 1, (64, 256)).astype(np.float32)}
    (exact,) = outputs_of(proto, feeds)
    for quantise in (with_int8_weights, with_integer_products):
        (found,) = outputs_of(quantise(proto), feeds)
        error = np.sqrt(((found - exact) ** 2).mean(axis=0) / (exact**2).mean(axis=0))  # by channel
        assert 0 < error.max() < 0.03
    assert kinds(with_integer_products(proto))["MatMulInteger"] == 1


def test_a_gemm_that_scales_its_product_is_left_in_float32():
    constants = {"w": np.ones((256, 192), np.float32), "b": np.ones(192, np.float32)}
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], alpha=2.0)
    proto = document([node], constants, {"x": [1, 256]}, {"y": [1, 192]})
    integer = with_integer_products(proto)
    assert kinds(integer)["Gemm"] == 1
    assert not kinds(integer)["MatMulInteger"]
    assert outputs_of(integer, {"x": np.ones((1, 256), np.float32)})[0] == pytest.approx(513)


def test_an_input_of_two_products_is_quantised_once():
    rng = np.random.default_rng(0)
    constants = {name: rng.standard_normal((256, 160)).astype(np.float32) for name in "vw"}
    nodes = [helper.make_node("MatMul", ["x", name], [f"{name}y"]) for name in "vw"]
    proto = document(nodes, constants, {"x": [None, 256]}, {"vy": [None, 160], "wy": [None, 160]})
    assert kinds(with_integer_products(proto))["DynamicQuantizeLinear"] == 1


def test_small_constants_and_whole_numbers_are_left_as_they_are():
    constants = {"w": np.eye(6, dtype=np.float32)}
    proto = document([helper.make_node("MatMul", ["x", "w"], ["y"])], constants, {"x": [1, 6]}, {"y": [1, 6]})
    assert kinds(with_int8_weights(proto)) == {"MatMul": 1}


def test_the_given_document_is_not_changed(step):
    before = step.SerializeToString()
    with_int8_weights(step), with_integer_products(step)
    assert step.SerializeToString() == before


@pytest.mark.parametrize(("faster", "integer"), [(PRODUCTS, 1), (STORED, 0)])
def test_the_way_to_int8_is_the_one_that_was_measured_to_be_faster(writer, tmp_path, monkeypatch, faster, integer):
    model, spec, case = writer

    def timed(paths, feeds):
        if len(paths) == 3:  # float32, stored weights, integer products
            return [9.0, *(5.0 if way == faster else 9.0 for way in (STORED, PRODUCTS))]
        return [1.0 for _ in paths]

    monkeypatch.setattr("components.converters.onnx.variants.median_us", timed)
    found = onnx_variants(model, spec, tmp_path, [case])
    assert kinds(onnx.load(tmp_path / "model.int8.onnx"))["MatMulInteger"] == integer
    assert found["onnx-int8"].tried_us == {
        "float32": 9.0,
        STORED: timed([0] * 3, {})[1],
        PRODUCTS: timed([0] * 3, {})[2],
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.int8.onnx", "model.onnx"]


def test_step_files_that_gain_nothing_do_not_ship_and_what_was_measured_is_kept(writer, tmp_path, monkeypatch):
    model, spec, case = writer
    times = {"model.onnx": 20.0, "model.int8.onnx": 20.0, "model.step.onnx": 19.0, "model.step.int8.onnx": 8.0}
    monkeypatch.setattr(
        "components.converters.onnx.variants.median_us", lambda paths, _: [times.get(path.name, 20.0) for path in paths]
    )
    found = onnx_variants(model, spec, tmp_path, [case])
    assert list(found) == ["onnx", "onnx-int8", "onnx-step-int8"]
    assert not (tmp_path / "model.step.onnx").exists()
    assert found["onnx"].tried_us == {"onnx": 20.0, "onnx-int8": 20.0, "onnx-step": 19.0, "onnx-step-int8": 8.0}
    assert found["onnx-step-int8"].step_us == 8.0


def test_files_are_timed_and_compared_side_by_side(whole, writer, tmp_path):
    _, _, case = writer
    paths = [tmp_path / name for name in ("a.onnx", "b.onnx", "c.onnx")]
    for path, proto in zip(paths, (whole, whole, with_int8_weights(whole)), strict=True):
        write(proto, path)
    assert all(taken > 0 for taken in median_us(paths, case))
    same, again, small = differences(paths, [case])
    assert same == again == 0
    assert small > 0
