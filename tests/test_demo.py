"""What the demonstration does on a device: verify a bundle there, and time one prediction of it."""

import shutil
import sys
from pathlib import Path

import pytest

from components.errors import GatewiseError
from components.registry import names
from flows.demo import predict_on

DEVICE = Path(sys.executable)


@pytest.mark.parametrize("application", [*names(), "forecasting_extras"])
def test_a_device_answers_and_says_how_long_that_took(tiny_bundles: dict[str, Path], application: str) -> None:
    answer = predict_on(DEVICE, tiny_bundles[application])
    assert answer["shown"]
    assert 0 < answer["milliseconds"] < 10_000
    assert {"gatewise", "numpy", "onnxruntime"} <= set(answer["packages"])


def test_a_bundle_that_does_not_prove_itself_ends_the_demonstration(
    tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    bundle = shutil.copytree(tiny_bundles["sentiment"], tmp_path / "altered")
    model = next(bundle.glob("*.onnx"))
    model.write_bytes(b"something else")
    with pytest.raises(GatewiseError, match=rf"verify .*altered. failed: gatewise: {model.name} of bundle .* altered"):
        predict_on(DEVICE, bundle)
