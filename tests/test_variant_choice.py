"""Which of a bundle's files ship and are used unasked: decided by their loss on the validation part."""

from types import SimpleNamespace

import numpy as np
import pytest

from components.application import Metric
from components.bundles.choice import fastest_step, largest_loss, loss
from components.bundles.entries import enter
from components.converters.specs import VariantFile
from components.converters.tflite.integer_variants import MICRO, Exported, LeftOut

ACCURACY = Metric("accuracy", higher_is_better=True, unit="%")
NATS = Metric("nats_per_character", higher_is_better=False, unit="")


def test_a_loss_is_positive_where_the_file_is_worse():
    assert loss(ACCURACY, 90.0, 89.5) == pytest.approx(0.5)
    assert loss(NATS, 1.5, 1.6) == pytest.approx(0.1)


def test_two_tenths_of_a_point_or_half_a_per_cent_are_accepted():
    assert largest_loss(ACCURACY, 90.0, 2_000) == pytest.approx(0.2)
    assert largest_loss(NATS, 1.5, 2_000) == pytest.approx(0.0075)


def test_one_wrong_example_is_accepted_however_few_there_are():
    assert largest_loss(ACCURACY, 90.0, 115) >= 90.0 - (90.0 - 100 / 115)
    assert largest_loss(ACCURACY, 90.0, 115) < 2 * 100 / 115


def test_the_fastest_step_is_taken_among_the_recommended():
    variants = {
        "onnx": {"step_us": 20.0, "recommended": True},
        "onnx-step": {"step_us": 15.0, "recommended": True},
        "onnx-step-int8": {"step_us": 5.0, "recommended": False},
        "tflite": {"step_us": None, "recommended": True},
    }
    assert fastest_step(variants) == {"step_variant": "onnx-step"}
    assert fastest_step({"onnx": {"step_us": None, "recommended": True}}) == {}


class Judge:
    """Stands in for the measuring: knows the loss of every precision, or the error that running it raises."""

    def __init__(self, folder, losses) -> None:
        self.folder, self.losses = folder, losses
        self.app, self.expected = SimpleNamespace(metric=NATS), [{"y": np.ones(1)}]
        self.description = SimpleNamespace(tolerance=1e-4)
        self.entries: dict = {}

    def validation(self, name):
        return 1.5, 500

    def verdict(self, name, exact):
        found = self.losses[self.entries[name]["precision"]]
        if isinstance(found, Exception):
            raise found
        return {"loss": found, "recommended": found <= 0.0075}


def entered(tmp_path, losses):
    """The manifest of a bundle with three alternatives of one variant, of which the last is the float32 file."""
    files = {"onnx": "model.onnx", "tflite": "model.tflite"}
    variants = {name: VariantFile(file, "litert", "float32") for name, file in files.items()}
    choices = [VariantFile(f"model.micro.{p}.tflite", "litert", p, micro={}) for p in ("full-int8", "int8-products")]
    choices.append(VariantFile("model.tflite", "litert", "float32", micro={"arena_bytes": 9}))
    for file in (*variants.values(), *choices):
        (tmp_path / file.file).write_bytes(b"x" * (8 if file.precision == "float32" else 4))
    manifest = {"variants": {}, "default_variant": "onnx"}
    judge = Judge(tmp_path, losses)
    judge.entries = manifest["variants"]
    earlier = LeftOut("other", "full-int8", "it cannot be written")
    enter(manifest, Exported(variants, {MICRO: tuple(choices)}, (earlier,)), judge, lambda: None)
    return manifest


def test_the_most_wanted_alternative_that_is_good_enough_ships_under_the_variants_name(tmp_path):
    manifest = entered(tmp_path, {"full-int8": 0.001, "int8-products": 0.0005})
    assert manifest["variants"][MICRO]["precision"] == "full-int8"
    assert manifest["variants"][MICRO]["file"] == "model.micro.tflite"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.micro.tflite", "model.onnx", "model.tflite"]
    reasons = {(entry["variant"], entry["precision"]): entry["reason"] for entry in manifest["left_out"]}
    assert reasons == {
        ("other", "full-int8"): "it cannot be written",
        (MICRO, "int8-products"): "full-int8 is good enough",
    }


def test_an_alternative_that_loses_too_much_or_fails_is_left_out_with_what_was_measured(tmp_path):
    broken = RuntimeError("Node number 62 (DIV) failed to invoke.\nmore")
    manifest = entered(tmp_path, {"full-int8": 0.02, "int8-products": broken})
    assert manifest["variants"][MICRO]["file"] == manifest["variants"]["tflite"]["file"] == "model.tflite"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "model.tflite"]
    left_out = {entry["precision"]: entry for entry in manifest["left_out"] if entry["variant"] == MICRO}
    assert left_out["full-int8"]["reason"] == (
        "its nats per character on 500 validation examples is 0.02 worse than float32's, and 0.0075 is accepted"
    )
    assert left_out["full-int8"]["measured"] == {"bytes": 4, "loss": 0.02}
    assert left_out["int8-products"]["reason"] == "LiteRT cannot run it: Node number 62 (DIV) failed to invoke."
