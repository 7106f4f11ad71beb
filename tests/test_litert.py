"""A bundle whose only variant is a TensorFlow Lite file of one step: predicted from, streamed, verified."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_bundles import change_manifest, text_bundle

import gatewise
from gatewise.runtime import Runtime
from gatewise.verify import verify

pytest.importorskip("ai_edge_litert", reason="LiteRT is an optional part of the light install")
UNITS = 6

CONVERT = """
import sys
import numpy as np
import tensorflow as tf

weights = np.load(sys.argv[1])

class Step(tf.Module):
    @tf.function(input_signature=[
        tf.TensorSpec([1, 1], tf.int32, "ids"),
        tf.TensorSpec([1, 6], tf.float32, "state_0"),
    ])
    def __call__(self, ids, state_0):
        state = tf.tanh(tf.gather(weights["embedding"], ids[:, 0]) + tf.matmul(state_0, weights["kernel"]))
        return {"logits": tf.matmul(state, weights["readout"])[:, None], "state_0_next": state}

step = Step()
tf.saved_model.save(step, sys.argv[2] + "/saved", signatures=step.__call__)
content = tf.lite.TFLiteConverter.from_saved_model(sys.argv[2] + "/saved").convert()
open(sys.argv[2] + "/model.tflite", "wb").write(content)
"""


@pytest.fixture(scope="module")
def weights():
    """A recurrent network small enough to be computed by hand."""
    random = np.random.default_rng(3)
    vocabulary = 31
    shapes = {"embedding": (vocabulary, UNITS), "kernel": (UNITS, UNITS), "readout": (UNITS, vocabulary)}
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, weights):
    """The network as a bundle with a TensorFlow Lite file and nothing else."""
    folder = tmp_path_factory.mktemp("litert")
    np.savez(folder / "weights.npz", **weights)
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1"}
    command = [sys.executable, "-c", CONVERT, str(folder / "weights.npz"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=quiet)
    assert done.returncode == 0, done.stderr
    return as_only_variant(text_bundle(folder / "bundle"), (folder / "model.tflite").read_bytes(), weights)


def as_only_variant(folder: Path, content: bytes, weights) -> Path:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "model.tflite").write_bytes(content)
    entry = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    variant = manifest["variants"]["step"] | entry | {"file": "model.tflite", "runtime": "litert"}
    state = {"name": "state_0", "next": "state_0_next", "shape": ["batch", UNITS], "dtype": "float32"}
    ids = np.array([[1, 5, 2]], np.int32)
    logits, after = by_hand(weights, ids[0], np.zeros((1, UNITS), np.float32))
    arrays = {"input/ids": ids, "input/state_0": np.zeros((1, UNITS), np.float32)}
    arrays |= {"output/logits": logits, "output/state_0_next": after}
    np.savez(folder / "testvectors.npz", **{f"case0/{name}": array for name, array in arrays.items()})
    vectors = (folder / "testvectors.npz").read_bytes()
    entry = {"bytes": len(vectors), "sha256": hashlib.sha256(vectors).hexdigest()}
    return change_manifest(
        folder,
        variants={"tflite": variant},
        default_variant="tflite",
        graph=manifest["graph"] | {"states": [state]},
        files=manifest["files"] | {"testvectors.npz": entry},
    )


def by_hand(weights, ids, state):
    """Logits of every step, (1, time, vocabulary), and the last state."""
    rows = []
    for token in ids:
        state = np.tanh(weights["embedding"][token] + state @ weights["kernel"])
        rows.append(state @ weights["readout"])
    return np.concatenate(rows)[None], state


def test_a_sequence_runs_step_by_step_with_its_state_carried(bundle, weights):
    opened = gatewise.open_bundle(bundle)
    runtime = Runtime(opened, opened.variant())
    ids = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]], np.int32)  # two rows through a batch of one
    outputs, states = runtime.run({"ids": ids})
    for row in range(2):
        logits, state = by_hand(weights, ids[row], np.zeros((1, UNITS), np.float32))
        assert outputs["logits"][row : row + 1] == pytest.approx(logits, abs=1e-5)
        assert states[0][row : row + 1] == pytest.approx(state, abs=1e-5)


def test_text_is_generated_with_the_state_carried(bundle, weights):
    vocabulary = json.loads((bundle / "tokenizer.json").read_text())["model"]["vocab"]
    characters = {index: char for char, index in vocabulary.items()}
    ids = [vocabulary[char] for char in "hello"]
    for _ in range(20):
        logits = by_hand(weights, ids, np.zeros((1, UNITS), np.float32))[0][0, -1]
        logits[0] = -np.inf  # [UNK] is never written
        ids.append(int(logits.argmax()))
    generator = gatewise.load(bundle)
    expected = "".join(characters[token] for token in ids[5:])
    assert generator.predict("hello", length=20, temperature=0) == expected
    first = generator.predict("hello", length=8, temperature=0)
    assert first + generator.predict(length=12, temperature=0, keep_state=True) == expected


def test_verify_replays_it(bundle):
    checks = {check.variant: check for check in verify(gatewise.open_bundle(bundle))}
    assert checks["tflite"].passed
    assert checks["tflite"].max_error < 1e-5
