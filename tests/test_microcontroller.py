"""A microcontroller's file: one step of listed operations, run by TensorFlow Lite Micro, and as a C header."""

import hashlib
import json
import shutil
import subprocess

import keras
import numpy as np
import pytest
from tiny_bundles import change_manifest, text_bundle

import gatewise
from components.converters.checking.measuring import opened
from components.converters.specs import GraphSpec, TensorSpec, states_of
from components.converters.tflite import micro
from components.converters.tflite.integer_variants import MICRO, write_integer_variants
from components.converters.tflite.to_tflite import TfliteJob, write_tflite
from components.errors import ConversionError
from components.networks.log_mel import LogMel, Tail
from gatewise.__main__ import main
from gatewise.c_header import c_header
from gatewise.errors import BundleError
from gatewise.verify import verify

pytestmark = [
    pytest.mark.filterwarnings(  # Keras 3.15 reads TensorFlow 2.21 variables in numpy's older way
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    ),
]

NO_RUNTIME = "tflite-micro has wheels for Linux on x86-64 alone"
HOP, LABELS, UNITS, MELS = 160, 5, 16, 40


def recogniser() -> keras.Model:
    """Raw samples and states → probabilities and next states, as a live recogniser takes them."""
    samples = keras.Input((None,), name="samples")
    state, tail = keras.Input((UNITS,), name="state_0"), keras.Input((HOP,), name="state_1")
    heard, kept = Tail(HOP, return_state=True)(samples, initial_state=tail)
    mels = LogMel(8_000, 2 * HOP, HOP, MELS, 60.0, 3_800.0)(heard)
    sequence, last = keras.layers.GRU(UNITS, return_sequences=True, return_state=True)(mels, initial_state=state)
    answer = keras.layers.Dense(LABELS, activation="softmax", name="answer")(sequence)
    outputs = {"answer": answer, "state_0_next": last, "state_1_next": kept}
    return keras.Model([samples, state, tail], outputs, name="recogniser")


def recogniser_spec() -> GraphSpec:
    states = (TensorSpec("state_0", ("batch", UNITS)), TensorSpec("state_1", ("batch", HOP)))
    return GraphSpec(
        inputs=(TensorSpec("samples", ("batch", "samples")), *states),
        outputs=(
            TensorSpec("answer", ("batch", "frames", LABELS)),
            *(TensorSpec(f"{state.name}_next", state.shape) for state in states),
        ),
        fixed={"batch": 1, "samples": HOP},
    )


@pytest.fixture(scope="module")
def steps():
    """Steps of sound of every loudness, with states."""
    random = np.random.default_rng(2)
    loud = 10.0 ** random.uniform(-3, 0, 60)
    return [
        {
            "samples": (scale * random.normal(size=(1, HOP))).astype("f4"),
            "state_0": random.uniform(-1, 1, (1, UNITS)).astype("f4"),
            "state_1": (scale * random.normal(size=(1, HOP))).astype("f4"),
        }
        for scale in loud
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, steps):
    """The recogniser's files, written by the exporter."""
    keras.utils.set_random_seed(3)
    folder, spec = tmp_path_factory.mktemp("micro"), recogniser_spec()
    exported = write_integer_variants(recogniser(), spec, folder, states_of(spec), steps, steps[0])
    assert not exported.left_out
    folder.joinpath("choices.json").write_text(json.dumps([vars(file) for file in exported.choices[MICRO]]))
    return folder


def choices(folder) -> dict[str, dict]:
    """The alternatives by precision."""
    return {file["precision"]: file for file in json.loads((folder / "choices.json").read_text())}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, folder):
    """A hand-made bundle that carries the recogniser's file of integers as a microcontroller's."""
    return micro_bundle(tmp_path_factory.mktemp("bundle") / "bundle", folder, "full-int8")


def micro_bundle(target, folder, precision: str):
    made, file = text_bundle(target), choices(folder)[precision]
    content = (folder / file["file"]).read_bytes()
    (made / "model.micro.tflite").write_bytes(content)
    manifest = json.loads((made / "manifest.json").read_text())
    entry = next(iter(manifest["variants"].values())) | {
        "file": "model.micro.tflite",
        "runtime": "litert",
        "precision": precision,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "micro": file["micro"],
    }
    settings = manifest["settings"] | {"labels": ["yes", 'a "b"\\', "naïve", "??/", "*/"], "hop": HOP}
    return change_manifest(made, variants=manifest["variants"] | {MICRO: entry}, settings=settings)


def test_every_alternative_holds_only_listed_operations(folder):
    assert list(choices(folder)) == ["full-int8", "int8-products", "float32"]
    for file in choices(folder).values():
        methods = {method.removeprefix("Add") for method in file["micro"]["operations"]}
        assert methods <= micro.MICRO_OPERATIONS
        assert {"FullyConnected", "Log", "Logistic", "Tanh", "Softmax"} <= methods
        assert not {"While", "If"} & methods


def test_states_go_in_and_come_out_beside_the_samples(folder):
    for file in choices(folder).values():
        said = file["micro"]
        names = [[tensor["name"] for tensor in said[kind]] for kind in ("inputs", "outputs")]
        assert sorted(names[0]) == ["samples", "state_0", "state_1"]
        assert sorted(names[1]) == ["answer", "state_0_next", "state_1_next"]
        pairs = {names[0][before]: names[1][after] for before, after in said["states"]}
        assert pairs == {"state_0": "state_0_next", "state_1": "state_1_next"}
        assert next(t["shape"] for t in said["inputs"] if t["name"] == "samples") == [1, HOP]


def test_integers_hear_what_float32_hears(folder, steps):
    """Also where sound is a thousandth of the loudest: the front end is not in integers."""
    exact = [opened(folder / "model.tflite").run(step)["answer"] for step in steps]
    for precision, accepted in (("full-int8", 0.08), ("int8-products", 0.05)):
        session = opened(folder / choices(folder)[precision]["file"])
        errors = [np.abs(session.run(step)["answer"] - wanted).max() for step, wanted in zip(steps, exact, strict=True)]
        assert max(errors) < accepted


@pytest.mark.parametrize("precision", ["full-int8", "int8-products", "float32"])
def test_tensorflow_lite_micro_computes_what_litert_computes(folder, steps, precision):
    runtime = pytest.importorskip("tflite_micro", reason=NO_RUNTIME).runtime
    file = choices(folder)[precision]
    content, said = (folder / file["file"]).read_bytes(), file["micro"]
    device = runtime.Interpreter.from_bytes(content, arena_size=said["arena_bytes"] + 1_024)
    session = opened(folder / file["file"])
    states = {name: np.zeros_like(steps[0][name]) for name in ("state_0", "state_1")}
    largest = 0.0
    for step in steps[:20]:  # the states carried by copying, as the header tells a device to
        feeds = states | {"samples": step["samples"]}
        for index, tensor in enumerate(said["inputs"]):
            device.set_input(feeds[tensor["name"]], index)
        device.invoke()
        wanted = session.run(feeds)
        found = {tensor["name"]: device.get_output(index) for index, tensor in enumerate(said["outputs"])}
        largest = max(largest, *(float(np.abs(found[name] - array).max()) for name, array in wanted.items()))
        states = {
            said["inputs"][before]["name"]: found[said["outputs"][after]["name"]] for before, after in said["states"]
        }
    assert largest < (1e-5 if precision == "float32" else 0.05)  # a step or two of 8 bits: roundings differ


def test_an_arena_of_the_stated_size_is_enough_and_a_smaller_one_is_not(folder):
    runtime = pytest.importorskip("tflite_micro", reason=NO_RUNTIME).runtime
    file = choices(folder)["full-int8"]
    content, arena = (folder / file["file"]).read_bytes(), file["micro"]["arena_bytes"]
    runtime.Interpreter.from_bytes(content, arena_size=arena + 1_024).invoke()
    with pytest.raises(RuntimeError):
        runtime.Interpreter.from_bytes(content, arena_size=arena // 2)


def test_an_operation_that_is_not_listed_is_named(tmp_path):
    x = keras.Input((4,), name="x")
    y = keras.ops.arctan2(x, x + 1.0)
    spec = GraphSpec((TensorSpec("x", ("batch", 4)),), (TensorSpec("y", ("batch", 4)),), {"batch": 1})
    write_tflite(keras.Model(x, {"y": y}), [TfliteJob(spec, tmp_path / "model.tflite")])
    with pytest.raises(ConversionError, match=r"^model\.tflite: TensorFlow Lite Micro has no ATAN2$"):
        micro.described(tmp_path / "model.tflite", ())


def test_dynamic_range_quantisation_is_refused_by_tensorflow_lite_micro(folder, steps):
    pytest.importorskip("tflite_micro", reason=NO_RUNTIME)
    with pytest.raises(ConversionError, match=r"model.int8.tflite: TensorFlow Lite Micro cannot run it: \S+"):
        micro.arena_bytes(folder / "model.int8.tflite", steps[0])


def test_without_tensorflow_lite_micro_the_memory_is_not_stated(folder, steps, monkeypatch):
    monkeypatch.setattr(micro, "find_spec", {}.get)
    assert micro.arena_bytes(folder / "model.tflite", steps[0]) is None


def test_without_examples_the_file_is_the_float32_one(tmp_path, steps):
    spec = recogniser_spec()
    exported = write_integer_variants(recogniser(), spec, tmp_path, states_of(spec), [], steps[0])
    (only,) = exported.choices[MICRO]
    assert (only.file, only.precision) == ("model.tflite", "float32")
    assert {entry.reason for entry in exported.left_out} == {"there are no real inputs to calibrate it on"}


PROGRAM = """
#include <stdio.h>
#include "model_micro.h"

static void show(const gatewise_tensor *tensor) {
  printf("%s %s %d", tensor->name, tensor->dtype, (int)tensor->rank);
  for (int axis = 0; axis < tensor->rank; ++axis) printf(" %d", (int)tensor->shape[axis]);
  printf(" %.9g %d\\n", (double)tensor->scale, (int)tensor->zero_point);
}

int main(void) {
  printf("%d\\n", (int)((uintptr_t)gatewise_model % 16));
  for (int i = 0; i < GATEWISE_INPUTS; ++i) show(&gatewise_inputs[i]);
  for (int i = 0; i < GATEWISE_OUTPUTS; ++i) show(&gatewise_outputs[i]);
  for (int i = 0; i < GATEWISE_STATES; ++i)
    printf("%d %d\\n", (int)gatewise_states[i].input, (int)gatewise_states[i].output);
  for (int i = 0; i < GATEWISE_LABELS; ++i) printf("%s\\n", gatewise_labels[i]);
  printf("%d %d\\n", GATEWISE_HOP, GATEWISE_OPERATIONS);
  fwrite(gatewise_model, 1, sizeof gatewise_model, stderr);
  return 0;
}
"""
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
COMPILERS = [("gcc", "c", "-std=c11"), ("g++", "c++", "-std=c++11"), ("g++", "c++", "-std=c++20")]


def compiled_and_run(folder, header: str, compiler: str, language: str, standard: str) -> tuple[list[str], bytes]:
    """Lines on stdout and the bytes on stderr of a program that includes the header."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} on this machine")
    (folder / "model_micro.h").write_text(header)
    (folder / "program.c").write_text(PROGRAM)
    source = ["-x", language, str(folder / "program.c"), "-o", str(folder / "program")]
    built = subprocess.run([compiler, standard, *STRICT, *source], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    done = subprocess.run([str(folder / "program")], capture_output=True, check=True)
    return done.stdout.decode().splitlines(), done.stderr


@pytest.mark.parametrize(("compiler", "language", "standard"), COMPILERS)
def test_a_compiled_program_finds_in_the_header_what_is_in_the_file(bundle, tmp_path, compiler, language, standard):
    opened_bundle = gatewise.open_bundle(bundle)
    said = opened_bundle.manifest["variants"][MICRO]["micro"]
    lines, content = compiled_and_run(tmp_path, c_header(opened_bundle), compiler, language, standard)
    assert content == opened_bundle.read("model.micro.tflite")
    tensors = [*said["inputs"], *said["outputs"]]
    sizes = [" ".join(map(str, (len(t["shape"]), *t["shape"]))) for t in tensors]
    shown = [
        f"{t['name']} {t['dtype']} {size} {t['scale']:.9g} {t['zero_point']}"
        for t, size in zip(tensors, sizes, strict=True)
    ]
    pairs = [f"{before} {after}" for before, after in said["states"]]
    labels = opened_bundle.settings["labels"]
    assert lines == ["0", *shown, *pairs, *labels, f"{HOP} {len(said['operations'])}"]


def test_quantisation_parameters_of_integer_inputs_reach_the_program(bundle, tmp_path):
    manifest = json.loads((bundle / "manifest.json").read_text())
    variants = manifest["variants"]
    variants[MICRO]["micro"]["inputs"][0] |= {"dtype": "int8", "scale": 0.0078431377, "zero_point": -3}
    made = change_manifest(shutil.copytree(bundle, tmp_path / "bundle"), variants=variants)
    lines, _ = compiled_and_run(tmp_path, c_header(gatewise.open_bundle(made)), "gcc", "c", "-std=c11")
    name, dtype, *_, scale, zero_point = lines[1].split()
    assert (dtype, zero_point) == ("int8", "-3")
    assert np.float32(scale) == np.float32(0.0078431377), name


def test_quantisation_parameters_are_read_from_a_file_of_integer_inputs(tmp_path):
    import tensorflow as tf

    x = keras.Input((4,), batch_size=1, name="x")
    keras.Model(x, {"y": keras.layers.Dense(3)(x)}).export(str(tmp_path / "saved"), verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved"))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [row[None]] for row in np.linspace(-2, 2, 40).reshape(10, 4).astype("f4")
    )
    converter.inference_input_type = converter.inference_output_type = tf.int8
    (tmp_path / "model.tflite").write_bytes(converter.convert())
    (found,) = micro.described(tmp_path / "model.tflite", ())["inputs"]
    assert (found["name"], found["dtype"], found["shape"]) == ("x", "int8", [1, 4])
    assert found["scale"] == pytest.approx(4 / 255, rel=1e-3)
    assert found["zero_point"] in (-1, 0)


RESOLVER = """
#include "model_micro.h"
struct Resolver { int added = 0; %s };
int main() { Resolver resolver; GATEWISE_ADD_OPERATIONS(resolver); return resolver.added - GATEWISE_OPERATIONS; }
"""


def test_the_header_adds_its_operations_to_a_resolver(bundle, tmp_path):
    if shutil.which("g++") is None:
        pytest.skip("no g++ on this machine")
    opened_bundle = gatewise.open_bundle(bundle)
    methods = opened_bundle.manifest["variants"][MICRO]["micro"]["operations"]
    (tmp_path / "model_micro.h").write_text(c_header(opened_bundle))
    (tmp_path / "main.cc").write_text(RESOLVER % " ".join(f"int {name}() {{ return ++added; }}" for name in methods))
    command = ["g++", "-std=c++11", str(tmp_path / "main.cc"), "-o", str(tmp_path / "main")]
    subprocess.run(command, check=True)
    assert subprocess.run([str(tmp_path / "main")], check=False).returncode == 0


def test_the_command_line_writes_the_header(bundle, tmp_path, capsys):
    assert main(["header", str(bundle), "--output", str(tmp_path / "model_micro.h")]) == 0
    assert (tmp_path / "model_micro.h").read_text() == c_header(gatewise.open_bundle(bundle))
    assert main(["header", str(bundle), "--output", str(tmp_path / "no" / "model.h")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_a_bundle_without_such_a_variant_has_no_header(tiny_bundles):
    with pytest.raises(BundleError, match="only models that stream"):
        c_header(gatewise.open_bundle(tiny_bundles["sentiment"]))


def test_a_manifest_that_says_what_was_left_out_is_read(bundle, tmp_path):
    left_out = [{"variant": "tflite-micro", "precision": "int8-products", "reason": "…", "measured": {"loss": 0.1}}]
    made = change_manifest(shutil.copytree(bundle, tmp_path / "bundle"), left_out=left_out)
    opened_bundle = gatewise.open_bundle(made)
    assert opened_bundle.manifest["left_out"] == left_out
    assert {check.variant for check in verify(opened_bundle)} >= {MICRO}
