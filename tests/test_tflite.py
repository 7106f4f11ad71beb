"""TensorFlow Lite files of Keras models: precisions, calibration, and a converter that fails."""

import re

import keras
import numpy as np
import pytest

from components.converters import to_tflite
from components.converters.checking.measuring import opened
from components.converters.onnx.to_onnx import to_onnx
from components.converters.specs import GraphSpec, TensorSpec
from components.converters.tflite.calibration import calibration_cases
from components.converters.tflite.integer_variants import MOST_UNROLLED, write_integer_variants
from components.converters.tflite.micro import _opened
from components.converters.tflite.to_tflite import TfliteJob, write_tflite
from components.errors import ConversionError

pytestmark = [
    pytest.mark.filterwarnings(  # Keras 3.15 reads TensorFlow 2.21 variables in numpy's older way
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    ),
]

FEATURES, UNITS, LABELS, STEPS = 6, 12, 4, 8


def whole_network(steps: int | None = STEPS) -> keras.Model:
    """A GRU that reads a whole sequence."""
    x = keras.Input((steps, FEATURES), name="x")
    last = keras.layers.GRU(UNITS, name="gru")(x)
    y = keras.layers.Dense(LABELS, activation="softmax", name="y")(last)
    return keras.Model(x, {"y": y}, name="whole")


def whole_spec(steps: int = STEPS) -> GraphSpec:
    inputs = (TensorSpec("x", ("batch", "time", FEATURES)),)
    return GraphSpec(inputs, (TensorSpec("y", ("batch", LABELS)),), {"batch": 1, "time": steps})


def streaming_network() -> keras.Model:
    """A GRU whose state comes in and goes out."""
    x, state = keras.Input((None, FEATURES), name="x"), keras.Input((UNITS,), name="state_0")
    sequence, last = keras.layers.GRU(UNITS, return_sequences=True, return_state=True)(x, initial_state=state)
    y = keras.layers.Dense(LABELS, activation="softmax", name="y")(sequence)
    return keras.Model([x, state], {"y": y, "state_0_next": last}, name="streaming")


def streaming_spec() -> GraphSpec:
    state = TensorSpec("state_0", ("batch", UNITS))
    return GraphSpec(
        inputs=(TensorSpec("x", ("batch", "time", FEATURES)), state),
        outputs=(TensorSpec("y", ("batch", "time", LABELS)), TensorSpec("state_0_next", ("batch", UNITS))),
        fixed={"batch": 1, "time": 1},
    )


@pytest.fixture(scope="module")
def random() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture(scope="module")
def sequences(random):
    """Sequences from the start state on."""
    zeros = np.zeros((1, UNITS), np.float32)
    return [{"x": random.normal(size=(1, 20, FEATURES)).astype("f4"), "state_0": zeros} for _ in range(4)]


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory, random):
    """A network without states in every precision, and its inputs."""
    keras.utils.set_random_seed(1)
    model, folder = whole_network(), tmp_path_factory.mktemp("whole")
    cases = [{"x": random.normal(size=(1, STEPS, FEATURES)).astype("f4")} for _ in range(50)]
    jobs = {
        precision: TfliteJob(whole_spec(), folder / f"{precision}.tflite", precision)
        for precision in ("float32", "int8", "float16")
    }
    for precision in ("full-int8", "int8-products"):
        path = folder / f"{precision}.tflite"
        jobs[precision] = TfliteJob(whole_spec(), path, precision, unroll=True, calibration=cases)
    assert not write_tflite(model, list(jobs.values()))
    return model, {precision: job.path for precision, job in jobs.items()}, cases


def largest_error(model, path, cases) -> float:
    session = opened(path)
    return max(float(np.abs(session.run(case)["y"] - model(case["x"])["y"].numpy()).max()) for case in cases[:10])


def types_of(path, kind: str) -> set[str]:
    """Types of what the operations of a kind put out."""
    from tensorflow.lite.python import schema_py_generated as schema

    model, names = _opened(path), vars(schema.TensorType)
    graph, wanted = model.subgraphs[0], getattr(schema.BuiltinOperator, kind)
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    types = {graph.tensors[op.outputs[0]].type for op in graph.operators if codes[op.opcodeIndex] == wanted}
    return {name for name, value in names.items() if value in types and name.isupper()}


@pytest.mark.parametrize(
    ("precision", "accepted"),
    [("float32", 1e-6), ("float16", 1e-3), ("int8", 0.02), ("int8-products", 0.03), ("full-int8", 0.06)],
)
def test_every_precision_computes_what_keras_computes(whole_files, precision, accepted):
    model, paths, cases = whole_files
    assert largest_error(model, paths[precision], cases) < accepted


def test_full_integers_reach_the_gates_and_integer_products_do_not(whole_files):
    _, paths, _ = whole_files
    assert types_of(paths["full-int8"], "FULLY_CONNECTED") == types_of(paths["full-int8"], "TANH") == {"INT8"}
    assert types_of(paths["int8-products"], "FULLY_CONNECTED") == {"INT8"}
    assert types_of(paths["int8-products"], "TANH") == {"FLOAT32"}


def test_inputs_and_outputs_are_float32_in_every_precision(whole_files):
    _, paths, _ = whole_files
    for path in paths.values():
        graph = _opened(path).subgraphs[0]
        assert {graph.tensors[place].type for place in (*graph.inputs, *graph.outputs)} == {0}  # FLOAT32


def test_what_leads_to_a_logarithm_stays_float32(tmp_path, random):
    x = keras.Input((FEATURES,), name="x")
    energy = keras.ops.square(keras.layers.Dense(8, use_bias=False)(x))
    logarithm = keras.ops.log(energy + 1e-6)
    y = keras.layers.Dense(LABELS, name="y")(logarithm)
    model = keras.Model(x, {"y": y}, name="front_end")
    shapes = (TensorSpec("x", ("batch", FEATURES)),), (TensorSpec("y", ("batch", LABELS)),)
    loudness = 10.0 ** random.uniform(-4, 0, size=(200, 1))
    cases = [{"x": row[None]} for row in (loudness * random.normal(size=(200, FEATURES))).astype("f4")]
    job = TfliteJob(GraphSpec(*shapes, {"batch": 1}), tmp_path / "front.tflite", "full-int8", calibration=cases)
    write_tflite(model, [job])
    assert types_of(job.path, "FULLY_CONNECTED") == {"FLOAT32", "INT8"}
    assert types_of(job.path, "LOG") == {"FLOAT32"}
    spread = max(float(np.ptp(model(case["x"])["y"].numpy())) for case in cases)
    assert largest_error(model, job.path, cases) < 0.05 * spread


def test_calibration_takes_the_states_that_the_model_reaches(tmp_path, sequences):
    model, spec = streaming_network(), streaming_spec()
    to_onnx(model, spec, tmp_path / "model.onnx")
    cases = calibration_cases(tmp_path / "model.onnx", spec, sequences[:1])
    assert [case["x"].shape for case in cases] == [(1, 1, FEATURES)] * 20
    state = model([sequences[0]["x"][:, :7], sequences[0]["state_0"]])["state_0_next"].numpy()
    assert cases[7]["state_0"] == pytest.approx(state, abs=1e-5)
    assert len(calibration_cases(tmp_path / "model.onnx", spec, sequences, count=15)) == 15


def test_a_sequence_that_is_too_short_is_filled_up_for_calibration(tmp_path):
    (case,) = calibration_cases(tmp_path / "unused", whole_spec(), [{"x": np.ones((1, 3, FEATURES), "f4")}])
    assert case["x"].shape == (1, STEPS, FEATURES)
    assert case["x"].sum() == 3 * FEATURES


def test_a_crash_of_the_converter_is_an_error_with_its_last_lines(tmp_path, random):
    """TensorFlow 2.21 dies of a segmentation fault when it calibrates a loop."""
    cases = [{"x": random.normal(size=(1, 49, FEATURES)).astype("f4")} for _ in range(4)]
    job = TfliteJob(whole_spec(49), tmp_path / "model.tflite", "full-int8", calibration=cases)
    with pytest.raises(
        ConversionError, match=r"model 'whole': TensorFlow's TFLite converter crashed \(signal \d+\): .+"
    ):
        write_tflite(whole_network(49), [job])
    assert not list(tmp_path.iterdir())


def test_a_crash_costs_an_optional_file_alone(tmp_path, random):
    cases = [{"x": random.normal(size=(1, 49, FEATURES)).astype("f4")} for _ in range(4)]
    spec = whole_spec(49)
    jobs = [
        TfliteJob(spec, tmp_path / "before.tflite"),
        TfliteJob(spec, tmp_path / "crash.tflite", "full-int8", calibration=cases, optional=True),
        TfliteJob(spec, tmp_path / "after.tflite", "int8"),
    ]
    failed = write_tflite(whole_network(49), jobs)
    assert list(failed) == [tmp_path / "crash.tflite"]
    assert "crashed" in failed[tmp_path / "crash.tflite"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["after.tflite", "before.tflite"]


def test_an_exception_of_the_converter_is_quoted(tmp_path):
    x = keras.Input((FEATURES,), name="x")
    y = keras.ops.cast(keras.ops.linalg.det(keras.ops.reshape(x[:, :4], (-1, 2, 2))), "float32")
    model = keras.Model(x, {"y": y[:, None]}, name="determinant")
    spec = GraphSpec((TensorSpec("x", ("batch", FEATURES)),), (TensorSpec("y", ("batch", 1)),), {"batch": 1})
    with pytest.raises(ConversionError, match=r"failed: TensorFlow Lite has no .* for MatrixDeterminant$"):
        to_tflite(model, spec, tmp_path / "model.tflite")
    assert not list(tmp_path.iterdir())


def test_a_free_axis_is_refused_by_name(tmp_path):
    with pytest.raises(ConversionError, match="fix batch, time"):
        to_tflite(whole_network(), GraphSpec(whole_spec().inputs, whole_spec().outputs), tmp_path / "model.tflite")


@pytest.mark.parametrize(("precision", "said"), [("int4", "unknown precision"), ("full-int8", "needs calibration")])
def test_a_job_that_cannot_be_done_is_refused_before_the_converter_starts(tmp_path, precision, said):
    with pytest.raises(ConversionError, match=said):
        write_tflite(whole_network(), [TfliteJob(whole_spec(), tmp_path / "model.tflite", precision)])


def test_integers_are_not_tried_over_too_many_steps(tmp_path):
    long = MOST_UNROLLED + 1
    cases = [{"x": np.zeros((1, long, FEATURES), "f4")}]
    exported = write_integer_variants(whole_network(long), whole_spec(long), tmp_path, (), cases, cases[0])
    assert re.match(f"its {long} steps", exported.left_out[0].reason)
    assert not exported.choices
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.int8.tflite", "model.tflite"]
